"""What preflight says of an export by what the look at it found; the look itself is given."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import records
from ovirt_he.ha import conf
from ovirt_he.host import storage_probe
from ovirt_he.pillar import settings
from ovirt_he.preflight import check, export, network, storage
from salt.exceptions import CommandExecutionError

GIB = 2**30
OURS, OTHERS = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
FOUND: dict[str, Any] = {
    "storage": "nfs nas.example.com:/exports/engine",
    "looked": True,
    "why_not": "",
    "domains": [],
    "others": [],
    "writable": True,
    "write_problem": "",
    "block_size": 512,
    "qemu_problem": "",
    "free": 500 * GIB,
    "size": 500 * GIB,
}


class Site:
    def __init__(self) -> None:
        self.found: dict[str, Any] = dict(FOUND)
        self.error = ""
        self.resolves = True
        self.storage = {"address": "nas.example.com", "path": "/exports/engine"}
        self.looks = 0

    def inspect(self, _: Any) -> dict[str, Any]:
        self.looks += 1
        if self.error:
            raise CommandExecutionError(self.error)
        return self.found

    def host(self) -> check.Host:
        pillar = {
            "hosted_engine": {"engine": {"fqdn": "engine.example.com"}, "storage": self.storage}
        }
        return check.Host(settings.merge(pillar, {"fqdn": "node1.example.com"}), {}, {})

    def told(self) -> dict[str, str]:
        """Key and sentence of each problem, by all checks of an export on one host."""
        problems = check.found(export.CHECKS, self.host())
        assert all(one["advice"] for one in problems)
        return {
            one["key"].removeprefix("hosted_engine:storage:"): one["problem"] for one in problems
        }

    def notes(self) -> list[str]:
        host = self.host()
        assert check.found(export.CHECKS, host) == []
        return host.notes


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Site:
    site = Site()
    inspect = create_autospec(storage_probe.inspect, side_effect=site.inspect)
    monkeypatch.setattr(storage_probe, "inspect", inspect)
    monkeypatch.setattr(network, "resolve", lambda name: {name} if site.resolves else set())
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    monkeypatch.setattr(conf, "CONFIGURATION", tmp_path / "hosted-engine.conf")
    return site


def domain(identifier: str = OTHERS, **more: str) -> dict[str, str]:
    return {"id": identifier, "name": "hosted_storage", "pool": "p1", "problem": "", **more}


def test_an_empty_export_is_looked_at_once(site):
    assert site.told() == {}
    assert site.looks == 1


def test_the_checks_are_preflights():
    assert set(export.CHECKS) <= set(storage.CHECKS)


@pytest.mark.parametrize(
    ("error", "key"),
    [
        ("access denied by server while mounting nas:/x", "path"),
        ("mounting nas:/x failed, reason given by server: No such file or directory", "path"),
        ("Mount failed. 0-mgmt: failed to fetch volume file (key:/x)", "path"),
        ("mount.nfs: Protocol not supported", "nfs_version"),
        ("requested NFS version or transport protocol is not supported", "nfs_version"),
        ("mount.nfs: an incorrect mount option was specified", "mount_options"),
        ("nas doesn't answer at TCP port 2049: timed out", "address"),
        ("mount.nfs: Connection refused", "address"),
        ("transport protocol is not supported; nas refuses TCP port 2049", "address"),
        ("timed out after 90 s", "address"),
        ("mount.nfs: Input/output error", "path"),
    ],
)
def test_the_mounts_own_reason_names_the_key_that_it_is_about(site, error, key):
    site.error = error

    assert site.told() == {key: error}


def test_a_server_without_an_address_is_told_once(site):
    site.error, site.resolves = "Failed to resolve server", False

    assert site.told() == {}


def test_where_it_cannot_be_looked_at_that_is_a_note(site):
    site.found = {"storage": "nfs nas:/x", "looked": False, "why_not": "mount.nfs isn't installed"}

    assert site.notes() == ["nfs nas:/x wasn't looked at: mount.nfs isn't installed"]


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ({"writable": False, "write_problem": "Permission denied"}, "can't write there: Perm"),
        ({"domains": None, "others": None}, "can't list"),
        ({"qemu_problem": "Permission denied"}, "QEMU's user (107, group 36) can't read it"),
        ({"block_size": 0, "write_problem": "Invalid argument"}, "no direct I/O in blocks of 512"),
        ({"block_size": 4096}, "no direct I/O in blocks of 512 bytes (4096 bytes)"),
    ],
)
def test_what_vdsm_could_not_do(site, found, part):
    site.found |= found

    assert part in site.told()["path"]


def test_gluster_takes_blocks_of_4096(site):
    site.storage["type"] = "glusterfs"
    site.found["block_size"] = 4096

    assert site.told() == {}


@pytest.mark.feature("storage_looked_at")
def test_somebodys_domain_is_named_with_its_data_center(site):
    site.found["domains"] = [domain()]

    told = site.told()["path"]

    assert f"holds the storage domain hosted_storage ({OTHERS}), of the data center p1" in told


def test_a_domain_that_cannot_be_read_is_somebodys(site):
    site.found["domains"] = [domain(name="", pool="", problem="Permission denied")]

    assert f"domain {OTHERS}; its metadata can't be read: Permission" in site.told()["path"]


@pytest.mark.parametrize("where", ["made", "storage_domain", "configuration"])
def test_the_domain_of_this_deployment_is_no_problem(site, where):
    site.found |= {"domains": [domain(OURS)], "free": 0}
    records.write("setup", {})
    if where == "configuration":
        conf.CONFIGURATION.write_text(f"fqdn=engine.example.com\nsdUUID={OURS}\n")
    else:
        records.write("deployment", {where: OURS})

    assert site.told() == {}
    site.found["domains"].append(domain())
    assert OTHERS in site.told()["path"]


def test_a_domain_whose_engine_is_gone_is_cleaned_first(site):
    """A new bootstrap's engine would import it, and knows none of the disks in it."""
    site.found |= {"domains": [domain(OURS)]}
    records.write("deployment", {"made": OURS})

    assert "earlier bootstrap" in site.told()["path"]


def test_an_additional_hosts_configuration_names_no_domain_of_its_own(site):
    """The engine copies hosted-engine.conf to each host that joins."""
    site.found |= {"domains": [domain(OURS)]}
    conf.CONFIGURATION.write_text(f"fqdn=engine.example.com\nhost_id=2\nsdUUID={OURS}\n")

    assert OURS in site.told()["path"]


def test_a_domain_that_a_killed_run_left_unrecorded_is_left_to_the_engine(site):
    """The engine of this deployment is there, and may have made it: it's asked in its phase."""
    site.found |= {"domains": [domain()], "free": 0}
    records.write("setup", {})

    assert site.told() == {}


def test_what_lies_beside_is_a_note(site):
    site.found["others"] = [f"images{number}" for number in range(7)]

    (note,) = site.notes()

    assert "also holds images0, images1, images2, images3, images4, …" in note


def test_too_little_room(site):
    site.found["free"] = 10 * GIB

    told = check.found(export.CHECKS, site.host())

    assert [one["key"] for one in told] == ["hosted_engine:vm:disk_gib"]
    assert "has 10.0 GiB free" in told[0]["problem"]


@pytest.mark.parametrize(("spare", "refused"), [(10, False), (9, True)])
def test_the_room_that_the_engine_reserves_is_wanted_too(site, spare, refused):
    """Its critical space action blocker, 5 GiB for a new domain, stands beside the spare 5 GiB."""
    disk = site.host().settings["vm"]["disk_gib"]
    site.found["free"] = (disk + spare) * GIB

    problems = check.found(export.CHECKS, site.host())

    assert [f"{disk + 10} GiB are needed" in one["problem"] for one in problems] == [True] * refused


def test_other_kinds_have_no_export(site):
    site.storage = {"type": "fc"}

    assert site.told() == {}
    assert site.looks == 0
