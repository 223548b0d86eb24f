"""Phase engine: the host, its storage, the disks and the VM that the engine gets."""

from __future__ import annotations

import json

import pytest

from ..site import Site

MIB, GIB = 1 << 20, 1 << 30

step = pytest.mark.step


@step(9, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_is_in_the_engine(engine: Site) -> None:
    host = engine.engine().named("hosts", "hv1.lab.test")

    assert host.findtext("address") == "hv1.lab.test"
    public = engine.engine()._curl(
        "/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY"
    )
    assert public.split()[1] in engine.output("cat", "/root/.ssh/authorized_keys")


@step(10, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_went_through_non_operational(engine: Site) -> None:
    events = [e.findtext("description") or "" for e in engine.engine().get("/events")]

    assert any("Non-Operational" in event for event in events), events


@step(11, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_routes_are_back(engine: Site, fresh: dict[str, str]) -> None:
    before = [r["gateway"] for r in json.loads(fresh["routes"]) if r["dst"] == "default"]
    now = [r for r in engine.json("ip", "-j", "route") if r["dst"] == "default"]

    assert [route["gateway"] for route in now] == before
    assert now[0]["dev"] == "ovirtmgmt"


@step(12, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_network_configuration_is_saved(engine: Site) -> None:
    saved = engine.output("sh", "-c", "cat /etc/systemd/network/*ovirtmgmt*")

    assert engine.address in saved, "what the next boot reads"


@step(13, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_is_up(engine: Site) -> None:
    assert engine.engine().named("hosts", "hv1.lab.test").findtext("status") == "up"


@step(14, phase="engine", state="Hosted engine storage is active", checked="every run")
def test_storage_domain_is_active(engine: Site) -> None:
    datacenter = engine.engine().named("datacenters", "Default")
    domains = engine.engine().get(f"/datacenters/{datacenter.get('id')}/storagedomains")

    assert datacenter.findtext("status") == "up"
    assert [(d.findtext("name"), d.findtext("status")) for d in domains] == [
        ("hosted_storage", "active")
    ]


@pytest.mark.parametrize(
    ("name", "content_type", "size"),
    [
        pytest.param(
            "HostedEngineConfigurationImage", "hosted_engine_configuration", GIB,
            marks=step(15, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_sanlock", "hosted_engine_sanlock", GIB,
            marks=step(16, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_metadata", "hosted_engine_metadata", 128 * MIB,
            marks=step(17, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_virtio_disk", "hosted_engine", 3 * GIB,
            marks=step(18, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
    ],
)  # fmt: skip
def test_disk(engine: Site, name: str, content_type: str, size: int) -> None:
    disk = engine.engine().named("disks", name)

    assert disk.findtext("status") == "ok"
    assert disk.findtext("content_type") == content_type
    assert disk.findtext("format") == "raw"
    assert int(engine.output("stat", "-c", "%s", engine.disk(name))) == size


@step(19, phase="engine", state="Hosted engine VM exists", checked="every run")
def test_vm_is_marked_and_stored(engine: Site) -> None:
    vm = engine.engine().named("vms", "HostedEngine")

    assert vm.findtext("delete_protected") == "true"
    assert vm.findtext("origin") == "managed_hosted_engine"
    stores = [
        _volume_of(engine, disk.get("id"), disk.findtext("image_id"))
        for disk in engine.engine().get("/disks")
        if disk.findtext("content_type") == "ovf_store"
    ]
    assert stores
    listed = [engine.run(["tar", "-tf", store], codes=(0, 2)).stdout for store in stores]
    assert any(f"{vm.get('id')}.ovf" in names for names in listed), listed


def _volume_of(site: Site, image: str | None, volume: str | None) -> str:
    return site.output("find", "/rhev/data-center/mnt", "-path", f"*/images/{image}/{volume}")
