"""The host's unique id, as the engine stores it."""

from __future__ import annotations

import re
from pathlib import Path

from salt.exceptions import CommandNotFoundError

from ovirt_he.core import command

VDSM_ID = Path("/etc/vdsm/vdsm.id")
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def unique_id() -> str:
    """vdsm's id of this host, else its hardware's; "": neither is known."""
    found = VDSM_ID.read_text().strip() if VDSM_ID.is_file() else ""
    if not found:
        try:
            found = command.run("dmidecode", "-s", "system-uuid", check=False).stdout.strip()
        except CommandNotFoundError:
            return ""
    return found if UUID.fullmatch(found) else ""
