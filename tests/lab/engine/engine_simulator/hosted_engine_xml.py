"""The libvirt XML in the OVF of the VM that is marked as hosted engine: HA starts the VM by it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from .infrastructure import MACHINES
from .levels import CPUS
from .state import BLANK, Data, Entity

OVIRT = "http://ovirt.org/vm/1.0"
KIB = 1024
register_namespace("ovirt-vm", OVIRT)


def hardware(data: Data, vm: Entity) -> tuple[str, str]:
    """Machine and CPU that the VM has: its own, or those of its cluster, of the VM's chipset."""
    cluster = data["clusters"][vm["cluster"]["id"]]
    level = "{major}.{minor}".format(**cluster["version"])
    kind = str((vm.get("bios") or {}).get("type") or "")
    chipset = "i440fx" if kind.startswith("i440fx") else "q35"
    machines = [each for each in MACHINES[level].split(", ") if chipset in each]
    machine = vm.get("custom_emulated_machine") or next(iter(machines), "")
    models = {row.split(":")[1]: row.split(":")[3] for row in CPUS.split("; ")}
    return machine, models.get((cluster.get("cpu") or {}).get("type"), "Nehalem")


def domain(data: Data, vm: Entity) -> str:
    """The XML: each disk is exclusive, and has a lease of its own."""
    machine, cpu = hardware(data, vm)
    root = Element("domain", type="kvm")
    memory = str(vm["memory"] // KIB)
    topology = (vm.get("cpu") or {}).get("topology") or {}
    count = [topology.get(key, 1) for key in ("sockets", "cores", "threads")]
    for tag, text in (("name", vm["name"]), ("uuid", vm["id"]), ("memory", memory)):
        _sub(root, tag, text)
    _sub(root, "vcpu", str(count[0] * count[1] * count[2]))
    _sub(_sub(root, "os"), "type", "hvm", arch="x86_64", machine=machine)
    _sub(_sub(root, "cpu", match="exact"), "model", cpu)
    devices = _sub(root, "devices")
    known = _sub(_sub(root, "metadata"), f"{{{OVIRT}}}vm")
    for index, (identifier, attachment) in enumerate(vm["_disks"].items()):
        name = "vd" + "abcdefgh"[index]
        _disk(devices, known, data["disks"][identifier], name, attachment)
    for nic in vm["_nics"].values():
        _nic(devices, data, nic)
    for console in vm["_consoles"].values():
        _sub(devices, "graphics", type=console["protocol"], port="-1", autoport="yes")
    _sub(_sub(devices, "video"), "model", type="vga")
    return tostring(root, encoding="unicode")


def _disk(devices: Element, known: Element, disk: Entity, name: str, attachment: Entity) -> None:
    storage, volume = disk["storage_domains"][0]["id"], disk["image_id"]
    path = f"/rhev/data-center/{BLANK}/{storage}/images/{disk['id']}/{volume}"
    element = _sub(devices, "disk", type="file", device="disk", snapshot="no")
    form = {"cow": "qcow2"}.get(disk["format"], "raw")
    _sub(element, "driver", name="qemu", type=form, cache="none", error_policy="stop")
    _sub(element, "source", file=path)
    _sub(element, "target", dev=name, bus="virtio")
    _sub(element, "serial", disk["id"])
    if attachment["bootable"]:
        _sub(element, "boot", order="1")
    lease = _sub(devices, "lease")
    _sub(lease, "key", volume)
    _sub(lease, "lockspace", storage)
    place = f"{volume}:{storage}"
    _sub(lease, "target", offset=f"LEASE-OFFSET:{place}", path=f"LEASE-PATH:{place}")
    device = _sub(known, f"{{{OVIRT}}}device", devtype="disk", name=name)
    for key, value in (
        ("poolID", BLANK),
        ("volumeID", volume),
        ("shared", "exclusive"),
        ("imageID", disk["id"]),
        ("domainID", storage),
    ):
        _sub(device, f"{{{OVIRT}}}{key}", value)


def _nic(devices: Element, data: Data, nic: Entity) -> None:
    profile = data["vnicprofiles"].get((nic.get("vnic_profile") or {}).get("id"), {})
    network = data["networks"].get((profile.get("network") or {}).get("id"), {})
    element = _sub(devices, "interface", type="bridge")
    _sub(element, "model", type="virtio")
    _sub(element, "source", bridge=network.get("name", ""))
    _sub(element, "mac", address=nic["mac"]["address"])


def _sub(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
