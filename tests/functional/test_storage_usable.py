"""The storage is looked at once more with the packages' tools, before engine-setup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from minion import Minion
from ovirt_he.core import records
from ovirt_he.host import stage, storage_probe
from ovirt_he.preflight import network
from salt.exceptions import CommandExecutionError

USABLE = "hosted_engine_storage_probe.usable"
PILLAR = {
    "hosted_engine": {
        "engine": {"fqdn": "engine.example.com"},
        "storage": {"address": "nas.example.com", "path": "/exports/engine"},
        "secrets": {"admin_password": "hunter2"},
    }
}
IGNORED = ["export_has_room"]
FOUND: dict[str, Any] = {
    "storage": "nfs nas.example.com:/exports/engine", "looked": True, "why_not": "",
    "domains": [], "others": [], "writable": True, "write_problem": "", "block_size": 512,
    "qemu_problem": "", "free": 2**40, "size": 2**40,
}  # fmt: skip


@pytest.fixture(scope="module")
def minions(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Minion]:
    folder = tmp_path_factory.mktemp("minions")
    return {test: Minion(folder / str(test), PILLAR, test=test) for test in (False, True)}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the look finds; the host has its packages."""
    found = dict(FOUND)

    def inspect(_: Any) -> dict[str, Any]:
        if "error" in found:
            raise CommandExecutionError(found["error"])
        return found

    monkeypatch.setattr(storage_probe, "inspect", inspect)
    monkeypatch.setattr(network, "resolve", lambda name: {"192.0.2.5"})
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    monkeypatch.setattr(stage, "COMMAND", tmp_path / "hosted-engine")
    stage.COMMAND.touch()
    return found


@pytest.mark.parametrize("test", [False, True])
def test_storage_that_can_be_used_changes_nothing(minions, found, test):
    for _ in range(2):
        ret = minions[test].states[USABLE](name="hosted_storage")

        assert (ret["result"], ret["changes"]) == (True, {})


@pytest.mark.parametrize("test", [False, True])
def test_every_problem_is_told_at_once(minions, found, test):
    found |= {"block_size": 0, "write_problem": "Invalid argument", "free": 0}

    ret = minions[test].states[USABLE](name="hosted_storage")

    assert ret["result"] is False
    assert "no direct I/O" in ret["comment"]
    assert "has 0.0 GiB free" in ret["comment"]


def test_the_mounts_own_reason_is_in_the_comment(minions, found):
    found["error"] = "access denied by server while mounting nas.example.com:/exports/engine"

    ret = minions[False].states[USABLE](name="hosted_storage")

    assert ret["result"] is False
    assert "storage:path: access denied by server while mounting nas" in ret["comment"]


def test_what_cannot_be_looked_at_is_said_and_stops_nothing(minions, found):
    found |= {"looked": False, "why_not": "mount.nfs isn't installed yet"}

    ret = minions[False].states[USABLE](name="hosted_storage")

    assert ret["result"] is True
    assert "wasn't looked at: mount.nfs isn't installed yet" in ret["comment"]
    fit = minions[False].states["hosted_engine.host_ready"](name="node1.example.com")
    assert "wasn't looked at: mount.nfs isn't installed yet" in fit["comment"]


def test_a_check_that_is_ignored_is_said_and_stops_nothing(minions, found, tmp_path):
    found["free"] = 0
    pillar = {"hosted_engine": PILLAR["hosted_engine"] | {"preflight": {"ignore": IGNORED}}}

    ret = Minion(tmp_path / "minion", pillar).states[USABLE](name="hosted_storage")

    assert ret["result"] is True
    assert "has 0.0 GiB free" in ret["comment"]


def test_somebodys_domain_cannot_be_ignored(minions, found, tmp_path):
    found["domains"] = [{"id": "x", "name": "theirs", "pool": "", "problem": ""}]
    ignored = {"ignore": ["export_is_free"]}
    pillar = {"hosted_engine": PILLAR["hosted_engine"] | {"preflight": ignored}}

    minion = Minion(tmp_path / "minion", pillar)

    assert minion.states[USABLE](name="hosted_storage")["result"] is False
    assert "can't be ignored" in str(minion("hosted_engine.problems"))


def test_before_the_packages_test_mode_says_that_it_is_to_come(minions, found):
    stage.COMMAND.unlink()

    ret = minions[True].states[USABLE](name="hosted_storage")

    assert ret["result"] is None
    assert "aren't installed yet" in ret["comment"]


def test_it_comes_after_the_packages_and_before_all_that_takes_long(minions):
    names = [chunk["__id__"] for chunk in minions[False].low("hosted_engine.bootstrap")]

    place = names.index("Hosted engine storage is usable")
    assert names[place - 1] == "Hosted engine packages are installed"
    assert place < names.index("Appliance package is installed")
    assert place < names.index("Appliance is extracted") < names.index("Bootstrap VM is running")
