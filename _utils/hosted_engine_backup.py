"""
An archive of engine-backup: a tar, plain or by gzip, bzip2 or xz, with ``version``, ``config``,
``files``, ``md5sum`` and the databases below ``db``.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

MEMBERS = {"version", "config", "files", "md5sum", "db/engine_backup.db"}
VERSION_BYTES = 256
CHUNK = 2**20


class Backup(NamedTuple):
    """What an archive tells of itself."""

    version: str
    members: set[str]


def local(source: str, salt: Mapping[str, Callable[..., Any]]) -> Path:
    """
    Where the backup ``source``, a path or salt://, lies on this host.

    Raises CommandExecutionError where there is none.
    """
    path = salt["cp.cache_file"](source) if source.startswith("salt://") else source
    if not path or not Path(path).is_file():
        raise CommandExecutionError(f"there is no file {source}")
    return Path(path)


def examine(path: Path) -> Backup:
    """
    Read an archive once, to its end.

    Raises CommandExecutionError for what isn't a whole tar, or not one of engine-backup's with the
    engine's database and files in it.
    """
    version, members = "", set[str]()
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                members.add(name)
                if name == "version" and (file := archive.extractfile(member)):
                    version = file.read(VERSION_BYTES).decode(errors="replace").strip()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise CommandExecutionError(f"{path} isn't a whole tar archive: {error}") from error
    except Exception as error:
        # zlib's and lzma's own; naming them would want libraries that a Python may lack.
        if type(error).__module__ not in ("zlib", "lzma", "_lzma"):
            raise
        raise CommandExecutionError(f"{path} is damaged: {error}") from error
    if missing := sorted(MEMBERS - members):
        raise CommandExecutionError(
            f"{path} isn't a full backup by engine-backup: it lacks {', '.join(missing)}"
        )
    return Backup(version, members)


def sha256(path: Path) -> str:
    """Checksum of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def release(version: str) -> tuple[int, int] | None:
    """
    What engine-backup compares of a version; None where the text tells none.

    >>> release("4.5.6-1.el9"), release("unknown")
    ((4, 5), None)
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def is_older(engine: str, backup: str) -> bool:
    """Whether an engine is older than a backup, as far as both versions tell."""
    there, here = release(backup), release(engine)
    return there is not None and here is not None and here < there
