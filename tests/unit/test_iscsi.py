"""iSCSI targets, as iscsiadm lists them; its output is given."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import command
from ovirt_he.core.text import Secret
from ovirt_he.host import iscsi
from ovirt_he.pillar import storage
from salt.exceptions import CommandExecutionError, SaltInvocationError

LISTED = (
    "192.0.2.7:3260,1 iqn.2020-01.com.example:engine\n"
    "[2001:db8::7]:3261,2 iqn.2020-01.com.example:engine\n"
    "iscsiadm: a line that is none\n"
)
RECORD = (
    "# BEGIN RECORD 2.1.9\ndiscovery.sendtargets.address = 192.0.2.7\n"
    "discovery.sendtargets.auth.authmethod = None\n# END RECORD\n"
)


class Tools:
    """iscsiadm: what it was called with, and its record while it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder / "send_targets", []
        self.seen: list[str] = []
        self.how: list[dict[str, Any]] = []
        self.fails = False

    @property
    def record(self) -> Path:
        return self.folder / "192.0.2.7,3260" / "st_config"

    def run(self, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        self.how.append(how)
        output = ""
        if arguments[-1] == "new":
            self.record.parent.mkdir(parents=True, exist_ok=True)
            self.record.write_text(RECORD)
        elif arguments[-1] == "delete":
            self.record.unlink()
        elif self.fails:
            raise CommandExecutionError("iscsiadm: authorization failure")
        else:
            self.seen.append(self.record.read_text() if self.record.exists() else "")
            output = LISTED
        return subprocess.CompletedProcess(arguments, 0, output, "")


@pytest.fixture
def tools(tmp_path, monkeypatch):
    tools = Tools(tmp_path)
    run = create_autospec(command.run, side_effect=tools.run)
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(iscsi, "DISCOVERIES", (tools.folder, tmp_path / "none"))
    return tools


def portals(**more: Any) -> dict[str, Any]:
    return {"portals": ["192.0.2.7", "192.0.2.8:3261"], "discovery_user": "", **more}


@pytest.mark.feature("storage_devices")
def test_targets_are_asked_at_the_first_portal_and_nothing_is_kept(tools):
    found = iscsi.targets(portals(), None)

    assert [(one["address"], one["port"], one["portal"]) for one in found] == [
        ("192.0.2.7", 3260, "1"),
        ("2001:db8::7", 3261, "2"),
    ]
    (call,) = tools.calls
    assert " ".join(call) == (
        "iscsiadm -m discoverydb -t sendtargets -p 192.0.2.7:3260 -o nonpersistent --discover"
    )


@pytest.mark.feature("storage_devices", "iscsi_discovery_chap")
@pytest.mark.parametrize("fails", [False, True])
def test_the_password_goes_by_a_file_that_is_gone_afterwards(tools, fails):
    tools.fails = fails
    wanted = portals(discovery_user="finder")

    if fails:
        with pytest.raises(CommandExecutionError, match="authorization failure"):
            iscsi.targets(wanted, Secret("finder-secret"))
    else:
        assert len(iscsi.targets(wanted, Secret("finder-secret"))) == 2
        lines = tools.seen[0].splitlines()
        assert lines[-1] == "# END RECORD"
        assert [line for line in lines if ".auth." in line] == [
            "discovery.sendtargets.auth.authmethod = CHAP",
            "discovery.sendtargets.auth.username = finder",
            "discovery.sendtargets.auth.password = finder-secret",
        ]
    assert not tools.record.exists()
    assert [" ".join(call).partition("192.0.2.7:3260 ")[2] for call in tools.calls] == [
        "-o new", "-o nonpersistent --discover", "-o delete",
    ]  # fmt: skip
    assert "finder-secret" not in str(tools.calls)


@pytest.mark.feature("storage_devices")
def test_a_record_that_is_there_already_stays(tools):
    tools.run("iscsiadm", "-o", "new")
    tools.calls.clear()
    tools.record.write_text("somebody's")

    with pytest.raises(CommandExecutionError, match="has a record"):
        iscsi.targets(portals(discovery_user="finder"), Secret("finder-secret"))
    assert tools.record.read_text() == "somebody's"
    assert tools.calls == []


def test_iscsiadm_has_time_to_say_its_own_reason(tools):
    """6 attempts of 15 s each, where a portal swallows packets."""
    iscsi.targets(portals(), None)

    (how,) = tools.how
    assert how["timeout"] > 6 * 15
    assert "open-iscsi" in how["package"]
    assert "open-iscsi" not in how["advice"]


@pytest.mark.parametrize("given", [[], ["192.0.2.7:70000"]])
def test_portals_that_cannot_be_asked(given):
    with pytest.raises(SaltInvocationError, match="storage:portals"):
        storage.readable_portals({"portals": given})
