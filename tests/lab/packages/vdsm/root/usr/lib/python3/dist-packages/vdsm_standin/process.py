"""Running commands by argument vector, with their words in the error."""

from __future__ import annotations

import subprocess

from .errors import VdsmError


def run(*command: str, text: str | None = None) -> str:
    """Run a command and give its output. Raises VdsmError with what it said on stderr."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise VdsmError(f"{' '.join(command)} returned {done.returncode}: {said}")
    return done.stdout


def as_vdsm(*command: str) -> bool:
    """Whether a command succeeds as user vdsm, group kvm, with no other group."""
    return subprocess.run(command, user=36, group=36, extra_groups=[], check=False).returncode == 0
