"""The engine's OVF of a VM, made into vm.conf's words: what today's agent prefers to vm.conf."""

from __future__ import annotations

import base64
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
NIC_MODELS = {"1": "rtl8139", "2": "e1000", "3": "pv"}
MEMORY = "4"
DISPLAYS = {0: "vnc", 1: "qxl", 2: "vnc"}
OVIRT = "{http://ovirt.org/vm/1.0}"
BLANK = "00000000-0000-0000-0000-000000000000"


class OvfError(Exception):
    """Not the OVF of a VM, and what is missing."""


def _local(element: Element, name: str) -> str | None:
    """An attribute, whatever its namespace: the engine changed it between versions."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return None


def _need(value: str | None, what: str) -> str:
    if not value:
        raise OvfError(f"the OVF has no {what}")
    return value


def parameters(text: str) -> dict[str, Any]:
    """
    Read an OVF. Raises OvfError with what it lacks, or that it is no XML; TypeError for one without
    DefaultDisplayType, as the real reader does. ``xmlBase64`` is only there where EngineXml has
    exclusive disks and leases: the engine writes it once the VM is marked as its own.
    """
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as err:
        raise OvfError(f"the OVF is no XML: {err}") from err
    content = tree.find("Content")
    if content is None:
        raise OvfError("the OVF has no Content")
    sections = {section.get(XSI_TYPE, ""): section for section in content.findall("Section")}
    system = sections.get("ovf:OperatingSystemSection_Type")
    items = list(content.iter("Item"))
    found: dict[str, Any] = {
        "vmId": _need(None if system is None else _local(system, "id"), "id of the VM"),
        "vmName": _need(content.findtext("Name"), "Name"),
        "display": DISPLAYS.get(int(content.findtext("DefaultDisplayType")), "vnc"),  # type: ignore
        "emulatedMachine": content.findtext("CustomEmulatedMachine") or "",
        "cpuType": content.findtext("CustomCpuName") or "",
        "smp": str(_processors(items)),
        "memSize": _memory(items),
    }
    devices = [device for item in items for device in _devices(item, tree)]
    if not any(device["type"] == "rng" for device in devices):
        devices.append({"type": "rng", "device": "virtio", "model": "virtio"})
    found["devices"] = devices
    xml = content.findtext("EngineXml") or ""
    if _is_safe(xml):
        found["xmlBase64"] = base64.b64encode(xml.encode()).decode()
    return found


def _is_safe(xml: str) -> bool:
    """Whether no second VM could be started on the same disk: it's exclusive, and has a lease."""
    if not xml:
        return False
    domain = ElementTree.fromstring(xml)
    shared = [element.text for element in domain.iter(f"{OVIRT}shared")]
    return domain.find("devices/lease") is not None and shared.count("exclusive") > 0


def _processors(items: list[Element]) -> int:
    for item in items:
        sockets, cores = (
            item.findtext(f"{RASD}{key}") for key in ("num_of_sockets", "cpu_per_socket")
        )
        if sockets and cores:
            return int(sockets) * int(cores)
    raise OvfError("the OVF has no num_of_sockets and cpu_per_socket")


def _memory(items: list[Element]) -> str:
    for item in items:
        if item.findtext(f"{RASD}ResourceType") == MEMORY:
            return _need(item.findtext(f"{RASD}VirtualQuantity"), "VirtualQuantity of memory")
    raise OvfError("the OVF has no memory")


def _devices(item: Element, tree: Element) -> list[dict[str, Any]]:
    kind, device = item.findtext("Type"), item.findtext("Device") or ""
    match kind:
        case "disk" if device == "disk":
            return [_disk(item, tree)]
        case "interface":
            model = NIC_MODELS.get(item.findtext(f"{RASD}ResourceSubType") or "3", "pv")
            nic = {"type": "interface", "device": "bridge", "nicModel": model}
            nic["macAddr"] = _need(item.findtext(f"{RASD}MACAddress"), "MACAddress of a NIC")
            nic["network"] = _need(item.findtext(f"{RASD}Connection"), "Connection of a NIC")
            return [nic]
        case "controller" if device in ("scsi", "virtio-scsi"):
            return [{"type": kind, "device": "scsi", "model": "virtio-scsi"}]
        case "rng" | "graphics" | "console" | "video":
            return [{"type": kind, "device": device}]
    return []


def _disk(item: Element, tree: Element) -> dict[str, Any]:
    wanted = item.findtext(f"{RASD}InstanceId")
    for disk in tree.findall("Section/Disk"):
        if _local(disk, "diskId") == wanted:
            image, _slash, volume = _need(_local(disk, "fileRef"), "fileRef").partition("/")
            form = _need(_local(disk, "volume-format"), "volume-format")
            interface = _need(_local(disk, "disk-interface"), "disk-interface")
            return {
                "type": "disk",
                "device": "disk",
                "iface": interface.lower(),
                "format": form.lower(),
                "poolID": BLANK,
                "domainID": _need(item.findtext(f"{RASD}StorageId"), "StorageId of a disk"),
                "imageID": image,
                "volumeID": _need(volume, "volume in fileRef"),
                "bootOrder": str(int(item.findtext("BootOrder") or 0) + 1),
                "shared": "exclusive",
            }
    raise OvfError(f"the OVF has no Disk with the id {wanted}")
