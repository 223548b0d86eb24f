"""What the real engine 4.5.7 allows and refuses around its own VM, held against the simulator."""

from __future__ import annotations

import base64
import io
import tarfile
from typing import Any
from xml.etree import ElementTree

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

from .conftest import GIB, Site

LOCKED = "[There was an attempt to change Hosted Engine VM values that are locked.]"
BEING_UPDATED = "[Cannot ${action} Storage. Storage Domain OVF data is currently being updated.]"
PART = "[Cannot {} Virtual Disk. The disk is a part of Hosted Engine.]"
UNSUPPORTED = "[Cannot {} Virtual Disk. The operation is not supported for {} disks.]"
OVIRT = "{http://ovirt.org/vm/1.0}"


def refusal(call: Any, *arguments: Any, **facts: Any) -> tuple[int, str]:
    with pytest.raises(ovirtsdk4.Error) as caught:
        call(*arguments, **facts)
    fault = caught.value.fault
    return caught.value.code, (fault.detail or "") if fault else "no fault"


def mark(engine: Engine, vm: Any) -> None:
    engine.sql(f"UPDATE vm_static SET origin=6 WHERE vm_guid='{vm.get().id}'")


def marked_vm(engine: Engine, site: Site) -> tuple[Any, Any]:
    """The storage domain, and the service of a marked VM with a disk on it."""
    domain = site.active_domain()
    vm = site.add_vm(delete_protected=True)
    site.attach(vm, site.good_disk(domain, "he_virtio_disk", "hosted_engine"))
    mark(engine, vm)
    return site.api.storage_domains_service().storage_domain_service(domain.id), vm


def test_a_change_of_the_marked_vm_updates_the_ovf_and_a_second_update_is_refused(
    engine: Engine, site: Site
) -> None:
    domain, vm = marked_vm(engine, site)
    engine.faults(stuck="ovf")

    vm.update(types.Vm(description="Hosted engine VM"))

    assert refusal(domain.update_ovf_store) == (409, BEING_UPDATED)
    assert vm.update(types.Vm(comment="again")).comment == "again", "the VM isn't locked meanwhile"
    engine.faults()
    engine.wait(lambda: not [t for t in engine.state()["tasks"] if t["name"] == "ovf_update"])
    domain.update_ovf_store()


def test_two_updates_of_the_ovf_stores_in_a_row_are_refused(engine: Engine, site: Site) -> None:
    domain, _ = marked_vm(engine, site)
    engine.faults(stuck="ovf")
    domain.update_ovf_store()

    code, said = refusal(domain.update_ovf_store)

    assert code == 409
    assert "Related operation is currently in progress. Please try again later." in said


@pytest.mark.parametrize(
    "changed",
    [
        {"delete_protected": False},
        {"type": types.VmType.SERVER},
        {"bios": types.Bios(type=types.BiosType.Q35_OVMF)},
        {"custom_emulated_machine": "pc-q35-rhel9.6.0"},
        {"high_availability": types.HighAvailability(enabled=True)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_of_the_marked_vm_most_is_locked(
    engine: Engine, site: Site, changed: dict[str, Any]
) -> None:
    vm = site.add_vm(delete_protected=True)
    mark(engine, vm)

    assert refusal(vm.update, types.Vm(**changed)) == (400, LOCKED)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Engine"},
        {"description": "mine", "comment": "of ours"},
        {"memory": 8 * GIB, "memory_policy": types.MemoryPolicy(guaranteed=8 * GIB)},
        {"cpu": types.Cpu(topology=types.CpuTopology(sockets=4, cores=1, threads=1))},
        {"console": types.Console(enabled=True)},
        # Not a change.
        {"delete_protected": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_of_the_marked_vm_memory_cpus_names_and_console_can_be_changed(
    engine: Engine, site: Site, changed: dict[str, Any]
) -> None:
    vm = site.add_vm(delete_protected=True)
    mark(engine, vm)

    vm.update(types.Vm(**changed))


@pytest.mark.parametrize("marked", [False, True])
def test_the_hosted_engine_s_disks_are_neither_removed_nor_renamed(
    engine: Engine, site: Site, api: Any, marked: bool
) -> None:
    domain = site.active_domain()
    if marked:
        mark(engine, site.add_vm())
    disks = {
        "he_metadata": "hosted_engine_metadata",
        # By its name alone: older engines knew no content types.
        "he_sanlock": "data",
        "renamed": "hosted_engine_configuration",
    }
    for name, content in disks.items():
        disk = api.disks_service().disk_service(site.good_disk(domain, name, content).id)
        if name == "renamed":
            kind = content.upper()
            assert refusal(disk.remove) == (409, UNSUPPORTED.format("remove", kind))
            assert refusal(disk.update, types.Disk(name="x")) == (
                409,
                UNSUPPORTED.format("edit", kind),
            )
        else:
            assert refusal(disk.remove) == (409, PART.format("remove"))
            assert refusal(disk.update, types.Disk(name="x")) == (409, PART.format("edit"))
    other = api.disks_service().disk_service(site.good_disk(domain, "other").id)
    other.remove()
    engine.wait(lambda: "other" not in [each.findtext("name") for each in engine.curl("/disks")])


def test_a_disk_whose_volume_is_refused_is_gone_at_once(engine: Engine, site: Site) -> None:
    domain = site.active_domain()
    engine.faults(disk="refused")

    assert refusal(site.add_disk, domain, "he_metadata", "hosted_engine_metadata") == (400, "")
    assert list(engine.curl("/disks")) == []


def test_a_disk_whose_volume_fails_later_is_gone_with_an_event(engine: Engine, site: Site) -> None:
    domain = site.active_domain()
    engine.faults(disk="fails")
    site.add_disk(domain, "he_metadata", "hosted_engine_metadata")

    engine.wait(lambda: not list(engine.curl("/disks")))

    events = engine.curl("/events?search=severity%3Derror")
    assert "Add-Disk" in (events.findtext("event/description") or "")


def test_a_disk_may_bring_its_id_once(engine: Engine, site: Site, api: Any) -> None:
    domain = site.active_domain()
    mine = "3b1f6f5e-0000-4000-8000-000000000001"
    disk = types.Disk(
        id=mine,
        name="mine",
        format=types.DiskFormat.RAW,
        provisioned_size=GIB,
        storage_domains=[types.StorageDomain(id=domain.id)],
    )
    assert api.disks_service().add(disk).id == mine

    code, said = refusal(api.disks_service().add, disk)

    assert code == 409
    assert f"disk ID: {mine} is already used by the following existing disk: mine" in said


@pytest.mark.parametrize("content", ["sanlock", "metadata", "configuration"])
def test_the_other_disks_of_the_hosted_engine_are_attached_to_no_vm(
    engine: Engine, site: Site, content: str
) -> None:
    disk = site.good_disk(site.active_domain(), "one", f"hosted_engine_{content}")

    said = UNSUPPORTED.format("attach", f"HOSTED_ENGINE_{content.upper()}")
    assert refusal(site.attach, site.add_vm(), disk) == (409, said)


def test_a_cluster_s_level_is_not_below_its_data_center_s(site: Site, api: Any) -> None:
    home = types.DataCenter(name="Default")
    cluster = types.Cluster(name="low", data_center=home, version=types.Version(major=4, minor=6))
    code, said = refusal(api.clusters_service().add, cluster)
    assert code == 400
    assert said.startswith(
        "[Cannot add Cluster with Compatibility Version that is lower than the Data Center"
    )

    default = api.clusters_service().list(search="name=Default")[0]
    service = api.clusters_service().cluster_service(default.id)
    low = types.Cluster(version=types.Version(major=4, minor=6))
    code, said = refusal(service.update, low)
    assert code == 400
    assert "beneath data center compatibility version" in said


def test_the_console_file_of_a_vm_that_is_down_is_no_content(engine: Engine, site: Site) -> None:
    vm = site.add_vm()
    console = vm.graphics_consoles_service().list()[0]
    assert console.protocol == types.GraphicsType.VNC
    path = f"/vms/{vm.get().id}/graphicsconsoles/{console.id}/remoteviewerconnectionfile"

    answer = engine.curl_raw(f"/ovirt-engine/api{path}", method="POST", body="<action/>")

    assert answer == "\n204"


@pytest.mark.parametrize("status", ["non_operational", "unassigned"])
def test_a_host_that_does_not_work_can_be_removed(engine: Engine, site: Site, status: str) -> None:
    if status == "non_operational":
        engine.faults(network_lost=True)
        host = site.add_host()
        engine.wait(lambda: host.get().status == types.HostStatus.NON_OPERATIONAL)
    else:
        host = site.up_host()
        host.deactivate()
        engine.wait(lambda: host.get().status == types.HostStatus.MAINTENANCE)
        engine.faults(stuck="host")
        host.activate()
        assert host.get().status == types.HostStatus.UNASSIGNED

    host.remove()

    assert list(engine.curl("/hosts")) == []


def test_ha_is_not_deployed_while_nobody_knows_where_the_engine_runs(
    engine: Engine, site: Site
) -> None:
    mark(engine, site.add_vm())
    host = site.add_host(deploy_hosted_engine=True)

    engine.wait(lambda: host.get().status == types.HostStatus.INSTALL_FAILED)

    events = engine.curl("/events?search=severity%3Derror")
    assert 'VDS.getHostName()" because "vds" is null' in (
        events.findtext("event/description") or ""
    )


def written(engine: Engine, vm: Any) -> ElementTree.Element | None:
    """The VM's OVF in a store, as the engine wrote it last; None before it did."""
    for storage in engine.state()["memory"]["storage"].values():
        for volume in storage["volumes"].values():
            if volume["content_type"] == "ovf_store" and volume["data"]:
                content = io.BytesIO(base64.b64decode(volume["data"]))
                with tarfile.open(fileobj=content, mode="r:") as tar:
                    member = tar.extractfile(f"{vm.get().id}.ovf")
                    assert member
                    return ElementTree.fromstring(member.read())
    return None


def test_the_ovf_has_what_ha_reads_and_its_xml_only_after_the_mark(
    engine: Engine, site: Site
) -> None:
    domain, vm = marked_vm(engine, site)
    engine.sql(f"UPDATE vm_static SET origin=3 WHERE vm_guid='{vm.get().id}'")
    domain.update_ovf_store()
    before = engine.wait(lambda: written(engine, vm))
    # int() of it: without, the agent's start fails each time.
    assert before.findtext("Content/DefaultDisplayType") == "2"
    devices = [each for each in before.iter("Item") if each.find("Type") is not None]
    assert {each.findtext("IsReadOnly") for each in devices} == {"false"}
    assert before.find("Content/EngineXml") is None

    mark(engine, vm)
    vm.update(types.Vm(description="Hosted engine VM"))

    def engine_xml() -> str | None:
        found = written(engine, vm)
        return found.findtext("Content/EngineXml") if found is not None else None

    xml = ElementTree.fromstring(engine.wait(engine_xml))
    disk = vm.disk_attachments_service().list()[0].disk
    assert xml.findtext("devices/disk/serial") == disk.id
    assert xml.findtext("devices/lease/lockspace") == domain.get().id
    device = xml.find(f"metadata/{OVIRT}vm/{OVIRT}device[@devtype='disk']")
    assert device is not None
    assert device.findtext(f"{OVIRT}shared") == "exclusive"
    content = written(engine, vm).find("Content")
    assert content.findtext("CustomEmulatedMachine") == "pc-q35-rhel8.6.0"
    assert content.findtext("CustomCpuName")
