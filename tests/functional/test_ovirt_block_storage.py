"""Storage domains on LUNs and on Gluster: discovery, login, the right LUN, refusals."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import pytest
from minion import ROOT, Minion
from salt.exceptions import CommandExecutionError, SaltInvocationError

from functional.ovirt import Host, host, pillar

__all__ = ["host"]

NODE = "node1.example.com"
TARGET = "iqn.2020-01.com.example:engine"
OTHER = "iqn.2020-01.com.example:others"
LUN, SMALL, USED, FOREIGN, FIBRE = (f"36001405{letter * 4}" for letter in "abcde")
SAN = {
    "discovery": {"user": "finder", "password": "finder-secret"},
    "targets": {
        TARGET: {
            "portals": ["192.0.2.7:3260,1", "[2001:db8::7]:3261,1"],
            "user": "host",
            "password": "host-secret",
            "luns": [LUN, SMALL, USED],
        },
        OTHER: {"portals": ["192.0.2.7:3260,2"], "luns": [FOREIGN]},
    },
    "fcp": [FIBRE],
    "luns": {
        LUN: {"gib": 100},
        SMALL: {"gib": 20, "discard": True},
        USED: {"gib": 100, "used": True},
        FOREIGN: {"gib": 100},
        FIBRE: {"gib": 100},
    },
}
ISCSI = {
    "type": "iscsi",
    "portals": ["192.0.2.7", "[2001:db8::7]:3261"],
    "target": TARGET,
    "user": "host",
    "discovery_user": "finder",
}
SECRETS = {"iscsi_password": "host-secret", "iscsi_discovery_password": "finder-secret"}


class Site:
    """The host, up in the engine, with a storage network; ``use`` says what the pillar has."""

    def __init__(self, host: Host) -> None:
        self.host, self.engine, self.minion = host, host.engine, host.minion
        self.san: dict[str, Any] = copy.deepcopy(SAN)
        self.say()
        self.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
        self.minion("ovirt_host.wait", NODE)
        self.minions = 0
        self.use(ISCSI)

    def say(self) -> None:
        self.engine.faults(san=self.san)

    def use(self, storage: dict[str, Any], vm: Any = None, **secrets: str) -> None:
        known = pillar(self.engine)
        known["hosted_engine"]["storage"] = storage
        known["hosted_engine"]["vm"] |= vm or {}
        known["hosted_engine"]["secrets"] |= SECRETS | secrets
        self.minions += 1
        self.minion = Minion(
            self.host.folder / f"minion{self.minions}",
            known,
            module_dirs=[str(self.host.folder / "modules"), str(ROOT / "_modules")],
        )

    def active(self, test: bool = False) -> dict[str, Any]:
        storage = self.minion("hosted_engine.settings")["storage"]["connection"]
        result: dict[str, Any] = self.minion.state(
            "ovirt_storage_domain.active", "hosted_storage", test=test, datacenter="Default",
            host=NODE, storage=storage,
        )  # fmt: skip
        return result

    def domains(self) -> list[Any]:
        return list(self.engine.curl("/storagedomains"))

    def lun(self) -> str:
        (domain,) = self.domains()
        return str(domain.find("storage/volume_group/logical_units/logical_unit").get("id"))

    def sessions(self) -> list[Any]:
        return self.engine.state()["memory"].get("sessions", {}).get("127.0.0.1", [])


@pytest.fixture
def site(host: Host) -> Site:
    return Site(host)


def refused(site: Site) -> str:
    result = site.active()
    assert result["result"] is False
    assert site.domains() == []
    assert "secret" not in str(result)
    return str(result["comment"])


@pytest.mark.feature("iscsi", "iscsi_chap", "iscsi_discovery_chap", "iscsi_portals", "lun_chosen")
def test_iscsi_is_discovered_logged_in_at_each_portal_and_its_only_fit_lun_taken(site):
    assert site.active(test=True)["result"] is None
    assert site.sessions() == []

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    assert site.sessions() == [[TARGET, "192.0.2.7", 3260], [TARGET, "2001:db8::7", 3261]]
    assert site.lun() == LUN
    assert (second["result"], second["changes"]) == (True, {})
    assert "secret" not in str((first, second))
    assert site.minion("ovirt_storage_domain.get", "hosted_storage")["storage"] == {
        "type": "iscsi", "target": TARGET, "lun": LUN,
    }  # fmt: skip


@pytest.mark.feature("lun_chosen")
def test_the_lun_of_the_pillar_is_taken_where_several_would_do(site):
    site.san["luns"][SMALL]["gib"] = 200
    site.say()

    assert "Several LUNs" in refused(site)
    site.use(ISCSI | {"lun": SMALL})

    assert site.active()["result"] is True
    assert site.lun() == SMALL
    site.use(ISCSI | {"lun": LUN})
    other = site.active()
    assert other["result"] is False
    assert f"LUN {SMALL}, not on iscsi target {TARGET}, LUN {LUN}" in other["comment"]


@pytest.mark.feature("lun_refused")
@pytest.mark.parametrize(
    ("lun", "why"),
    [(USED, "can't be used"), (SMALL, "can't be used"), ("36001405ffff", "doesn't see a LUN")],
)
def test_a_lun_that_cannot_be_used_is_refused_with_all_that_the_host_sees(site, lun, why):
    site.use(ISCSI | {"lun": lun})

    told = refused(site)

    assert why in told
    assert f"- {LUN}: 100.0 GiB, free, MEMORY LUN" in told
    assert f"- {SMALL}: 20.0 GiB, free, MEMORY LUN, too small, 25 GiB are needed" in told
    assert f"- {USED}: 100.0 GiB, used, MEMORY LUN, holds something" in told


@pytest.mark.feature("lun_refused")
def test_without_a_fit_lun_all_are_told(site):
    site.san["luns"][LUN]["used"] = True
    site.say()

    told = refused(site)

    assert "No LUN could hold" in told and SMALL in told and USED in told
    assert FOREIGN not in told, "the LUN of a target that isn't ours"


@pytest.mark.feature("iscsi")
def test_a_target_that_is_not_there_is_told_with_what_was_found(site):
    site.use(ISCSI | {"target": "iqn.2020-01.com.example:gone"})

    told = refused(site)

    assert f"- {TARGET} at 192.0.2.7:3260" in told
    assert f"- {TARGET} at [2001:db8::7]:3261" in told
    assert site.sessions() == []


@pytest.mark.feature("iscsi", "iscsi_portals")
def test_a_portal_by_its_name_is_logged_in_at_by_the_address_that_was_discovered(site):
    site.san["targets"][TARGET]["portals"] = ["127.0.0.1:3260,1", "192.0.2.7:3260,1"]
    site.say()
    site.use(ISCSI | {"portals": ["localhost"]})

    result = site.active()

    assert result["result"] is True, result["comment"]
    assert site.sessions() == [[TARGET, "127.0.0.1", 3260]]


@pytest.mark.feature("iscsi_chap")
def test_a_wrong_password_is_told(site):
    site.use(ISCSI, iscsi_password="wrong-secret")

    assert "authorization failure" in refused(site)


@pytest.mark.feature("iscsi_discovery_chap")
def test_a_wrong_discovery_password_is_told(site):
    site.use(ISCSI, iscsi_discovery_password="wrong-secret")

    assert "authorization failure" in refused(site)
    assert site.sessions() == []


@pytest.mark.feature("iscsi_portals")
def test_another_portal_group_is_told(site):
    site.use(ISCSI | {"portal_group": 3})

    assert "is 1, not 3" in refused(site)


@pytest.mark.feature("discard")
def test_discard_is_set_where_the_lun_can_and_refused_by_the_engine_elsewhere(site):
    site.use(ISCSI | {"lun": LUN, "discard_after_delete": True})
    assert "Discard after delete is not supported" in refused(site)

    site.san["luns"][LUN]["discard"] = True
    site.say()

    assert site.active()["result"] is True
    assert site.domains()[0].findtext("discard_after_delete") == "true"


@pytest.mark.feature("fc", "lun_chosen")
@pytest.mark.parametrize("lun", ["", FIBRE])
def test_fibre_channel_needs_no_login(site, lun):
    site.use({"type": "fc", "lun": lun})

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    assert site.lun() == FIBRE
    assert site.domains()[0].findtext("storage/type") == "fcp"
    assert site.sessions() == []
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("lun_refused")
def test_a_lun_of_another_domain_is_refused_with_its_name(site):
    site.use({"type": "fc"})
    site.active()
    (domain,) = site.domains()

    with pytest.raises(CommandExecutionError, match=f"used, MEMORY LUN, holds {domain.get('id')}"):
        site.minion("ovirt_storage_domain.add", "second", NODE, {"type": "fc"})


@pytest.mark.feature("glusterfs", "mount_options")
def test_gluster_is_mounted_with_its_options(site):
    site.use(
        {
            "type": "glusterfs",
            "address": "gluster1.example.com",
            "path": "/engine",
            "mount_options": "backup-volfile-servers=gluster2.example.com",
        }
    )

    first, second = site.active(), site.active()

    assert first["result"] is True, first["comment"]
    (domain,) = site.domains()
    assert domain.findtext("storage/vfs_type") == "glusterfs"
    assert domain.findtext("storage/mount_options", "").endswith("gluster2.example.com")
    assert domain.findtext("storage/nfs_version") is None
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("nfs_versions", "mount_options")
@pytest.mark.parametrize("version", ["auto", "v3", "v4", "v4_0", "v4_1", "v4_2"])
def test_nfs_in_each_version(site, version):
    site.use(
        {
            "address": "nas.example.com",
            "path": "/exports/engine",
            "nfs_version": version,
            "mount_options": "noatime",
        }
    )

    assert site.active()["result"] is True

    (domain,) = site.domains()
    assert domain.findtext("storage/nfs_version") == version
    assert domain.findtext("storage/mount_options") == "noatime"


@pytest.mark.feature("free_space")
def test_too_little_room_on_a_lun_is_told_and_the_lun_given_back(site):
    site.engine.faults(san=site.san, storage_available=12 * 2**30)

    told = refused(site)

    assert f"iscsi target {TARGET}, LUN {LUN} has 12.0 GiB available" in told
    site.say()
    assert site.active()["result"] is True


HA_DISK = {"content_type": "hosted_engine_metadata", "size_mib": 128, "sparse": False}


def disk(site: Site, **facts: Any) -> dict[str, Any]:
    wanted = {"he_virtio_disk": {"content_type": "hosted_engine", "size_mib": 10240, **facts}}
    result: dict[str, Any] = site.minion.state(
        "ovirt_disk.present", "disks", storage_domain="hosted_storage",
        disks=wanted | {"he_metadata": HA_DISK},
    )  # fmt: skip
    return result


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize(
    ("vm", "facts", "initial"),
    [
        ({}, {"format": "raw", "sparse": False}, None),
        ({"disk_format": "cow"}, {"format": "cow", "sparse": True}, str(10 * 2**30)),
    ],
)
def test_the_engines_disk_on_a_lun(site, vm, facts, initial):
    site.use(ISCSI, vm=vm)
    known = site.minion("hosted_engine.settings")["vm"]
    assert {"format": known["disk_format"], "sparse": known["disk_sparse"]} == facts
    site.active()

    first, second = disk(site, **facts), disk(site, **facts)

    assert first["result"] is True, first["comment"]
    assert (second["result"], second["changes"]) == (True, {})
    made = {one.findtext("name"): one for one in site.engine.curl("/disks")}
    vm_disk, metadata = made["he_virtio_disk"], made["he_metadata"]
    assert vm_disk.findtext("format") == facts["format"]
    assert vm_disk.findtext("sparse") == str(facts["sparse"]).lower()
    assert vm_disk.findtext("initial_size") == initial
    assert (metadata.findtext("format"), metadata.findtext("sparse")) == ("raw", "false")
    changed = disk(site, **facts | {"format": "cow" if facts["format"] == "raw" else "raw"})
    assert changed["result"] is False
    assert f"set hosted_engine:vm:disk_format to {facts['format']}" in changed["comment"]


@pytest.mark.feature("disk_format")
def test_the_engine_refuses_what_a_lun_cannot_hold(site):
    site.active()

    assert "not supported" in disk(site, format="raw", sparse=True)["comment"]
    assert "not supported" in disk(site, format="cow", sparse=False)["comment"]
    assert list(site.engine.curl("/disks")) == []


@pytest.mark.feature("storage_devices")
def test_devices_are_listed_through_the_engine(site):
    shutil.rmtree(site.host.folder / "modules")  # what stands in for hosted_engine elsewhere
    site.use(ISCSI)
    before = site.minion("hosted_engine.storage_devices")
    site.minion("ovirt_host_storage.login", NODE)

    told = site.minion("hosted_engine.storage_devices")

    assert before["asked"] == "engine"
    assert {one["target"] for one in before["targets"]} == {TARGET, OTHER}
    assert before["luns"] == []
    assert {one["id"]: one["why_not"] for one in told["luns"]} == {
        LUN: "", SMALL: "too small, 25 GiB are needed", USED: "holds something",
    }  # fmt: skip
    assert "secret" not in str(told)


@pytest.mark.feature("storage_devices")
def test_kinds_without_luns_say_so(site):
    shutil.rmtree(site.host.folder / "modules")
    site.use({"address": "nas.example.com", "path": "/exports/engine"})

    with pytest.raises(SaltInvocationError, match="nfs has no targets"):
        site.minion("hosted_engine.storage_devices")
