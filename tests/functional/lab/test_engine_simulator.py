"""The engine simulator's nouns, made by the SDK and looked at by curl."""

from __future__ import annotations

import base64
import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

from .conftest import GIB, Site


def refusal(call: Any, *arguments: Any, **facts: Any) -> ovirtsdk4.Error:
    with pytest.raises(ovirtsdk4.Error) as caught:
        call(*arguments, **facts)
    return caught.value


def volume(engine: Engine, identifier: str) -> dict[str, Any] | None:
    """What the host's storage holds of a volume; a disk's entry is there before its volume is."""
    for storage in engine.state()["memory"]["storage"].values():
        if identifier in storage["volumes"]:
            return storage["volumes"][identifier]
    return None


def content(engine: Engine, identifier: str) -> str:
    """What was written to a volume, in base 64; empty while it wasn't made or written."""
    return (volume(engine, identifier) or {}).get("data", "")


def test_a_deployment_from_host_to_ovf(engine: Engine, site: Site, api: Any) -> None:
    domain = site.active_domain()
    assert domain.status is None, "an attached domain's status belongs to the data center"
    assert domain.available > 100 * GIB
    host = api.hosts_service().list(search="name=hv1", all_content=True)[0]
    assert host.spm.status == types.SpmStatus.SPM
    assert engine.curl("/datacenters?search=name=Default").findtext("*/status") == "up"

    disk = site.good_disk(domain, "he_virtio_disk", "hosted_engine")
    vm = site.add_vm(delete_protected=True)
    site.attach(vm, disk)
    engine.sql(f"UPDATE vm_static SET origin=6 WHERE vm_guid='{vm.get().id}'")
    vm.update(types.Vm(description="Hosted engine VM"))

    engine.wait(lambda: len(engine.curl(f"/storagedomains/{domain.id}/disks")) == 3, seconds=15)
    stores = [
        d.findtext("image_id") or ""
        for d in engine.curl(f"/storagedomains/{domain.id}/disks")
        if d.findtext("content_type") == "ovf_store"
    ]
    assert len(stores) == 2
    for store in stores:
        written = base64.b64decode(engine.wait(lambda store=store: content(engine, store)))
        with tarfile.open(fileobj=io.BytesIO(written), mode="r:") as tar:
            member = tar.extractfile(f"{vm.get().id}.ovf")
            assert member
            ovf = ElementTree.fromstring(member.read())
        assert ovf.findtext("Content/Name") == "HostedEngine"
        assert ovf.findtext("Content/Description") == "Hosted engine VM"


def test_disks_on_the_storage_are_what_was_asked_for(engine: Engine, site: Site) -> None:
    domain = site.active_domain()
    disk = site.good_disk(domain, "he_sanlock", "hosted_engine_sanlock")

    made = volume(engine, disk.image_id)

    assert made["image"] == disk.id
    assert (made["size"], made["format"], made["preallocate"]) == (GIB, "raw", True)
    assert made["content_type"] == "hosted_engine_sanlock"
    assert engine.curl(f"/disks/{disk.id}").findtext("content_type") == "hosted_engine_sanlock"


def test_disks_are_made_side_by_side(engine: Engine, site: Site, api: Any) -> None:
    domain = site.active_domain()
    with ThreadPoolExecutor(4) as pool:
        names = [f"disk{number}" for number in range(4)]
        made = list(pool.map(lambda name: site.add_disk(domain, name), names))

    engine.wait(lambda: [d.findtext("status") for d in engine.curl("/disks")] == ["ok"] * 4)
    assert len({disk.image_id for disk in made}) == 4
    assert all(volume(engine, disk.image_id)["image"] == disk.id for disk in made)


def test_a_name_is_given_once_but_to_disks(site: Site, api: Any) -> None:
    domain = site.active_domain()
    site.add_vm()
    cluster = types.Cluster(name="Default", data_center=types.DataCenter(name="Default"))

    for error in (
        refusal(site.add_host),
        refusal(site.add_domain, path="/exports/other"),
        refusal(site.add_vm),
        refusal(api.clusters_service().add, cluster),
        refusal(api.data_centers_service().add, types.DataCenter(name="Default")),
    ):
        assert error.code == 409
        assert "already in use" in error.fault.detail
    assert site.good_disk(domain, "twice").id != site.good_disk(domain, "twice").id


def test_an_unknown_thing_is_not_found(api: Any, engine: Engine) -> None:
    error = refusal(api.vms_service().vm_service("0b4c1a04-0000-0000-0000-000000000000").get)

    assert isinstance(error, ovirtsdk4.NotFoundError)
    assert engine.curl_raw("/ovirt-engine/api/nothing") == "\n404", "no fault, no body"
    assert api.hosts_service().list(search="name=hv1") == []


def test_a_domain_needs_a_host_that_is_up(engine: Engine, site: Site) -> None:
    engine.faults(stuck="host")
    site.add_host()

    error = refusal(site.add_domain)

    assert error.code == 409
    assert error.fault.detail == "[Cannot add Storage. Host hv1 is not up.]"


def test_storage_that_cannot_be_mounted(engine: Engine, site: Site) -> None:
    site.up_host()
    engine.faults(unmountable=["nas.lab.test:/exports/gone"])
    error = refusal(site.add_domain, path="/exports/gone")
    assert (error.code, error.fault.detail) == (400, "[Problem while trying to mount target]")


def test_removing_a_domain_with_its_data(engine: Engine, site: Site) -> None:
    site.up_host()
    domain = site.add_domain()
    assert refusal(domain.remove).code == 400

    domain.remove(host="hv1", format=True)

    assert len(engine.curl("/storagedomains")) == 0
    assert site.add_domain(), "nothing is left on the storage"


def test_an_attached_domain_is_not_removed(site: Site, api: Any) -> None:
    domain = site.active_domain()
    service = api.storage_domains_service().storage_domain_service(domain.id)

    assert refusal(service.remove, host="hv1", format=True).code == 409
    assert refusal(service.remove, destroy=True).code == 409


def test_a_disk_needs_an_active_domain_with_room(engine: Engine, site: Site) -> None:
    site.up_host()
    domain = site.add_domain().get()
    error = refusal(site.add_disk, domain, "early")
    assert error.code == 409
    assert "status is Unattached" in error.fault.detail

    engine.faults(storage_available=5 * GIB)
    site.attached().add(types.StorageDomain(id=domain.id))
    inner = site.attached().storage_domain_service(domain.id)
    engine.wait(lambda: inner.get().status == types.StorageDomainStatus.ACTIVE)
    error = refusal(site.add_disk, domain, "large")
    assert error.code == 409
    assert "Low disk space" in error.fault.detail


def test_the_hosted_engine_vm_takes_no_disk_and_is_protected(engine: Engine, site: Site) -> None:
    domain = site.active_domain()
    disk = site.good_disk(domain, "late")
    vm = site.add_vm(delete_protected=True)
    engine.sql(f"UPDATE vm_static SET origin=6 WHERE vm_guid='{vm.get().id}'")

    error = refusal(site.attach, vm, disk)
    assert (error.code, error.fault.detail) == (400, "[This VM is not managed by the engine.]")
    assert "Delete protection" in refusal(vm.remove).fault.detail
    assert vm.get().origin == "managed_hosted_engine"


def test_nic_console_and_their_refusals(engine: Engine, site: Site, api: Any) -> None:
    vm = site.add_vm()
    profile = api.vnic_profiles_service().list(search="name=ovirtmgmt")[0]
    nic = types.Nic(
        name="vnet0",
        interface=types.NicInterface.VIRTIO,
        vnic_profile=types.VnicProfile(id=profile.id),
        mac=types.Mac(address="00:16:3E:00:00:01"),
    )
    vm.nics_service().add(nic)
    vm.graphics_consoles_service().add(types.GraphicsConsole(protocol=types.GraphicsType.SPICE))

    seen = engine.curl(f"/vms/{vm.get().id}?follow=nics,graphics_consoles")
    assert seen.findtext("nics/nic/mac/address") == "00:16:3e:00:00:01"
    assert [c.text for c in seen.iter("protocol")] == ["vnc", "spice"], "VNC is there by itself"
    assert refusal(vm.nics_service().add, nic).code == 409
    console = types.GraphicsConsole(protocol=types.GraphicsType.VNC)
    assert refusal(vm.graphics_consoles_service().add, console).code == 409
    nic.name, nic.mac.address = "vnet1", "01:16:3e:00:00:01"
    assert "multicast" in refusal(vm.nics_service().add, nic).fault.detail


def test_guests_of_the_host_appear(engine: Engine, site: Site, api: Any) -> None:
    guest = {"vmId": "7f9c0b7e-0000-4000-8000-000000000001", "vmName": "HostedEngineLocal"}
    engine.faults(vms=[guest | {"status": "Up", "external": True}])
    site.up_host()
    vms = api.vms_service()
    found = engine.wait(lambda: vms.list(search="name=external-HostedEngineLocal"))[0]
    assert (found.id, found.origin, found.status) == (
        guest["vmId"],
        "external",
        types.VmStatus.UP,
    )
    assert refusal(vms.vm_service(found.id).remove).code == 409

    engine.faults(vms=[guest | {"status": "Down", "external": True}])
    engine.wait(lambda: vms.vm_service(found.id).get().status == types.VmStatus.DOWN)
    vms.vm_service(found.id).remove()
    assert len(engine.curl("/vms")) == 0


def test_a_guest_called_hosted_engine_is_taken_for_the_engines_own(
    engine: Engine, site: Site
) -> None:
    engine.faults(vms=[{"vmId": "7f9c0b7e-0000-4000-8000-000000000002", "vmName": "HostedEngine"}])
    site.up_host()

    engine.wait(lambda: engine.curl("/vms").findtext("vm/name") == "HostedEngine")
    assert refusal(site.add_vm).code == 409


def test_options_of_a_level(engine: Engine, api: Any) -> None:
    option = api.options_service().option_service("ServerCPUList")
    values = option.get(version="4.7").values
    assert [value.version for value in values] == ["4.7"]
    assert all(len(entry.split(":")) == 5 for entry in values[0].value.split("; "))
    machines = engine.curl("/options/ClusterEmulatedMachines?version=4.8")
    assert machines.findtext("values/system_option_value/value") == (
        "[pc-q35-rhel9.6.0, pc-i440fx-rhel7.6.0, pseries-rhel8.5.0, s390-ccw-virtio-rhel9.4.0]"
    )
    older = engine.curl("/options/ClusterEmulatedMachines?version=4.7")
    assert "[pc-q35-rhel8.6.0, pc-q35-4.1, pc-i440fx-" in (
        older.findtext("values/system_option_value/value") or ""
    )
    assert engine.curl_raw("/ovirt-engine/api/options/Nonsense").endswith("404")


def test_search_max_and_links(engine: Engine, site: Site, connection: Any, api: Any) -> None:
    site.up_host()
    site.add_host("hv2")
    assert len(engine.curl("/hosts")) == 2
    assert len(engine.curl("/hosts;max=1")) == 1
    assert engine.curl("/hosts?search=name%3Dhv2").findtext("host/name") == "hv2"
    assert len(engine.curl("/hosts?search=name%3Dhv*+and+cluster%3Dnone")) == 0
    host = api.hosts_service().list(search="name=hv1")[0]
    assert connection.follow_link(host.cluster).name == "Default"
