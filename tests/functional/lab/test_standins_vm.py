"""The engine's VM: vm.conf, the OVF, and the domain that the stand-in of vdsm makes of them."""

from __future__ import annotations

import pkgutil
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from .standins import IMAGE, SD, VM, VM_CONF, VOLUME, standin

domain_xml = standin("vdsm_standin.domain_xml")
errors = standin("vdsm_standin.errors")
machines = standin("vdsm_standin.machines")
ovf = standin("hosted_engine_ha_standin.ovf")
vm_conf = standin("hosted_engine_ha_standin.vm_conf")


def test_vm_conf_is_read_without_white_space_and_comments() -> None:
    parameters = vm_conf.parse(VM_CONF)

    assert parameters["memSize"] == "4096"
    boot_disk, nic, _graphics = parameters["devices"]
    assert boot_disk["address"] == {"bus": "0x00", "slot": "0x06", "type": "pci"}
    assert boot_disk["specParams"] == {}
    assert nic["macAddr"] == "00:16:3e:12:34:56"
    vm_conf.check(parameters, VM)


def test_rendered_vm_conf_has_a_time_stamp_and_reads_the_same() -> None:
    parameters = vm_conf.parse(VM_CONF)

    text = vm_conf.render(parameters, "vm.conf")

    assert "# This file was generated at" in text
    assert vm_conf.parse(text) == parameters


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("memSize", "memory", "no memSize"),
        ("memSize=4096", "memSize=4GiB", "no numbers"),
        (f"vmId={VM}", f"vmId={SD}", "is of VM"),
        (f"volumeID:{VOLUME},", "", "no volumeID"),
        ("macAddr:00:16:3e:12:34:56,", "", "no NIC"),
        ("type:pci}}", "type:pci}", "brace|key:value"),
        ("smp=2", "smp", "no '='"),
    ],
)
def test_vm_conf_is_refused(old: str, new: str, words: str) -> None:
    assert old in VM_CONF
    with pytest.raises(vm_conf.VmConfError, match=words):
        vm_conf.check(vm_conf.parse(VM_CONF.replace(old, new)), VM)


OVF = f"""<?xml version="1.0" encoding="UTF-8"?>
<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="4.4.0.0">
<Section xsi:type="ovf:DiskSection_Type"><Disk ovf:diskId="{VOLUME}"
 ovf:fileRef="{IMAGE}/{VOLUME}" ovf:volume-format="RAW" ovf:disk-interface="VirtIO"/></Section>
<Content><Name>HostedEngine</Name><DefaultDisplayType>2</DefaultDisplayType><Section ovf:id="{VM}"
 xsi:type="ovf:OperatingSystemSection_Type"/><Section xsi:type="ovf:VirtualHardwareSection_Type">
<Item><rasd:ResourceType>3</rasd:ResourceType><rasd:num_of_sockets>2</rasd:num_of_sockets>
<rasd:cpu_per_socket>3</rasd:cpu_per_socket></Item>
<Item><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
<Item><rasd:InstanceId>{VOLUME}</rasd:InstanceId><rasd:StorageId>{SD}</rasd:StorageId>
<Type>disk</Type><Device>disk</Device><BootOrder>0</BootOrder></Item>
<Item><rasd:MACAddress>00:16:3e:00:00:01</rasd:MACAddress>
<rasd:Connection>ovirtmgmt</rasd:Connection><Type>interface</Type><Device>bridge</Device></Item>
</Section></Content></ovf:Envelope>"""


def test_ovf_becomes_what_vm_conf_would_say() -> None:
    parameters = ovf.parameters(OVF)

    vm_conf.check(parameters, VM)
    assert (parameters["smp"], parameters["memSize"]) == ("6", "2048")
    assert parameters["devices"][0]["volumeID"] == VOLUME
    assert parameters["devices"][1]["macAddr"] == "00:16:3e:00:00:01"


def test_ovf_without_a_display_type_ends_the_reader() -> None:
    """The real one does int(None): the agent's start fails each time."""
    with pytest.raises(TypeError):
        ovf.parameters(OVF.replace("<DefaultDisplayType>2</DefaultDisplayType>", ""))


DEVICE = "<o:device><o:shared>{}</o:shared></o:device>"
DOMAIN = (
    '<domain xmlns:o="http://ovirt.org/vm/1.0"><metadata><o:vm>{}</o:vm></metadata>'
    "<devices>{}</devices></domain>"
)


@pytest.mark.parametrize(
    ("xml", "usable"),
    [
        (DOMAIN.format(DEVICE.format("exclusive"), "<lease/>"), True),
        (DOMAIN.format(DEVICE.format("exclusive"), ""), False),
        (DOMAIN.format(DEVICE.format("false"), "<lease/>"), False),
        ("", False),
    ],
)
def test_the_engines_xml_counts_with_an_exclusive_disk_and_a_lease(xml: str, usable: bool) -> None:
    text = OVF.replace("</Name>", f"</Name><EngineXml>{escape(xml)}</EngineXml>")

    parameters = vm_conf.for_vdsm(ovf.parameters(text))

    assert parameters.get("xml") == (xml if usable else None)
    assert vm_conf.parse(vm_conf.render(parameters, "OVF_STORE"))["vmId"] == VM


def test_vdsm_starts_no_vm_without_the_engines_xml() -> None:
    with pytest.raises(errors.VdsmError, match="'xml'"):
        machines.create(VM, vm_conf.for_vdsm(vm_conf.parse(VM_CONF)))


@pytest.mark.parametrize(
    ("old", "words"),
    [("<Name>HostedEngine</Name>", "no Name"), ("RAW", "volume-format"), ("</Content>", "no XML")],
)
def test_ovf_is_refused(old: str, words: str) -> None:
    with pytest.raises(ovf.OvfError, match=words):
        ovf.parameters(OVF.replace(old, ""))


def test_domain_has_the_disk_on_storage_and_the_nic_on_the_bridge() -> None:
    text = domain_xml.build(
        vm_conf.parse(VM_CONF),
        "qemu",
        ["pc-q35-7.2"],
        lambda at: ("file", f"/run/{at['volumeID']}"),
        "/log",
    )

    domain = ElementTree.fromstring(text)
    assert domain.findtext("uuid") == VM
    assert domain.findtext("sysinfo/system/entry[@name='uuid']") == VM
    assert domain.find("os/type").get("machine") == "q35"
    assert domain.find("devices/disk/source").get("file") == f"/run/{VOLUME}"
    assert domain.find("devices/disk/driver").get("cache") == "none"
    assert domain.find("devices/interface/source").get("bridge") == "ovirtmgmt"


@pytest.mark.parametrize("wanted", ["pc-i440fx-rhel7.6.0", "pc-i440fx-2.1"])
def test_unknown_machine_type_keeps_its_chipset(wanted: str) -> None:
    assert domain_xml.machine_type(wanted, ["pc-q35-7.2"]) == "pc"
    assert domain_xml.machine_type("pc-q35-7.2", ["pc-q35-7.2"]) == "pc-q35-7.2"


@pytest.mark.parametrize("package", ["vdsm_standin", "hosted_engine_ha_standin", "iscsi_standin"])
def test_every_module_can_be_imported(package: str) -> None:
    found = standin(package)

    for module in pkgutil.iter_modules(found.__path__):
        standin(f"{package}.{module.name}")


def test_cpu_use_is_percent_of_one_cpu_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 105.0, 120.0, 121.0])
    monkeypatch.setattr(machines.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(machines, "SAMPLES", {})

    seen = [machines._cpu_use(VM, int(seconds * 1e9)) for seconds in (50, 55, 80, 81)]

    assert [facts["cpuUser"] for facts in seen] == ["0.00", "0.00", "150.00", "150.00"]
