"""What the host's own tools tell of targets and LUNs; their output is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import command
from ovirt_he.core.text import Secret
from ovirt_he.host import iscsi as san
from ovirt_he.host import lun_selection
from ovirt_he.pillar import storage
from salt.exceptions import CommandExecutionError, SaltInvocationError

# Answers of real tools.
SAMPLES = Path(__file__).with_name("samples")
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
        self.lsblk = json.dumps({"blockdevices": PATHS})
        self.how: list[dict[str, Any]] = []
        self.fails = False

    def map(self, kname: str, name: str) -> None:
        """A map of multipath, as /sys shows it."""
        uuid = self.folder.parent / "block" / kname / "dm" / "uuid"
        uuid.parent.mkdir(parents=True, exist_ok=True)
        uuid.write_text(f"mpath-{name}\n")

    @property
    def record(self) -> Path:
        return self.folder / "192.0.2.7,3260" / "st_config"

    def run(self, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        self.how.append(how)
        told = ""
        if arguments[0] == "lsblk":
            told = self.lsblk
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
    run = create_autospec(command.run, side_effect=tools.run)
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(san, "DISCOVERIES", (tools.folder, tmp_path / "none"))
    monkeypatch.setattr(san, "BLOCK_DEVICES", tmp_path / "block")
    tools.map("dm-0", "36001405aa")
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
    assert (fibre["vendor"], fibre["size"]) == ("ACME", 100 * storage.GIB)
    assert (iscsi["paths"], iscsi["status"], iscsi["type"]) == (1, "used", "iscsi")


def test_luns_without_a_name_of_their_own_stay_two(tools):
    nameless = [{"name": name, "kname": name, "tran": "fc", "size": 5} for name in ("sdx", "sdy")]
    tools.lsblk = json.dumps({"blockdevices": nameless})

    assert sorted(one["id"] for one in san.devices()) == ["sdx", "sdy"]


@pytest.mark.feature("storage_devices", "iscsi", "fc")
def test_luns_of_a_real_host(tools):
    """lsblk of a host with open-iscsi, multipathd, LVM and FC: three LUNs by two paths, and one."""
    tools.lsblk = (SAMPLES / "lsblk-multipath-lvm.json").read_text()
    names = ["36001405b13c2a6ea0014dbfb5b168ba2", "3600140563756f5e41ab4095939e1cc1f",
             "36001405601c006ca2a3482db44e1a8de"]  # fmt: skip
    for number, name in enumerate(names):
        tools.map(f"dm-{number}", name)
    tools.map("dm-9", "36001405fcae000000000000000000000")

    found = {one["id"]: one for one in san.devices()}

    assert [(found[name]["type"], found[name]["paths"]) for name in names] == [("iscsi", 2)] * 3
    assert [found[name]["status"] for name in names] == ["free", "used", "free"]
    assert (found[names[0]]["vendor"], found[names[0]]["product"]) == ("LIO-ORG", "engine1-large")
    (fibre,) = found.keys() - set(names)
    assert (found[fibre]["type"], found[fibre]["paths"]) == ("fc", 2)


@pytest.mark.parametrize("mapped", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("content", [None, "LVM2_member"])
def test_a_path_whose_map_is_not_there_is_no_content(tools, mapped, content):
    """udev marks it mpath_member at once; the map comes later, or was flushed."""
    paths = [
        {"kname": name, "tran": "iscsi", "size": 5, "wwn": "0x6001405cc", "fstype": "mpath_member"}
        for name in ("sdb", "sdc")
    ]
    for number in mapped:
        paths[number]["children"] = [{"type": "mpath", "kname": "dm-5", "fstype": content}]
    # Not 3 and the path's own name: multipath's name counts for the path without a map as well.
    tools.map("dm-5", "26001405cc")
    tools.lsblk = json.dumps({"blockdevices": paths})

    (lun,) = san.devices()

    assert lun["status"] == ("used" if content and mapped else "free")
    assert lun["paths"] == 2
    assert lun["id"] == ("26001405cc" if mapped else "36001405cc")


@pytest.mark.parametrize(
    "garbage",
    ["", "{", "[]", "null", "{}", '"x"', '{"blockdevices": 5}', '{"blockdevices": ["sda"]}',
     '{"blockdevices": [{"tran": "fc", "size": "many"}]}', "[" * 100_000,
     '{"blockdevices": [{"tran": ["fc"]}]}', '{"blockdevices": [{"tran": "fc", "vendor": 5}]}',
     '{"blockdevices": [{"tran": "fc", "children": "sda1"}]}',
     '{"blockdevices": [{"tran": "fc", "wwn": {"a": 1}}]}',
     '{"blockdevices": [{"tran": "fc", "kname": "a\\u0000b"}]}'],
)  # fmt: skip
def test_an_answer_of_lsblk_that_is_none_is_told(tools, garbage):
    tools.lsblk = garbage

    with pytest.raises(CommandExecutionError, match="lsblk's answer isn't the JSON"):
        san.devices()


def test_iscsiadm_has_time_to_say_its_own_reason(tools):
    """6 attempts of 15 s each, where a portal swallows packets."""
    san.targets(portals(), None)

    (how,) = tools.how
    assert how["timeout"] > 6 * 15
    assert "open-iscsi" in how["package"]
    assert "open-iscsi" not in how["advice"]


@pytest.mark.feature("storage_devices")
def test_the_table_says_what_speaks_against_a_lun(tools):
    (row,) = lun_selection.table(san.devices(), "fc", storage.lun_bytes(100))

    assert row["size_gib"] == 100.0
    assert row["why_not"] == "too small, 115 GiB are needed"
    assert lun_selection.table(san.devices(), "fc", storage.lun_bytes(61))[0]["why_not"] == ""


@pytest.mark.parametrize("given", [[], ["192.0.2.7:70000"]])
def test_portals_that_cannot_be_asked(given):
    with pytest.raises(SaltInvocationError, match="storage:portals"):
        storage.readable_portals({"portals": given})
