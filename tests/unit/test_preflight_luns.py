"""What preflight says of portals, target and LUN; real sockets, given iscsiadm and lsblk."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import records
from ovirt_he.ha import conf
from ovirt_he.host import block_devices, iscsi
from ovirt_he.pillar import settings
from ovirt_he.preflight import check, luns
from ovirt_he.preflight import storage as storage_checks
from salt.exceptions import CommandExecutionError

GIB = 2**30
TARGET = "iqn.2020-01.com.example:engine"


class San:
    """A portal that listens, and what iscsiadm and lsblk tell."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.storage: dict[str, Any] = {
            "type": "iscsi",
            "portals": [f"127.0.0.1:{port}"],
            "target": TARGET,
        }
        self.secrets = {"admin_password": "hunter2"}
        self.targets = [{"target": TARGET, "address": "127.0.0.1", "port": port, "portal": "1"}]
        self.error = ""
        self.luns: list[dict[str, Any]] = []
        self.asked: list[Any] = []

    def ask(self, storage: Any, password: Any) -> list[dict[str, Any]]:
        self.asked.append(password and password.value)
        if self.error:
            raise CommandExecutionError(self.error)
        return self.targets

    def host(self) -> check.Host:
        tree = {"engine": {"fqdn": "engine.example.com"}, "storage": self.storage}
        pillar = {"hosted_engine": tree | {"secrets": self.secrets}}
        known = settings.merge(pillar, {"fqdn": "node1.example.com"})
        return check.Host(known, {}, {}, pillar)

    def told(self) -> dict[str, str]:
        return {
            one["key"].removeprefix("hosted_engine:storage:"): one["problem"]
            for one in check.found(luns.CHECKS, self.host())
        }

    def notes(self) -> list[str]:
        host = self.host()
        assert check.found(luns.CHECKS, host) == []
        return host.notes

    def lun(self, identifier: str, **more: Any) -> None:
        self.luns.append(
            {"id": identifier, "type": "fc", "size": 200 * GIB, "status": "free", **more}
        )


@pytest.fixture
def fabric(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[San]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        fabric = San(server.getsockname()[1])
        monkeypatch.setattr(
            iscsi, "targets", create_autospec(iscsi.targets, side_effect=fabric.ask)
        )
        devices = create_autospec(block_devices.luns, side_effect=lambda: fabric.luns)
        monkeypatch.setattr(block_devices, "luns", devices)
        monkeypatch.setattr(iscsi, "DISCOVERIES", (tmp_path / "send_targets",))
        monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/sbin/{name}")
        monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
        monkeypatch.setattr(conf, "CONFIGURATION", tmp_path / "hosted-engine.conf")
        yield fabric


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_target_that_is_there(fabric):
    assert "isn't logged in" in fabric.notes()[0]
    assert fabric.asked == [None]


def test_the_checks_are_preflights():
    assert set(luns.CHECKS) <= set(storage_checks.CHECKS)


@pytest.mark.feature("storage_looked_at")
def test_each_portal_that_does_not_answer_is_told(fabric):
    port = closed_port()
    fabric.storage["portals"] = [*fabric.storage["portals"], f"127.0.0.1:{port}"]

    told = fabric.told()

    assert list(told) == ["portals:1"]
    assert f"127.0.0.1:{port} doesn't answer" in told["portals:1"]
    assert "Connection refused" in told["portals:1"]


def test_targets_are_not_asked_for_where_the_first_portal_does_not_answer(fabric):
    fabric.storage["portals"] = [f"127.0.0.1:{closed_port()}"]

    assert list(fabric.told()) == ["portals:0"]
    assert fabric.asked == []


def test_another_target_is_told_with_those_that_are_there(fabric):
    fabric.targets[0]["target"] = "iqn.2020-01.com.example:other"

    assert "it offers this host: iqn.2020-01.com.example:other" in fabric.told()["target"]


def test_another_portal_group_is_told(fabric):
    fabric.targets[0]["portal"] = "7"

    assert "no portal group 1; it has 7" in fabric.told()["portal_group"]


def test_a_discovery_that_is_refused_is_told_with_its_own_reason(fabric):
    fabric.storage["discovery_user"] = "finder"
    fabric.secrets["iscsi_discovery_password"] = "finder-secret"
    fabric.error = "iscsiadm: iSCSI login failed due to authorization failure"

    told = fabric.told()

    assert told == {"portals:0": fabric.error}
    assert fabric.asked == ["finder-secret"]


def test_without_iscsiadm_it_is_a_note(fabric, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)

    assert "iscsiadm comes with" in fabric.notes()[0]
    assert fabric.asked == []


def test_a_record_of_somebodys_discovery_is_a_note(fabric):
    fabric.storage["discovery_user"] = "finder"
    fabric.secrets["iscsi_discovery_password"] = "finder-secret"
    recorded = iscsi.DISCOVERIES[0] / f"127.0.0.1,{fabric.port}" / "st_config"
    recorded.parent.mkdir(parents=True)
    recorded.touch()

    assert "has a record of 127.0.0.1" in fabric.notes()[0]
    assert fabric.asked == []


@pytest.mark.feature("storage_looked_at", "fc")
@pytest.mark.parametrize(
    ("named", "more", "part"),
    [
        ("36001", {}, None),
        ("", {}, None),
        ("36001", {"status": "used"}, "36001 can't be used"),
        ("36001", {"size": GIB}, "too small"),
        ("36002", {}, "doesn't see a LUN 36002"),
        ("", {"status": "used"}, "No LUN could hold"),
    ],
)
def test_a_lun_by_fibre_channel(fabric, named, more, part):
    fabric.storage = {"type": "fc", "lun": named}
    fabric.lun("36001", **more)

    told = fabric.told()

    if part:
        assert part in told["lun"]
    else:
        assert told == {}


def test_a_lun_of_a_target_is_judged_where_this_host_is_logged_in(fabric):
    fabric.storage["lun"] = "36001"
    fabric.lun("36001", type="iscsi", status="used")

    assert "36001 can't be used" in fabric.told()["lun"]


@pytest.mark.parametrize("recorded", [{"setup": {}}, {"deployment": {"made": "x"}}])
def test_the_lun_of_this_deployment_is_left_to_its_engine(fabric, recorded):
    fabric.storage = {"type": "fc", "lun": "36001"}
    fabric.lun("36001", status="used")
    for name, value in recorded.items():
        records.write(name, value)

    assert fabric.told() == {}


def test_other_kinds_have_none(fabric):
    fabric.storage = {"address": "nas.example.com", "path": "/x"}

    assert fabric.notes() == []
    assert fabric.asked == []
