"""Each kind of storage: what its pillar must and mustn't say, all told at once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ovirt_he.pillar import settings
from ovirt_he.preflight import check, engine, network, storage

SMALLEST: dict[str, Any] = {
    "engine": {"fqdn": "engine.example.com"},
    "secrets": {"admin_password": "hunter2"},
}
NFS = {"address": "nas.example.com", "path": "/exports/engine"}
ISCSI = {"type": "iscsi", "portals": ["192.0.2.7"], "target": "iqn.2020-01.com.example:engine"}
KINDS = {
    "nfs": NFS,
    "glusterfs": NFS | {"type": "glusterfs"},
    "iscsi": ISCSI,
    "fc": {"type": "fc"},
}


def told(
    storage_: dict[str, Any], vm: dict[str, Any] | None = None, **secrets: str
) -> dict[str, str]:
    """Keys below hosted_engine and what is wrong with each."""
    pillar = {"hosted_engine": copy.deepcopy(SMALLEST) | {"storage": storage_, "vm": vm or {}}}
    pillar["hosted_engine"]["secrets"] |= secrets
    host = check.Host(settings.merge(pillar, {"fqdn": "node1.example.com"}), {}, {})
    found = check.pillar_problems(pillar, host)
    found += storage.pillar_problems(pillar, host)
    for one in found:
        assert one["problem"], one
        assert not any(secret in str(one) for secret in secrets.values()), "a secret is shown"
    return {
        one["key"].removeprefix("hosted_engine:"): f"{one['problem']}. {one['advice']}"
        for one in found
    }


@pytest.mark.feature("nfs_versions", "glusterfs", "iscsi", "fc")
@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_pillar_of_each_kind(kind):
    assert told(KINDS[kind]) == {}


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("nfs", {"address", "path"}),
        ("glusterfs", {"address", "path"}),
        ("iscsi", {"portals", "target"}),
        ("fc", set()),
    ],
)
def test_what_a_kind_needs_is_told_at_once(kind, missing):
    assert set(told({"type": kind})) == {f"storage:{key}" for key in missing}


def test_posixfs_is_refused_with_its_reason():
    assert "HA doesn't support it" in told({"type": "posixfs", **NFS})["storage:type"]


def test_a_wrong_item_of_a_list_is_told_with_what_the_list_is():
    problems = told(ISCSI | {"portals": ["192.0.2.7", "no portal"]})

    assert "Portals of the target" in problems["storage:portals:1"]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("nfs", "target", "iqn.2020-01.com.example:engine"),
        ("nfs", "lun", "36001405a"),
        ("glusterfs", "nfs_version", "v4"),
        ("glusterfs", "discard_after_delete", True),
        ("iscsi", "path", "/exports/engine"),
        ("iscsi", "mount_options", "noatime"),
        ("fc", "portals", ["192.0.2.7"]),
        ("fc", "user", "host"),
    ],
)
def test_a_key_of_another_kind_is_a_contradiction(kind, key, value):
    problems = told(KINDS[kind] | {key: value})

    assert f"means nothing for storage:type: {kind}. " in problems[f"storage:{key}"]


def test_a_kind_that_is_none_is_the_one_problem():
    assert set(told(ISCSI | {"type": "iscs"})) == {"storage:type"}


@pytest.mark.parametrize("tree", [None, [], "hosted"])
def test_a_pillar_that_is_no_tree_is_no_riddle(tree):
    pillar = {"hosted_engine": tree}
    host = check.Host(settings.merge(pillar, {}), {}, {})

    assert list(storage.pillar_problems(pillar, host)) == []


def test_a_default_of_another_kind_is_none():
    assert told(ISCSI | {"nfs_version": "auto", "address": "", "mount_options": ""}) == {}


@pytest.mark.feature("iscsi_chap", "iscsi_discovery_chap")
def test_user_and_password_come_together():
    both = {"user": "host", "discovery_user": "finder"}
    assert set(told(ISCSI | both)) == {
        "secrets:iscsi_password",
        "secrets:iscsi_discovery_password",
    }
    passwords = {"iscsi_password": "host-secret", "iscsi_discovery_password": "other"}
    assert set(told(ISCSI, **passwords)) == {"storage:user", "storage:discovery_user"}
    assert told(ISCSI | both, **passwords) == {}
    assert set(told({"type": "fc"}, **passwords)) == {
        "secrets:iscsi_password",
        "secrets:iscsi_discovery_password",
    }


@pytest.mark.feature("iscsi_chap")
@pytest.mark.parametrize(
    "password", ["a b-secret", "secret$(id)", "se,cret-x", "s'ecret-x", "sécret"]
)
def test_a_password_that_ha_would_read_otherwise_is_refused_unseen(password):
    problems = told(ISCSI | {"user": "host"}, iscsi_password=password)

    assert set(problems) == {"secrets:iscsi_password"}
    assert "don't read alike" in problems["secrets:iscsi_password"]


@pytest.mark.feature("iscsi_portals")
@pytest.mark.parametrize(
    "portal", ["192.0.2.7:0", "192.0.2.7:65536", "[2001:db8::1]:99999", "2001:db8:::1", "[::1::]"]
)
def test_a_portal_that_cannot_be_read(portal):
    assert "storage:portals:1" in told(ISCSI | {"portals": ["192.0.2.7", portal]})


@pytest.mark.feature("iscsi_portals")
def test_portals_of_all_forms_and_one_that_is_there_twice():
    good = ["san.example.com", "192.0.2.7:860", "[2001:db8::1]:3261", "2001:db8::1"]
    assert told(ISCSI | {"portals": good}) == {}
    assert set(told(ISCSI | {"portals": [*good, "[2001:db8::1]:3260"]})) == {"storage:portals:4"}


@pytest.mark.parametrize(
    ("target", "right"),
    [
        ("iqn.2020-01.com.example:storage.disk1.sys1.xyz", True),
        ("iqn.2020-01.com.example", True),
        ("eui.02004567A425678D", True),
        ("naa.52004567BA64678D", True),
        ("engine", False),
        ("iqn.20-01.com.example:engine", False),
        ("iqn.2020-01.com.example:a,iqn.2020-01.com.example:b", False),
        ("eui.02", False),
    ],
)
def test_the_form_of_a_target(target, right):
    assert set(told(ISCSI | {"target": target})) == (set() if right else {"storage:target"})


@pytest.mark.feature("mount_options")
@pytest.mark.parametrize(
    ("kind", "options", "wrong"),
    [
        ("nfs", "noatime,nosharecache", None),
        ("nfs", "vers=4.1", "storage:nfs_version instead"),
        ("nfs", "noatime,,soft", "is empty"),
        ("nfs", "timeo=600", "set by the engine itself"),
        ("glusterfs", "backup-volfile-servers=a:b", None),
        ("glusterfs", "vfs_type=nfs", "set by the engine itself"),
        ("nfs", "ro,backup-volfile-servers=a:b", "is for glusterfs, not for nfs"),
        ("glusterfs", "soft", "is for nfs, not for glusterfs"),
        ("nfs", "noatime,password=x", "password holds a secret"),
    ],
)
def test_mount_options(kind, options, wrong):
    problems = told(KINDS[kind] | {"mount_options": options})

    assert set(problems) == ({"storage:mount_options"} if wrong else set())
    assert (wrong or "") in problems.get("storage:mount_options", "")


@pytest.mark.parametrize(
    "wrong",
    [{"mount_options": "backup-volfile-servers=b"}, {"target": "iqn.2020-01.com.example:engine"}],
)
@pytest.mark.parametrize("given", [{}, {"type": "nfs"}])
def test_a_default_that_nobody_chose_is_said(wrong, given):
    (problem,) = told(NFS | given | wrong).values()

    assert ("(storage:type isn't given, so it is nfs)" in problem) is not bool(given)


def test_what_an_empty_option_stands_beside_is_not_shown():
    assert "QUJD" not in str(told(NFS | {"mount_options": "name=admin,,secret=QUJD"}))


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize(
    ("kind", "form", "allocation", "right"),
    [
        ("nfs", "raw", "sparse", True),
        ("nfs", "raw", "preallocated", True),
        ("iscsi", "raw", "sparse", False),
        ("fc", "raw", "sparse", False),
        ("fc", "cow", "sparse", True),
        ("nfs", "cow", "preallocated", False),
        ("iscsi", "cow", "preallocated", False),
    ],
)
def test_formats_and_room_of_the_disk(kind, form, allocation, right):
    problems = told(KINDS[kind], {"disk_format": form, "disk_allocation": allocation})

    assert set(problems) == (set() if right else {"vm:disk_allocation"})


def test_servers_must_be_known(monkeypatch):
    monkeypatch.setattr(network, "resolve", lambda name: {name} if name[0].isdigit() else set())
    pillar = {"hosted_engine": SMALLEST | {"storage": ISCSI}}
    pillar["hosted_engine"]["storage"]["portals"] = ["192.0.2.7", "san.example.com:3261"]
    host = check.Host(settings.merge(pillar, {}), {}, {})

    assert [one["key"] for one in storage.servers_resolve(host)] == [
        "hosted_engine:storage:portals:1"
    ]


@pytest.mark.feature("iscsi")
def test_iscsi_wants_its_tools_where_vdsm_is(monkeypatch):
    there = {"vdsm-client"}
    monkeypatch.setattr(storage.shutil, "which", lambda name: name if name in there else None)
    host = check.Host(settings.merge({"hosted_engine": SMALLEST | {"storage": ISCSI}}, {}), {}, {})

    (problem,) = storage.iscsi_tools(host)
    assert "iscsiadm isn't" in problem["problem"]
    there.add("iscsiadm")
    assert list(storage.iscsi_tools(host)) == []
    there.clear()
    assert list(storage.iscsi_tools(host)) == [], "a bare host gets them with vdsm"


def test_the_example_is_one_that_preflight_takes():
    root = Path(__file__).parents[2]
    pillar = yaml.safe_load((root / "pillar.example").read_text())
    host = check.Host(settings.merge(pillar, {"fqdn": "node1.example.com"}), {}, {})

    for group in (check, storage, engine):
        assert list(group.pillar_problems(pillar, host)) == []


@pytest.mark.parametrize(
    ("group", "values", "told_key"),
    [
        ("network", {"tcp_address": "192.0.2.7"}, "network:tcp_address"),
        ("network", {"test": "dns", "tcp_port": 53}, "network:tcp_port"),
        ("network", {"test": "tcp", "tcp_address": "192.0.2.7", "tcp_port": 53}, None),
        ("appliance", {"sha1": "0" * 40}, "appliance:sha1"),
        ("appliance", {"sha1": "0" * 40, "source": "/srv/engine.ova"}, None),
    ],
)
def test_a_value_that_only_makes_sense_with_another(group, values, told_key):
    pillar = {"hosted_engine": copy.deepcopy(SMALLEST) | {"storage": NFS, group: values}}
    host = check.Host(settings.merge(pillar, {"fqdn": "node1.example.com"}), {}, {})

    keys = [one["key"] for one in check.pillar_problems(pillar, host)]

    assert keys == ([f"hosted_engine:{told_key}"] if told_key else [])
