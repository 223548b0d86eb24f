"""Data center, cluster, storage domain and disks in the engine, from any half-done start."""

from __future__ import annotations

from typing import Any

import pytest

from functional.ovirt import Host, host

__all__ = ["host"]

NODE = "node1.example.com"
GIB = 2**30
STORAGE = {"type": "nfs", "address": "nas.example.com", "path": "/exports/engine"}
DOMAIN = {"datacenter": "Default", "host": NODE, "storage": STORAGE, "disk_gib": 10}
DISKS = {
    "he_virtio_disk": {"content_type": "hosted_engine", "size_mib": 10240, "sparse": True},
    "he_metadata": {"content_type": "hosted_engine_metadata", "size_mib": 128, "sparse": False},
}


@pytest.fixture
def up(host: Host) -> Host:
    """The host is up in the engine."""
    host.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
    host.minion("ovirt_host.wait", NODE)
    return host


def active(host: Host, test: bool = False, **changed: Any):
    return host.minion.state(
        "ovirt_storage_domain.active", "hosted_storage", test=test, **(DOMAIN | changed)
    )


def disks(host: Host, test: bool = False, wanted: Any = None):
    return host.minion.state(
        "ovirt_disk.present", "disks", test=test, storage_domain="hosted_storage",
        disks=wanted or DISKS,
    )  # fmt: skip


def attached(host: Host) -> list[tuple[str | None, str | None]]:
    datacenter = host.engine.curl("/datacenters?search=name=Default")[0].get("id")
    found = host.engine.curl(f"/datacenters/{datacenter}/storagedomains")
    return [(each.findtext("name"), each.findtext("status")) for each in found]


@pytest.mark.feature("names")
def test_a_data_center_and_its_cluster_are_made_where_there_are_none(host):
    state = host.minion.state

    assert state("ovirt_datacenter.present", "North", test=True)["result"] is None
    assert state("ovirt_datacenter.present", "North")["result"] is True
    assert state("ovirt_cluster.present", "North-1", datacenter="North")["result"] is True

    cluster = host.engine.curl("/clusters?search=name=North-1")[0]
    north = host.engine.curl("/datacenters?search=name=North")[0]
    assert cluster.find("data_center").get("id") == north.get("id")
    for again in (
        state("ovirt_datacenter.present", "North"),
        state("ovirt_cluster.present", "North-1", datacenter="North"),
    ):
        assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.parametrize("test", [True, False], ids=["test", "applied"])
def test_a_deployed_engine_gets_no_data_center_and_no_cluster_by_a_mistyped_name(host, test):
    host.deploy()

    home = host.minion.state("ovirt_datacenter.present", "Defualt", test=test)
    cluster = host.minion.state("ovirt_cluster.present", "Defualt", datacenter="Default", test=test)

    assert (home["result"], cluster["result"]) == (False, False)
    assert "hosted_engine:datacenter:name" in home["comment"]
    assert "hosted_engine:cluster:name" in cluster["comment"]
    assert [each.findtext("name") for each in host.engine.curl("/clusters")] == ["Default"]
    assert [each.findtext("name") for each in host.engine.curl("/datacenters")] == ["Default"]


def test_a_cluster_of_another_data_center_is_refused(host):
    host.minion("ovirt_datacenter.add", "North")

    result = host.minion.state("ovirt_cluster.present", "Default", datacenter="North")

    assert result["result"] is False
    assert "hosted_engine:cluster:name" in result["comment"]


def test_the_domain_is_made_attached_and_active_once(up):
    assert active(up, test=True)["result"] is None
    assert list(up.engine.curl("/storagedomains")) == []

    first, second = active(up), active(up)

    assert first["result"] is True, first["comment"]
    assert first["changes"]["status"] == {"old": None, "new": "active"}
    assert attached(up) == [("hosted_storage", "active")]
    assert up.engine.curl("/storagedomains")[0].findtext("storage_format") == "v5"
    assert (second["result"], second["changes"]) == (True, {})


def test_a_domain_is_made_as_its_arguments_say_and_not_as_the_pillar_does(up):
    up.minion.opts["pillar"]["hosted_engine"]["storage"] |= {"mount_options": "soft"}
    wanted = STORAGE | {"nfs_version": "v4_1", "mount_options": "retrans=6"}

    first, second = active(up, storage=wanted), active(up, storage=wanted)

    assert first["result"] is True, first["comment"]
    storage = up.engine.curl("/storagedomains")[0].find("storage")
    assert storage.findtext("nfs_version") == "v4_1"
    assert storage.findtext("mount_options") == "retrans=6"
    assert first["changes"]["storage"] == {"old": None, "new": STORAGE}
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.parametrize("test", [True, False], ids=["test", "applied"])
def test_a_storage_that_no_pillar_may_have_is_refused_before_anything_is_done(up, test):
    result = active(up, test=test, storage=STORAGE | {"nfs_version": "v9", "paht": "/exports"})

    assert result["result"] is False
    assert "storage:nfs_version: 'v9' isn't one of" in result["comment"]
    assert "storage:paht: unknown key" in result["comment"]
    assert list(up.engine.curl("/storagedomains")) == []


def test_killed_between_add_and_attach_goes_on(up):
    up.minion("ovirt_storage_domain.add", "hosted_storage", NODE, STORAGE)

    result = active(up)

    assert result["result"] is True, result["comment"]
    assert result["changes"]["status"] == {"old": "unattached", "new": "active"}


@pytest.mark.feature("free_space")
def test_too_little_room_is_told_with_both_numbers_and_leaves_nothing(up):
    up.engine.faults(storage_available=12 * GIB)

    result = active(up)

    assert result["result"] is False
    assert "12.0 GiB available" in result["comment"]
    assert "20.0 GiB are needed" in result["comment"]
    assert list(up.engine.curl("/storagedomains")) == []
    up.engine.faults()
    assert active(up)["result"] is True, "the storage was formatted, so it can be used again"


def test_a_domain_of_an_earlier_run_is_not_removed_for_want_of_room(up):
    up.engine.curl(
        "/storagedomains",
        method="POST",
        status=201,
        body=f"<storage_domain><name>hosted_storage</name><type>data</type><host><name>{NODE}</name>"
        "</host><storage><type>nfs</type><address>nas.example.com</address>"
        "<path>/exports/engine</path></storage></storage_domain>",
    )
    with pytest.raises(Exception, match="wasn't made by this deployment"):
        up.minion("ovirt_storage_domain.remove", "hosted_storage", NODE)
    assert len(up.engine.curl("/storagedomains")) == 1


def test_a_domain_on_other_storage_is_refused(up):
    active(up)

    result = active(up, storage=STORAGE | {"path": "/exports/other"})

    assert result["result"] is False
    assert "/exports/engine" in result["comment"] and "/exports/other" in result["comment"]


def test_disks_are_made_side_by_side_and_only_once(up):
    active(up)
    assert disks(up, test=True)["result"] is None

    first, second = disks(up), disks(up)

    assert first["result"] is True, first["comment"]
    assert first["changes"]["done"][0] == "ovirt_disk.add"
    found = {each.findtext("name"): each for each in up.engine.curl("/disks")}
    assert set(found) == set(DISKS)
    assert found["he_metadata"].findtext("provisioned_size") == str(128 * 2**20)
    assert found["he_metadata"].findtext("sparse") == "false"
    assert found["he_virtio_disk"].findtext("content_type") == "hosted_engine"
    assert (second["result"], second["changes"]) == (True, {})


def test_a_missing_disk_is_added_beside_the_others(up):
    active(up)
    one = {"he_metadata": DISKS["he_metadata"]}
    disks(up, wanted=one)
    kept = up.engine.curl("/disks")[0].get("id")

    assert disks(up)["result"] is True

    assert kept in [each.get("id") for each in up.engine.curl("/disks")]
    assert len(up.engine.curl("/disks")) == 2


@pytest.mark.parametrize("test", [True, False])
def test_an_illegal_disk_is_told_with_what_to_do_and_nothing_removes_it(up, test):
    active(up)
    up.engine.faults(disk="illegal")
    failed = disks(up)
    up.engine.faults()
    # Seen while it waits, or by the look before that.
    assert failed["result"] is False
    assert "failed to make" in failed["comment"] or "illegal" in failed["comment"]

    again = disks(up, test=test)

    assert again["result"] is False
    assert "neither removes nor renames" in again["comment"]
    assert "hosted_engine.clean" in again["comment"]
    assert "DELETE" not in up.engine.log
    assert len(up.engine.curl("/disks")) == 2


@pytest.mark.parametrize("how", ["refused", "fails"])
def test_a_disk_whose_volume_could_not_be_made_is_added_by_the_next_run(up, how):
    active(up)
    up.engine.faults(disk=how)
    failed = disks(up)
    up.engine.faults()

    assert failed["result"] is False
    assert "Operation Failed" in failed["comment"] or "Add-Disk" in failed["comment"]
    healed = disks(up)
    assert healed["result"] is True, healed["comment"]
    assert len(up.engine.curl("/disks")) == 2


def test_disks_of_a_deployed_host_are_neither_made_anew_nor_removed(up):
    active(up)
    up.deploy()

    result = disks(up)

    assert result["result"] is False
    assert "backup" in result["comment"]
    assert list(up.engine.curl("/disks")) == []


def test_too_small_a_disk_is_told(up):
    active(up)
    disks(up)

    result = disks(up, wanted={"he_metadata": DISKS["he_metadata"] | {"size_mib": 256}})

    assert result["result"] is False
    assert "128 MiB" in result["comment"]
