"""What the host's own tools tell of targets and LUNs; their output is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import hosted_engine_command
import hosted_engine_luns as luns
import hosted_engine_san as san
import hosted_engine_storage as kinds
import pytest
from hosted_engine_state import Secret
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
PATHS: list[dict[str, Any]] = [
    {"name": "sda", "tran": "sata", "size": 1, "wwn": "0x5000"},
    *(
        {
            "name": name,
            "kname": name,
            "tran": "fc",
            "size": 107374182400,
            "wwn": "0x6001405aa",
            "vendor": "ACME ",
            "model": "ARRAY",
            "serial": "s1",
            "fstype": "mpath_member",
            "children": [{"name": "mpatha", "kname": "dm-0", "type": "mpath"}],
        }
        for name in ("sdb", "sdc")
    ),
    {"name": "sdd", "kname": "sdd", "tran": "iscsi", "size": 5, "wwn": "0x6001405bb",
     "children": [{"name": "sdd1", "type": "part"}]},
]  # fmt: skip


class Tools:
    """iscsiadm and lsblk: what they were called with, and iscsiadm's record while it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder / "send_targets", []
        self.seen: list[str] = []
        self.fails = False

    @property
    def record(self) -> Path:
        return self.folder / "192.0.2.7,3260" / "st_config"

    def run(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        told = ""
        if arguments[0] == "lsblk":
            told = json.dumps({"blockdevices": PATHS})
        elif arguments[-1] == "new":
            self.record.parent.mkdir(parents=True, exist_ok=True)
            self.record.write_text(RECORD)
        elif arguments[-1] == "delete":
            self.record.unlink()
        elif self.fails:
            raise CommandExecutionError("iscsiadm: authorization failure")
        else:
            self.seen.append(self.record.read_text() if self.record.exists() else "")
            told = LISTED
        return subprocess.CompletedProcess(arguments, 0, told, "")


@pytest.fixture
def tools(tmp_path, monkeypatch):
    tools = Tools(tmp_path)
    run = create_autospec(hosted_engine_command.run, side_effect=tools.run)
    monkeypatch.setattr(hosted_engine_command, "run", run)
    monkeypatch.setattr(san, "DISCOVERIES", (tools.folder, tmp_path / "none"))
    monkeypatch.setattr(san, "BLOCK_DEVICES", tmp_path / "block")
    uuid = tmp_path / "block" / "dm-0" / "dm" / "uuid"
    uuid.parent.mkdir(parents=True)
    uuid.write_text("mpath-36001405aa\n")
    return tools


def portals(**more: Any) -> dict[str, Any]:
    return {"portals": ["192.0.2.7", "192.0.2.8:3261"], "discovery_user": "", **more}


@pytest.mark.feature("storage_devices")
def test_targets_are_asked_at_the_first_portal_and_nothing_is_kept(tools):
    found = san.targets(portals(), None)

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
            san.targets(wanted, Secret("finder-secret"))
    else:
        assert len(san.targets(wanted, Secret("finder-secret"))) == 2
        lines = tools.seen[0].splitlines()
        assert lines[-1] == "# END RECORD"
        assert [line for line in lines if ".auth." in line] == [
            "discovery.sendtargets.auth.authmethod = CHAP",
            "discovery.sendtargets.auth.username = finder",
            "discovery.sendtargets.auth.password = finder-secret",
        ]
    assert not tools.record.exists()
    assert "finder-secret" not in str(tools.calls)


@pytest.mark.feature("storage_devices")
def test_a_record_that_is_there_already_stays(tools):
    tools.run("iscsiadm", "-o", "new")
    tools.calls.clear()
    tools.record.write_text("somebody's")

    with pytest.raises(CommandExecutionError, match="has a record"):
        san.targets(portals(discovery_user="finder"), Secret("finder-secret"))
    assert tools.record.read_text() == "somebody's"
    assert tools.calls == []


@pytest.mark.feature("storage_devices", "fc")
def test_luns_are_devices_with_their_paths_counted(tools):
    found = {one["id"]: one for one in san.devices()}

    assert set(found) == {"36001405aa", "36001405bb"}
    fibre, iscsi = found["36001405aa"], found["36001405bb"]
    assert (fibre["paths"], fibre["status"], fibre["type"]) == (2, "free", "fc")
    assert (fibre["vendor"], fibre["size"]) == ("ACME", 100 * kinds.GIB)
    assert (iscsi["paths"], iscsi["status"], iscsi["type"]) == (1, "used", "iscsi")


def test_luns_without_a_name_of_their_own_stay_two(tools, monkeypatch):
    nameless = [{"name": name, "kname": name, "tran": "fc", "size": 5} for name in ("sdx", "sdy")]
    monkeypatch.setitem(globals(), "PATHS", nameless)

    assert sorted(one["id"] for one in san.devices()) == ["sdx", "sdy"]


@pytest.mark.feature("storage_devices")
def test_the_table_says_what_speaks_against_a_lun(tools):
    (row,) = luns.table(san.devices(), "fc", kinds.lun_bytes(100))

    assert row["size_gib"] == 100.0
    assert row["why_not"] == "too small, 115 GiB are needed"
    assert luns.table(san.devices(), "fc", kinds.lun_bytes(61))[0]["why_not"] == ""


@pytest.mark.parametrize("given", [[], ["192.0.2.7:70000"]])
def test_portals_that_cannot_be_asked(given):
    with pytest.raises(SaltInvocationError, match="storage:portals"):
        kinds.readable_portals({"portals": given})
