"""What follows from the kind of storage, and HA's configuration of each kind as HA reads it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.ha import archive, conf
from ovirt_he.pillar import settings, storage

from unit.configured import IDS, known

ROOT = Path(__file__).parents[2]
STANDIN = ROOT / "tests/lab/packages/ovirt-hosted-engine-ha/root/usr/lib/python3/dist-packages"
TARGET = "iqn.2020-01.com.example:engine"
OFF = {"address": "", "path": ""}
KINDS: dict[str, dict[str, Any]] = {
    "nfs": {"nfs_version": "v4_2", "mount_options": "noatime"},
    "glusterfs": {"type": "glusterfs", "address": "2001:db8::1", "path": "/engine"},
    "iscsi": OFF
    | {
        "type": "iscsi",
        "portals": ["192.0.2.7", "[2001:db8::7]:3261"],
        "target": TARGET,
        "portal_group": 2,
        "user": "host",
        "lun": "36001405a",
    },
    "fc": OFF | {"type": "fc", "lun": "36001405a"},
}


def text(kind: str, password: str = "host-secret") -> str:
    return conf.hosted_engine_conf(known(storage=KINDS[kind]), IDS, "192.0.2.1", password)


@pytest.fixture
def ha(monkeypatch):
    """The reader of the lab's HA, which is written by the format's description alone."""
    monkeypatch.syspath_prepend(str(STANDIN))
    from hosted_engine_ha_standin import configuration

    yield configuration
    sys.modules.pop("hosted_engine_ha_standin.configuration", None)


@pytest.mark.feature("nfs_versions", "glusterfs", "iscsi", "fc")
@pytest.mark.parametrize("kind", KINDS)
def test_ha_takes_the_configuration_of_each_kind(ha, kind):
    values = ha.parse(text(kind))

    ha.check(values)
    assert values["domainType"] == kind
    assert not any(value == "None" for value in values.values())
    assert not any(conf.unreadable(value) for value in values.values())


@pytest.mark.feature("nfs_versions", "mount_options")
def test_nfs():
    values = conf.properties(text("nfs"))

    assert (values["storage"], values["nfs_version"], values["mnt_options"]) == (
        "nas.example.com:/exports/engine", "v4_2", "noatime",
    )  # fmt: skip
    assert {values[key] for key in ("iqn", "portal", "user", "password", "port")} == {""}


@pytest.mark.feature("glusterfs")
def test_gluster():
    assert conf.properties(text("glusterfs"))["storage"] == "[2001:db8::1]:/engine"


@pytest.mark.feature("iscsi", "iscsi_chap", "iscsi_portals")
def test_iscsi_has_a_port_for_each_portal():
    values = conf.properties(text("iscsi"))

    assert values["storage"].split(",") == ["192.0.2.7", "2001:db8::7"]
    assert values["port"].split(",") == ["3260", "3261"]
    assert (values["iqn"], values["portal"]) == (TARGET, "2")
    assert (values["user"], values["password"]) == ("host", "host-secret")


@pytest.mark.feature("iscsi_chap")
def test_no_password_without_its_user_nor_for_another_kind():
    own = known(storage=KINDS["iscsi"] | {"user": ""})
    assert "host-secret" not in conf.hosted_engine_conf(own, IDS, "192.0.2.1", "host-secret")
    for kind in ("nfs", "glusterfs", "fc"):
        assert "host-secret" not in text(kind)


def test_each_connection_has_a_uuid_of_its_own_that_stays():
    uuids = {kind: conf.connection_uuid(known(storage=KINDS[kind])) for kind in KINDS}

    assert len(set(uuids.values())) == len(KINDS)
    again = known(storage=KINDS["iscsi"] | {"lun": "", "user": ""})
    assert conf.connection_uuid(again) == uuids["iscsi"]


@pytest.mark.feature("iscsi_chap")
def test_what_another_run_wrote_is_mended_for_iscsi_and_left_alone_for_nfs():
    changed = text("iscsi").replace("portal=2", "portal=1").replace("host-secret", "older")
    lacking = archive.lacking(conf.HOSTED_ENGINE, text("iscsi"), changed)
    assert {key for key, value in lacking.items() if f"{key}={value}\n" not in changed} == {
        "portal",
        "password",
    }
    others = text("nfs").replace("\nuser=\n", "\nuser=None\n")
    assert archive.updated(conf.HOSTED_ENGINE, text("nfs"), others) == others


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize("form", ["raw", "cow"])
def test_the_disks_format_in_vm_conf(form):
    told = conf.vm_conf(known(vm={"disk_format": form}), IDS)

    assert re.findall(r"\bformat:(\w+)", told) == [form]


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        ("nfs", {"address": "nas.example.com", "path": "/exports/engine"}),
        ("iscsi", {"target": TARGET, "lun": "36001405a"}),
        ("fc", {"lun": "36001405a"}),
    ],
)
def test_what_identifies_a_domain(kind, identity):
    found = storage.location(settings.storage_of(known(storage=KINDS[kind])["storage"]))

    assert found == {"type": kind, **identity}
    other = found | {list(identity)[-1]: "other"}
    assert storage.same(found, found)
    assert not storage.same(other, found)
    assert not storage.same(found | {"type": "other"}, found)


@pytest.mark.feature("lun_chosen")
def test_a_lun_by_another_of_its_targets_is_the_same():
    found = {"type": "iscsi", "target": "iqn.2020-01.com.example:b", "lun": "36001405a"}

    assert storage.same(found, found | {"target": TARGET})
    assert not storage.same(found, {"type": "iscsi", "target": TARGET})


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize(
    ("kind", "form", "allocation", "sparse"),
    [
        ("nfs", "raw", "auto", True),
        ("glusterfs", "raw", "auto", True),
        ("iscsi", "raw", "auto", False),
        ("fc", "raw", "auto", False),
        ("fc", "cow", "auto", True),
        ("nfs", "raw", "preallocated", False),
        ("fc", "cow", "sparse", True),
    ],
)
def test_the_room_of_the_disk(kind, form, allocation, sparse):
    vm = {"disk_format": form, "disk_allocation": allocation}

    assert storage.is_sparse(kind, vm) is sparse


def test_how_a_storage_reads():
    told = {kind: storage.where(known(storage=KINDS[kind])["storage"]) for kind in KINDS}

    assert told == {
        "nfs": "nfs nas.example.com:/exports/engine",
        "glusterfs": "glusterfs [2001:db8::1]:/engine",
        "iscsi": f"iscsi target {TARGET}, LUN 36001405a",
        "fc": "fc LUN 36001405a",
    }
    assert storage.where({"type": "fc"}) == "fc"


def test_where_vdsm_mounts():
    points = {kind: storage.mount_point(known(storage=KINDS[kind])["storage"]) for kind in KINDS}

    assert points["glusterfs"] == "glusterSD/[2001:db8::1]:_engine"
    assert points["nfs"] == "nas.example.com:_exports_engine"
    assert points["iscsi"] is None and points["fc"] is None


def test_a_lun_has_room_for_all_that_the_engine_keeps_beside_its_disk():
    """What it keeps free, what it blocks when little is left, and the further volumes."""
    rest = storage.SPARE_GIB + storage.BLOCKER_GIB + storage.OWN_GIB

    assert storage.lun_bytes(50) == (50 + rest) * 2**30
    assert storage.lun_bytes(51) - storage.lun_bytes(50) == 2**30
    assert min(storage.SPARE_GIB, storage.BLOCKER_GIB, storage.OWN_GIB) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_connections_uuid_stays_while_the_password_changes(kind):
    """And it differs for other storage."""
    own = known(storage=KINDS[kind])

    assert conf.connection_uuid(own) == conf.connection_uuid(known(storage=KINDS[kind]))
    others = {conf.connection_uuid(known(storage=other)) for other in KINDS.values()}
    assert len(others) == len(KINDS)
