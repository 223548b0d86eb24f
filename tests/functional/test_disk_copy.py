"""The engine's disk is copied with the real loader and qemu-img, as vdsm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from ovirt_he.core import records
from salt.exceptions import CommandExecutionError
from unit.configured import DOMAIN, IDS

from functional.storage_host import (
    MIB,
    StorageHost,
    configured,
    host,
    identical,
    minions,
    overlay,
    wants_root,
)  # fmt: skip

__all__ = ["configured", "host", "minions", "overlay"]
pytestmark = wants_root
COPIED, CLEARED = "hosted_engine_disk.copied", "hosted_engine_disk.cleared"


def test_the_disk_is_copied_whole(configured: StorageHost, overlay: Path) -> None:
    target = configured.disk("vm")
    before = configured.state(COPIED, test=True)
    assert (before["result"], identical(overlay, target)) == (None, False)

    ret = configured.state(COPIED)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"] == {
        "copied": {"old": False, "new": True},
        "done": ["hosted_engine_disk.copy"],
    }
    assert identical(overlay, target)
    assert target.stat().st_size == 8 * MIB, "as large as the engine made it"
    assert (target.stat().st_uid, target.stat().st_gid) == (36, 36)
    noted = records.read("copied")
    assert noted is not None
    assert noted["source"]["inode"] == overlay.stat().st_ino
    assert (noted["storage_domain"], noted["volume"]) == (DOMAIN, IDS["disks"]["vm"]["volume"])
    again = configured.state(COPIED)
    assert (again["result"], again["changes"]) == (True, {})


def test_what_a_torn_copy_left_is_overwritten(configured: StorageHost, overlay: Path) -> None:
    target = configured.disk("vm")
    with target.open("r+b") as disk:
        disk.write(b"x" * 6 * MIB)

    configured.state(COPIED)

    assert identical(overlay, target)


def test_a_disk_that_ran_since_is_copied_again(configured: StorageHost, overlay: Path) -> None:
    configured.state(COPIED)
    subprocess.run(["qemu-io", "-c", "write -P 9 2M 64k", overlay], check=True)

    ret = configured.state(COPIED)

    assert ret["changes"]["done"] == ["hosted_engine_disk.copy"]
    assert identical(overlay, configured.disk("vm"))


def test_a_target_that_is_too_small_is_refused(configured: StorageHost, overlay: Path) -> None:
    os.truncate(configured.disk("vm"), 5 * MIB)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "hosted_engine:vm:disk_gib" in ret["comment"]
    assert records.read("copied") is None


@pytest.mark.parametrize("image", ["source", "target"])
def test_a_disk_in_use_is_left_alone(configured: StorageHost, overlay: Path, image: str) -> None:
    path, form = (overlay, "qcow2") if image == "source" else (configured.disk("vm"), "raw")
    pid = configured.folder / "pid"
    subprocess.run(
        ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none", "-m", "16", "-accel", "tcg",
         "-drive", f"file={path},format={form},if=virtio", "-daemonize", "-pidfile", pid],
        check=True,
    )  # fmt: skip
    try:
        ret = configured.state(COPIED)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)

    assert ret["result"] is False
    assert "lock" in ret["comment"]
    assert records.read("copied") is None
    assert not any(configured.start("vm"))


def test_a_source_that_changes_while_it_is_copied_is_not_recorded(
    configured: StorageHost, overlay: Path
) -> None:
    configured.wrap("setpriv", f"case \"$*\" in *convert*) touch -d '+1 hour' {overlay} ;; esac")

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert f"{overlay} changed while it was copied" in ret["comment"]
    assert records.read("copied") is None


def test_a_copy_that_fails_leaves_no_record_of_an_earlier_one(
    configured: StorageHost, overlay: Path
) -> None:
    """It was of other contents of the same target, half of which are overwritten."""
    assert configured.state(COPIED)["result"] is True
    subprocess.run(["qemu-io", "-c", "write -P 9 2M 64k", overlay], check=True)
    configured.wrap("setpriv", 'case "$*" in *convert*) exit 5 ;; esac')

    assert configured.state(COPIED)["result"] is False

    assert records.read("copied") is None


@pytest.mark.parametrize("older", [False, True], ids=["EL 9", "EL 8"])
def test_a_copy_ends_with_its_run_and_reaches_the_disk_before_it_is_recorded(
    configured: StorageHost, overlay: Path, older: bool
) -> None:
    """setpriv --pdeathsig where it knows that; sync, which no cache of the storage outlives."""
    log, record = configured.folder / "log", records.DIRECTORY / "copied.json"
    hide = '[ "$1" = --help ] && exit 0' if older else ":"
    configured.wrap("setpriv", f'{hide}\necho "$(test -e {record}; echo $?) $*" >> {log}')

    assert configured.state(COPIED)["result"] is True

    lines = log.read_text().splitlines()
    (copy,) = [number for number, line in enumerate(lines) if " qemu-img convert " in line]
    assert ("--pdeathsig=KILL" in lines[copy]) is not older
    (synced,) = [line for line in lines[copy:] if f" -- sync {configured.disk('vm')}" in line]
    assert synced.startswith("1 "), "not recorded yet"


COW = {"vm": {"disk_format": "cow"}}


@pytest.fixture
def cow(configured: StorageHost, overlay: Path) -> Path:
    """The target as the engine makes it for disk_format: cow; the minion's pillar says so too."""
    target = configured.disk("vm")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", target, "8M"], check=True)
    os.chown(target, 36, 36)
    return target


@pytest.mark.feature("disk_format")
def test_a_cow_disk_stays_one_with_its_size(configured: StorageHost, overlay: Path, cow: Path):
    minion = configured.with_pillar(COW)
    minion("hosted_engine_disk.copy")

    info = subprocess.run(
        ["qemu-img", "info", "--output=json", cow], capture_output=True, text=True, check=True
    )
    told = json.loads(info.stdout)
    assert (told["format"], told["virtual-size"]) == ("qcow2", 8 * MIB)
    assert "backing-filename" not in told
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", overlay, cow]
    assert subprocess.run(compare, capture_output=True, check=False).returncode == 0
    subprocess.run(["qemu-img", "check", "-q", cow], check=True)
    # What a run killed in the middle of it left: the next one writes all of it again.
    subprocess.run(["qemu-io", "-c", "write -P 7 0 6M", cow], capture_output=True, check=True)
    minion("hosted_engine_disk.copy")
    assert subprocess.run(compare, capture_output=True, check=False).returncode == 0


@pytest.mark.feature("disk_format")
def test_a_target_of_another_format_is_not_written_to(
    configured: StorageHost, overlay: Path, cow: Path
):
    before = cow.read_bytes()

    with pytest.raises(CommandExecutionError, match=r"is a qcow2, .*disk_format wants raw"):
        configured.minions[False]("hosted_engine_disk.copy")
    assert cow.read_bytes() == before
    cow.write_bytes(bytes(8 * MIB))
    with pytest.raises(CommandExecutionError, match=r"is no qcow2, .*disk_format wants qcow2"):
        configured.with_pillar(COW)("hosted_engine_disk.copy")
    assert not any(cow.read_bytes())


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize("allocation", ["sparse", "preallocated"])
def test_a_preallocated_disk_stays_so(
    configured: StorageHost, overlay: Path, allocation: str
) -> None:
    target = configured.disk("vm")
    if allocation == "preallocated":
        subprocess.run(["fallocate", "--length", str(8 * MIB), target], check=True)

    configured.with_pillar({"vm": {"disk_allocation": allocation}})("hosted_engine_disk.copy")

    taken = target.stat().st_blocks * 512
    assert (taken >= 8 * MIB) == (allocation == "preallocated"), f"{taken} bytes"
    assert identical(overlay, target)


@pytest.mark.feature("iscsi", "fc")
def test_disks_on_block_devices(configured: StorageHost, overlay: Path):
    """A volume that is a link to a device, as vdsm prepares it; sectors of 4096 bytes."""
    target, metadata = configured.disk("vm"), configured.disk("metadata")
    devices = []
    for disk in (target, metadata):
        file = configured.folder / f"{disk.name}.device"
        disk.rename(file)
        losetup = ["losetup", "--find", "--show", "--sector-size", "4096", file]
        done = subprocess.run(losetup, capture_output=True, text=True, check=True)
        devices.append(Path(done.stdout.strip()))
        os.chown(devices[-1], 36, 36)
        disk.symlink_to(devices[-1])
    try:
        copied, cleared = configured.state(COPIED), configured.state(CLEARED)

        assert copied["result"] is True, copied["comment"]
        assert cleared["result"] is True, cleared["comment"]
        assert identical(overlay, devices[0])
        assert target.is_symlink(), "the device was written to, not replaced"
    finally:
        for device in devices:
            os.chown(device, 0, 6)
            subprocess.run(["losetup", "--detach", device], check=True)
