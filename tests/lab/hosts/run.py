"""Run the machine's commands, with errors that say what came back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from os import environ


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
