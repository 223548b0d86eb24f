"""Run the machine's commands, with errors that say what came back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from os import environ
from pathlib import Path


class LabError(Exception):
    """Something that the lab tried didn't work; the message is for a person."""


def run(argv: Sequence[object], env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return its stdout. Raises LabError with its output."""
    done = subprocess.run(
        [str(word) for word in argv],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**environ, **env} if env else None,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-4000:]
        raise LabError(f"{' '.join(map(str, argv))} returned {done.returncode}:\n{said}")
    return done.stdout


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll until ``done``; False when that took too long."""
    end = time.monotonic() + seconds
    while not (ready := done()) and time.monotonic() < end:
        time.sleep(0.1)
    return ready


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted below a folder, however deep; what still uses it may go on."""
    for _ in _mounts_below(folder):
        # The last one may lie on another one; a lazy one takes what lies on it along.
        if left := _mounts_below(folder):
            run(["umount", "--lazy", left[-1]])


def _mounts_below(folder: Path) -> list[Path]:
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    # The kernel writes white space in octal digits.
    points = (line.split()[4].encode().decode("unicode_escape") for line in mounts)
    return [point for point in map(Path, points) if point.is_relative_to(folder)]
