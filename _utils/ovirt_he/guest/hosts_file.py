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
    """Whether a line has our mark at its end."""
    return line.rstrip().endswith(network.HOSTS_MARKER.encode())


def write(content: bytes) -> None:
    """Where it really lies, with the rights that it has; a new file needs SELinux's label again."""
    target = HOSTS.resolve()
    seen = target.stat() if target.exists() else None
    mode, owner = (seen.st_mode & 0o7777, (seen.st_uid, seen.st_gid)) if seen else (0o644, (0, 0))
    records.write_file(target, content, mode, owner)
    if shutil.which("restorecon"):
        command.run("restorecon", str(target))
