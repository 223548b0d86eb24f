"""Block devices and LUNs of a host, as lsblk lists them; its output is given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import command
from ovirt_he.host import block_devices, lun_selection
from ovirt_he.pillar import storage
from salt.exceptions import CommandExecutionError

# lsblk of a host with open-iscsi, multipathd and LVM: three LUNs by two paths, and one by FC.
SAMPLE = Path(__file__).with_name("samples") / "lsblk-multipath-lvm.json"
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


class Host:
    """lsblk's output, and the maps of multipath that /sys shows."""

    def __init__(self, sysfs: Path) -> None:
        self.sysfs = sysfs
        self.lsblk = json.dumps({"blockdevices": PATHS})
        self.map("dm-0", "36001405aa")

    def map(self, kname: str, name: str) -> None:
        """A map of multipath, as /sys shows it."""
        uuid = self.sysfs / kname / "dm" / "uuid"
        uuid.parent.mkdir(parents=True, exist_ok=True)
        uuid.write_text(f"mpath-{name}\n")

    def run(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        assert arguments[0] == "lsblk"
        return subprocess.CompletedProcess(arguments, 0, self.lsblk, "")


@pytest.fixture
def host(tmp_path, monkeypatch):
    host = Host(tmp_path)
    monkeypatch.setattr(command, "run", create_autospec(command.run, side_effect=host.run))
    monkeypatch.setattr(block_devices, "SYSFS", tmp_path)
    return host


def test_devices_of_a_real_host_are_typed(host):
    host.lsblk = SAMPLE.read_text()

    found = {device.name: device for device in block_devices.devices()}

    path, root = found["sdb"], found["ubda"]
    assert (path.kind, path.transport, path.size) == ("disk", "iscsi", 4 * storage.GIB)
    assert (path.vendor, path.model, path.wwn[:10]) == ("LIO-ORG", "engine1-small", "0x60014056")
    assert (root.content, root.mount_point, root.transport, root.wwn) == ("ext4", "/", "", "")
    (mapped,) = path.children
    assert (mapped.kind, mapped.content) == ("mpath", "LVM2_member")
    assert [(one.name, one.kind) for one in mapped.children] == [("dm-3", "lvm"), ("dm-4", "lvm")]
    assert [root.is_used, mapped.is_used, found["sda"].children[0].is_used] == [True, True, False]


@pytest.mark.feature("storage_devices", "fc")
def test_luns_are_devices_with_their_paths_counted(host):
    found = {one["id"]: one for one in block_devices.luns()}

    assert set(found) == {"36001405aa", "36001405bb"}
    fibre, iscsi = found["36001405aa"], found["36001405bb"]
    assert (fibre["paths"], fibre["status"], fibre["type"]) == (2, "free", "fc")
    assert (fibre["vendor"], fibre["size"]) == ("ACME", 100 * storage.GIB)
    assert (fibre["product"], fibre["serial"]) == ("ARRAY", "s1")
    assert (iscsi["paths"], iscsi["status"], iscsi["type"]) == (1, "used", "iscsi")


def test_luns_without_a_name_of_their_own_stay_two(host):
    nameless = [{"name": name, "kname": name, "tran": "fc", "size": 5} for name in ("sdx", "sdy")]
    host.lsblk = json.dumps({"blockdevices": nameless})

    assert sorted(one["id"] for one in block_devices.luns()) == ["sdx", "sdy"]


def test_a_path_without_a_name_is_no_other_path_s_lun(host):
    nameless = {"name": "sdx", "kname": "sdx", "tran": "fc", "size": 5}
    mapped = {"children": [{"name": "mpatha", "kname": "dm-0", "type": "mpath"}]}
    host.lsblk = json.dumps({"blockdevices": [nameless | {"name": "sdw"} | mapped, nameless]})

    assert [one["id"] for one in block_devices.luns()] == ["36001405aa", "sdx"]


@pytest.mark.feature("storage_devices", "iscsi", "fc")
def test_luns_of_a_real_host(host):
    """lsblk of a host with open-iscsi, multipathd, LVM and FC: three LUNs by two paths, and one."""
    host.lsblk = SAMPLE.read_text()
    names = ["36001405b13c2a6ea0014dbfb5b168ba2", "3600140563756f5e41ab4095939e1cc1f",
             "36001405601c006ca2a3482db44e1a8de"]  # fmt: skip
    for number, name in enumerate(names):
        host.map(f"dm-{number}", name)
    host.map("dm-9", "36001405fcae000000000000000000000")

    found = {one["id"]: one for one in block_devices.luns()}

    assert [(found[name]["type"], found[name]["paths"]) for name in names] == [("iscsi", 2)] * 3
    assert [found[name]["status"] for name in names] == ["free", "used", "free"]
    assert (found[names[0]]["vendor"], found[names[0]]["product"]) == ("LIO-ORG", "engine1-large")
    (fibre,) = found.keys() - set(names)
    assert (found[fibre]["type"], found[fibre]["paths"]) == ("fc", 2)


@pytest.mark.parametrize("mapped", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("content", [None, "LVM2_member"])
def test_a_path_whose_map_is_not_there_is_no_content(host, mapped, content):
    """udev marks it mpath_member at once; the map comes later, or was flushed."""
    paths = [
        {"kname": name, "tran": "iscsi", "size": 5, "wwn": "0x6001405cc", "fstype": "mpath_member"}
        for name in ("sdb", "sdc")
    ]
    for number in mapped:
        paths[number]["children"] = [{"type": "mpath", "kname": "dm-5", "fstype": content}]
    # Not 3 and the path's own name: multipath's name counts for the path without a map as well.
    host.map("dm-5", "26001405cc")
    host.lsblk = json.dumps({"blockdevices": paths})

    (lun,) = block_devices.luns()

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
def test_an_answer_of_lsblk_that_is_none_is_told(host, garbage):
    host.lsblk = garbage

    with pytest.raises(CommandExecutionError, match="lsblk's answer isn't the JSON"):
        block_devices.luns()


@pytest.mark.feature("storage_devices")
def test_the_table_says_what_rules_a_lun_out(host):
    (row,) = lun_selection.table(block_devices.luns(), "fc", storage.lun_bytes(100))

    assert row["size_gib"] == 100.0
    assert row["why_not"] == "too small, 115 GiB are needed"
    assert (
        lun_selection.table(block_devices.luns(), "fc", storage.lun_bytes(61))[0]["why_not"] == ""
    )
