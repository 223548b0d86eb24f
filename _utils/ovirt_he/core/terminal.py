"""Text from outside (consoles, logs), made fit for a comment that a terminal shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ovirt_he.core.state import HIDDEN

# Sequences that move the cursor, colour, or talk to the terminal; then single control characters.
SEQUENCES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(\x1b\\|\x07|$)|[ -/]*[0-~])", re.S)
CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
SHORTEST = 4  # characters: hiding shorter secrets would blot out half the text


def safe(text: str, secrets: Iterable[str] = (), lines: int = 25) -> str:
    """
    The last ``lines`` lines of ``text`` without escape sequences, controls and ``secrets``.

    >>> safe("\\x1b[1mup\\x1b[0m\\r\\nsecret: hunter2\\n", ["hunter2"])
    'up\\nsecret: (hidden)'
    """
    plain = without(CONTROLS.sub("", SEQUENCES.sub("", text)), secrets)
    kept = [line.rstrip() for line in plain.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def tail(path: Path, size: int = 65536) -> str:
    """The last ``size`` bytes of a log; empty where there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - size))
            return log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def without(text: str, secrets: Iterable[str]) -> str:
    """A text with each secret replaced."""
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    return text
