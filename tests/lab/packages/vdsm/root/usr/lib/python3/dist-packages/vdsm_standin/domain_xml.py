"""libvirt's XML for a guest, from the parameters that vdsm gets (vm.conf's words)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

OVIRT = "http://ovirt.org/vm/1.0"
DISK_BUSES = {"virtio": ("vd", "virtio"), "virtio_scsi": ("sd", "scsi"), "scsi": ("sd", "scsi")}
# Type (file or block) and path of the volume that a disk device names.
Prepare = Callable[[dict[str, Any]], tuple[str, str]]
# Where libvirt wants the path, and how QEMU reads and writes it.
SOURCES = {"file": ("file", "threads"), "block": ("dev", "native")}


# An EL host has them; here QEMU's newest of the same chipset takes their place.
EL_MACHINES = ["pc-q35-rhel9.6.0", "pc-q35-rhel8.6.0", "pc-i440fx-rhel7.6.0"]


def host_facts(capabilities: str) -> tuple[str, list[str]]:
    """libvirt's capabilities → best domain type here, and the machine types that QEMU knows."""
    arch = ElementTree.fromstring(capabilities).find("guest/arch[@name='x86_64']")
    if arch is None:
        raise ValueError("this QEMU runs no x86_64 guests")
    types = {domain.get("type") for domain in arch.iter("domain")}
    machines = [machine.text or "" for machine in arch.iter("machine")]
    return ("kvm" if "kvm" in types else "qemu"), machines


def machine_type(wanted: str | None, known: list[str]) -> str:
    """An EL machine type isn't known to this QEMU: its newest one of the same chipset is taken."""
    if wanted in known:
        return str(wanted)
    return "q35" if not wanted or "q35" in wanted else "pc"


def _sub(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element


def build(
    parameters: dict[str, Any], domain_type: str, machines: list[str], prepare: Prepare, log: str
) -> str:
    """Make the XML. Raises KeyError where vmId, vmName, memSize or smp is missing."""
    domain = Element("domain", type=domain_type)
    vm_id = parameters["vmId"]
    _sub(domain, "name", parameters["vmName"])
    _sub(domain, "uuid", vm_id)
    _sub(_sub(domain, "metadata"), f"{{{OVIRT}}}vm")
    _sub(domain, "memory", str(parameters["memSize"]), unit="MiB")
    _sub(domain, "vcpu", str(parameters["smp"]))
    system = _sub(_sub(domain, "sysinfo", type="smbios"), "system")
    for name, value in (("manufacturer", "oVirt"), ("product", "oVirt Node"), ("uuid", vm_id)):
        _sub(system, "entry", value, name=name)
    machine = machine_type(parameters.get("emulatedMachine"), machines)
    operating_system = _sub(domain, "os")
    _sub(operating_system, "type", "hvm", arch="x86_64", machine=machine)
    _sub(operating_system, "smbios", mode="sysinfo")
    features = _sub(domain, "features")
    _sub(features, "acpi")
    _sub(features, "apic")
    _sub(domain, "cpu", mode="host-model" if domain_type == "kvm" else "maximum")
    _sub(domain, "clock", offset="utc")
    for event, reaction in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _sub(domain, f"on_{event}", reaction)
    devices = _sub(domain, "devices")
    for index, device in enumerate(parameters.get("devices", [])):
        _device(devices, device, index, prepare)
    _sub(devices, "memballoon", model="none")
    serial = _sub(devices, "serial", type="file")
    _sub(serial, "source", path=log, append="on")
    return ElementTree.tostring(domain, encoding="unicode")


def _device(devices: Element, device: dict[str, Any], index: int, prepare: Prepare) -> None:
    match device.get("type"), device.get("device"):
        case "disk", "disk":
            _disk(devices, device, index, prepare)
        case "interface", _:
            nic = _sub(devices, "interface", type="bridge")
            _sub(nic, "source", bridge=device["network"])
            _sub(nic, "mac", address=device["macAddr"])
            _sub(nic, "model", type=re.sub("^pv$", "virtio", device.get("nicModel", "pv")))
        case "controller", "scsi":
            _sub(devices, "controller", type="scsi", index="0", model="virtio-scsi")
        case "rng", _:
            rng = _sub(devices, "rng", model="virtio")
            _sub(rng, "backend", "/dev/urandom", model="random")
        case "graphics", kind:
            _sub(devices, "graphics", type=kind or "vnc", autoport="yes", listen="127.0.0.1")
        case "video", _:
            _sub(_sub(devices, "video"), "model", type="vga")


def _disk(devices: Element, device: dict[str, Any], index: int, prepare: Prepare) -> None:
    prefix, bus = DISK_BUSES[device.get("iface", "virtio")]
    kind, path = prepare(device)
    attribute, io = SOURCES[kind]
    disk = _sub(devices, "disk", type=kind, device="disk", snapshot="no")
    form = {"raw": "raw", "cow": "qcow2"}[device.get("format", "raw")]
    _sub(disk, "driver", name="qemu", type=form, cache="none", io=io, error_policy="stop")
    source = _sub(disk, "source", **{attribute: path})
    # Volumes stay vdsm:kvm; QEMU gets at them as a member of kvm.
    _sub(source, "seclabel", model="dac", relabel="no")
    _sub(disk, "target", dev=prefix + "abcdefghijklmnop"[index], bus=bus)
    _sub(disk, "serial", device["imageID"])
    if order := device.get("bootOrder"):
        _sub(disk, "boot", order=str(order))
