"""The host's hosts file, byte for byte, and which of its lines the formula wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records
from ovirt_he.guest import network

HOSTS = Path("/etc/hosts")


def lines() -> list[bytes]:
    """Its lines with their ends; none where there is no such file."""
    try:
        return HOSTS.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CommandExecutionError(f"Reading {HOSTS}: {error}") from error


def is_ours(line: bytes) -> bool:
    """Whether a line ends with the formula's marker."""
    return line.rstrip().endswith(network.HOSTS_MARKER.encode())


def write(content: bytes) -> None:
    """Replace it where links lead to, with its mode and owner; a new file needs SELinux's label."""
    target = HOSTS.resolve()
    mode, owner = 0o644, (0, 0)
    if target.exists():
        found = target.stat()
        mode, owner = found.st_mode & 0o7777, (found.st_uid, found.st_gid)
    records.write_file(target, content, mode, owner)
    if shutil.which("restorecon"):
        command.run("restorecon", str(target))
