"""root's authorized_keys: a key is added at its end or taken out, and nothing else is touched."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.core import records

FILE = Path("/root/.ssh/authorized_keys")
KEY = re.compile(r"(ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+) [A-Za-z0-9+/]{60,}={0,2}( [^\r\n]*)?")

# A line as sshd reads it, with its end: Python ends one at more characters.
LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def holds(key: str) -> bool:
    """Whether ``key`` (one line, as OpenSSH writes it) is authorised without restrictions."""
    wanted = _checked(key).encode()
    try:
        content = FILE.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CommandExecutionError(f"{FILE} can't be read: {error}") from error
    return any(_same(line, wanted) for line in LINE.findall(content))


def _same(line: bytes, key: bytes) -> bool:
    """Whether a line authorises the key without restrictions, split as sshd does it."""
    return _words(line) == _words(key)


def _words(line: bytes) -> list[bytes]:
    return re.split(rb"[ \t]+", line.strip(b" \t\r\n"))[:2]


def add(key: str) -> None:
    """
    Authorise ``key``.

    Raises CommandExecutionError when the key isn't one, or the file isn't a regular one, which
    replacing it would change.
    """
    line = _checked(key)
    try:
        # sshd wants it closed to others; created by us only where it is missing.
        FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = FILE.lstat() if FILE.is_symlink() or FILE.exists() else None
        before = FILE.read_bytes() if seen and stat.S_ISREG(seen.st_mode) else b""
    except OSError as error:
        raise CommandExecutionError(f"{FILE} can't be read: {error}") from error
    if seen and not stat.S_ISREG(seen.st_mode):
        raise CommandExecutionError(
            f"{FILE} isn't a regular file: add the engine's key to what it stands for, by hand:\n"
            f"{line}"
        )
    if before and not before.endswith(b"\n"):
        before += b"\n"
    mode = stat.S_IMODE(seen.st_mode) if seen else 0o600
    owner = (seen.st_uid, seen.st_gid) if seen else None
    records.write_file(FILE, before + line.encode() + b"\n", mode, owner)


def remove(key: str) -> None:
    """Take the lines of ``key`` out; all others stay as they are."""
    wanted = _checked(key).encode()
    if not holds(key):
        return
    try:
        seen, lines = FILE.stat(), LINE.findall(FILE.read_bytes())
    except OSError as error:
        raise CommandExecutionError(f"{FILE} can't be read: {error}") from error
    kept = [line for line in lines if not _same(line, wanted)]
    owner = (seen.st_uid, seen.st_gid)
    records.write_file(FILE, b"".join(kept), stat.S_IMODE(seen.st_mode), owner)


def _checked(key: str) -> str:
    line = key.strip()
    if not KEY.fullmatch(line):
        raise CommandExecutionError(f"The engine's public key has the wrong form: {line[:80]!r}")
    return line
