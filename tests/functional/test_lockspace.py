"""HA's lockspace with the real loader and sanlock's format."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.ha import sanlock
from salt.exceptions import CommandExecutionError

from functional.ha_host import PYTHONPATH, SANLOCK, Ha, ha
from functional.storage_host import host, minions, wants_root

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root
LOCKSPACE = "hosted_engine_ha.lockspace_initialised"


def dumped(path: Path) -> str:
    env = {"PYTHONPATH": PYTHONPATH}
    space = f"hosted-engine:1:{str(path).replace(':', chr(92) + ':')}:0"
    read = [sys.executable, SANLOCK / "sbin" / "sanlock", "direct", "read_leader", "-s", space]
    return subprocess.run(read, env=env, capture_output=True, text=True, check=False).stdout


def test_the_lockspace_is_made_once(ha: Ha) -> None:
    ha.health = None
    assert ha.host.state(LOCKSPACE, test=True)["result"] is None
    assert "read_leader done -" in dumped(ha.host.disk("lockspace"))

    ret = ha.host.state(LOCKSPACE)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["lockspace"] == {"old": None, "new": "hosted-engine"}
    assert "space_name hosted-engine\n" in dumped(ha.host.disk("lockspace"))
    again = ha.host.state(LOCKSPACE)
    assert (again["result"], again["changes"]) == (True, {})


def test_the_lockspace_on_storage_of_4096_byte_sectors(ha: Ha, tmp_path: Path) -> None:
    """sanlock takes a file for one of 512-byte sectors unless it's told: "init done -22"."""
    ha.health = None
    lockspace, image = ha.host.disk("lockspace"), tmp_path / "image"
    image.touch()
    os.truncate(image, 64 * 1024**2)
    losetup = ["losetup", "--find", "--show", "--sector-size", "4096", image]
    device = subprocess.run(losetup, capture_output=True, text=True, check=True).stdout.strip()
    try:
        subprocess.run(["mkfs.ext4", "-q", "-b", "4096", device], check=True)
        subprocess.run(["mount", device, lockspace.parent], check=True)
        # Written: what reads as a hole is never asked of the device.
        lockspace.write_bytes(b"x" * 8 * 1024**2)
        os.sync()
        for path in (lockspace.parent, lockspace):
            os.chown(path, 36, 36)

        ret = ha.host.state(LOCKSPACE)

        assert ret["result"] is True, ret["comment"]
        # The leader record's sector size, at 12.
        assert int.from_bytes(lockspace.read_bytes()[12:16], "little") == 4096
        again = ha.host.state(LOCKSPACE)
        assert (again["result"], again["changes"]) == (True, {})
    finally:
        subprocess.run(["umount", lockspace.parent], check=False)
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_lockspace_of_another_name_is_made_anew(ha: Ha) -> None:
    ha.health = None
    ha.host.state(LOCKSPACE)
    with ha.host.disk("lockspace").open("r+b") as disk:
        disk.seek(56)
        disk.write(b"other\0\0\0\0\0\0\0\0")

    ret = ha.host.state(LOCKSPACE)

    assert ret["changes"]["lockspace"] == {"old": "other", "new": "hosted-engine"}


def test_a_lockspace_disk_that_is_too_small_is_refused(ha: Ha) -> None:
    os.truncate(ha.host.disk("lockspace"), 8192)

    ret = ha.host.state(LOCKSPACE)

    assert ret["result"] is False
    assert "has 8192 bytes, a lockspace takes 1048576" in ret["comment"]
    assert not any(ha.host.start("lockspace"))


def test_only_the_wrong_size_of_sectors_is_tried_again(
    ha: Ha, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-13: sanlock may not open it. Another size of sectors doesn't help, and hides the reason."""
    calls = []

    def refuse(*arguments: str, **options: Any) -> Any:
        calls.append(arguments)
        return subprocess.CompletedProcess(arguments, 1, "init done -13\n", "")

    monkeypatch.setattr(command, "run", refuse)

    with pytest.raises(CommandExecutionError, match="init done -13"):
        sanlock.initialise(ha.host.disk("lockspace"))
    assert len(calls) == 1
