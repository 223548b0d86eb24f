"""The OVF stores' content: an uncompressed tar with one ``<vm-id>.ovf`` for each VM of a domain."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from . import hosted_engine_xml
from .state import Data, Entity

if TYPE_CHECKING:
    from .engine import Engine

MIB = 1024**2
MARKED = 6
# What the reader makes "vnc" of.
VGA = 2
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/" \
xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="4.4.0.0">"""


def archive(data: Data, domain: str) -> bytes:
    """The tar of all VMs with a disk on that domain. External VMs have none."""
    buffer = io.BytesIO()
    vms = [
        vm
        for vm in data["vms"].values()
        if any(data["disks"][d]["storage_domains"][0]["id"] == domain for d in vm["_disks"])
    ]
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        about = {"LastUpdated": time.ctime(), "Domains": [{"StorageDomain ID": domain}]}
        _member(tar, "info.json", json.dumps(about))
        for vm in vms:
            _member(tar, f"{vm['id']}.ovf", envelope(data, vm))
    return buffer.getvalue()


def _member(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mtime = int(time.time())
    tar.addfile(info, io.BytesIO(content))


def write(engine: Engine, address: str, store: Entity, content: bytes) -> None:
    engine.hosts.verb(
        address,
        "Volume.write",
        storagedomainID=store["storage_domains"][0]["id"],
        imageID=store["id"],
        volumeID=store["image_id"],
        data=base64.b64encode(content).decode(),
    )


def description(content: bytes) -> str:
    """What the engine says about a store that it updated."""
    return json.dumps(
        {
            "Updated": True,
            "Size": len(content),
            "Last Updated": time.ctime(),
            "Disk Description": "OVF_STORE",
        }
    )


def envelope(data: Data, vm: Entity) -> str:
    """The VM's definition; with what HA starts it by once it is marked as the engine's own."""
    disks = [(data["disks"][i], attachment) for i, attachment in vm["_disks"].items()]
    references = "".join(
        f'<File ovf:href="{d["id"]}/{d["image_id"]}" ovf:id="{d["image_id"]}" '
        f'ovf:size="{d["provisioned_size"]}"/>'
        for d, _ in disks
    )
    section = "".join(
        f'<Disk ovf:diskId="{d["image_id"]}" ovf:size="{d["provisioned_size"] // 1024**3}" '
        f'ovf:boot="{str(a["bootable"]).lower()}" ovf:fileRef="{d["id"]}/{d["image_id"]}" '
        f'ovf:volume-format="{d["format"].upper()}" ovf:disk-interface="VirtIO" '
        f"ovf:disk-alias={quoteattr(d['name'])}/>"
        for d, a in disks
    )
    return (
        f"{HEAD}<References>{references}</References>"
        f'<Section xsi:type="ovf:DiskSection_Type">{section}</Section>'
        f'<Content ovf:id="out" xsi:type="ovf:VirtualSystem_Type">{_content(data, vm, disks)}'
        "</Content></ovf:Envelope>"
    )


def _content(data: Data, vm: Entity, disks: list[tuple[Entity, Entity]]) -> str:
    topology = (vm.get("cpu") or {}).get("topology") or {}
    sockets, cores = topology.get("sockets", 1), topology.get("cores", 1)
    threads = topology.get("threads", 1)
    items = [
        f"<rasd:ResourceType>3</rasd:ResourceType><rasd:num_of_sockets>{sockets}"
        f"</rasd:num_of_sockets><rasd:cpu_per_socket>{cores}</rasd:cpu_per_socket>"
        f"<rasd:threads_per_cpu>{threads}</rasd:threads_per_cpu>"
        f"<rasd:max_num_of_vcpus>{sockets * cores * threads * 16}</rasd:max_num_of_vcpus>",
        "<rasd:ResourceType>4</rasd:ResourceType>"
        "<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits>"
        f"<rasd:VirtualQuantity>{vm['memory'] // MIB}</rasd:VirtualQuantity>",
    ]
    items += [_disk(disk, attachment) for disk, attachment in disks]
    items += [_nic(data, nic) for nic in vm["_nics"].values()]
    items += [
        f"<rasd:InstanceId>{console['id']}</rasd:InstanceId>"
        "<rasd:ResourceType>26</rasd:ResourceType>"
        f"<Type>graphics</Type><Device>{console['protocol']}</Device><IsReadOnly>false</IsReadOnly>"
        for console in vm["_consoles"].values()
    ]
    items.append(
        "<rasd:ResourceType>20</rasd:ResourceType>"
        "<Type>video</Type><Device>vga</Device><IsReadOnly>false</IsReadOnly>"
    )
    hardware = "".join(f"<Item>{item}</Item>" for item in items)
    machine = vm.get("custom_emulated_machine") or ""
    own = ""
    if vm["_origin"] == MARKED:
        machine, cpu = hosted_engine_xml.hardware(data, vm)
        xml = hosted_engine_xml.domain(data, vm)
        own = f"<CustomCpuName>{escape(cpu)}</CustomCpuName><EngineXml>{escape(xml)}</EngineXml>"
    if machine:
        own += f"<CustomEmulatedMachine>{escape(machine)}</CustomEmulatedMachine>"
    return (
        f"<Name>{escape(vm['name'])}</Name>"
        f"<Description>{escape(vm.get('description', ''))}</Description>"
        f"<Origin>{vm['_origin']}</Origin><VmType>1</VmType>"
        f"<DefaultDisplayType>{VGA}</DefaultDisplayType>"
        f"<BiosType>{(vm.get('bios') or {}).get('type', '')}</BiosType>{own}"
        f'<Section ovf:id="{vm["id"]}" xsi:type="ovf:OperatingSystemSection_Type"/>'
        f'<Section xsi:type="ovf:VirtualHardwareSection_Type">{hardware}</Section>'
    )


def _disk(disk: Entity, attachment: Entity) -> str:
    return (
        f"<rasd:Caption>{escape(disk['name'])}</rasd:Caption>"
        f"<rasd:InstanceId>{disk['image_id']}</rasd:InstanceId>"
        "<rasd:ResourceType>17</rasd:ResourceType>"
        f"<rasd:HostResource>{disk['id']}/{disk['image_id']}</rasd:HostResource>"
        f"<rasd:StorageId>{disk['storage_domains'][0]['id']}</rasd:StorageId>"
        f"<Type>disk</Type><Device>disk</Device><BootOrder>{int(attachment['bootable'])}</BootOrder>"
        "<IsPlugged>true</IsPlugged>"
        f"<IsReadOnly>{str(attachment.get('read_only', False)).lower()}</IsReadOnly>"
    )


def _nic(data: Data, nic: Entity) -> str:
    profile = data["vnicprofiles"].get((nic.get("vnic_profile") or {}).get("id"), {})
    network = data["networks"].get((profile.get("network") or {}).get("id"), {})
    return (
        "<rasd:ResourceType>10</rasd:ResourceType><rasd:ResourceSubType>3</rasd:ResourceSubType>"
        f"<rasd:InstanceId>{nic['id']}</rasd:InstanceId>"
        f"<rasd:Name>{escape(nic['name'])}</rasd:Name>"
        f"<rasd:Connection>{escape(network.get('name', ''))}</rasd:Connection>"
        f"<rasd:MACAddress>{nic['mac']['address']}</rasd:MACAddress>"
        f"<rasd:Linked>{str(nic.get('linked', True)).lower()}</rasd:Linked>"
        "<Type>interface</Type><Device>bridge</Device>"
        "<BootOrder>0</BootOrder><IsPlugged>true</IsPlugged><IsReadOnly>false</IsReadOnly>"
    )
