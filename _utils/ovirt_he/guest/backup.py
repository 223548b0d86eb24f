"""
An archive of engine-backup: a tar, plain or by gzip, bzip2 or xz, with ``version``, ``config``,
``files``, ``md5sum`` and the databases below ``db``.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from salt.exceptions import CommandExecutionError

from ovirt_he.core.tar import TarFile

MEMBERS = {"version", "config", "files", "md5sum", "db/engine_backup.db"}
VERSION_BYTES = 256
CHUNK = 2**20
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma"}
FULL = re.compile(r"\d+\.\d+\.\d+")
# From this version on engine-backup compares more than the release.
COMPARES_ALL = [4, 4, 7]
# The oldest release whose backups an engine of a later one takes, and from which version on.
OLDEST = {(4, 4): (4, 3), (4, 5): (4, 3)}
LAST_OF_3 = (4, 3, 10)


class Backup(NamedTuple):
    """An archive's version and the names of its members."""

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
        with _unpacked(path) as stream, TarFile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                members.add(name)
                if name == "version" and (file := archive.extractfile(member)):
                    version = file.read(VERSION_BYTES).decode(errors="replace").strip()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise CommandExecutionError(f"{path} isn't a whole tar archive: {error}") from error
    except Exception as error:
        # Errors of zlib and lzma; importing them needs libraries that a Python may lack.
        if type(error).__module__ not in ("zlib", "lzma", "_lzma"):
            raise
        raise CommandExecutionError(f"{path} is damaged: {error}") from error
    if missing := sorted(MEMBERS - members):
        raise CommandExecutionError(
            f"{path} isn't a full backup by engine-backup: it lacks {', '.join(missing)}"
        )
    return Backup(version, members)


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(6)
    for magic, module in COMPRESSIONS.items():
        if start.startswith(magic):
            # A Python may lack the library of one of them.
            unpacked: IO[bytes] = importlib.import_module(module).open(path)
            return unpacked
    return path.open("rb")


def sha256(path: Path) -> str:
    """Checksum of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def release(version: str) -> tuple[int, int] | None:
    """
    The release of a version; None where the text holds none.

    >>> release("4.5.6-1.el9"), release("unknown")
    ((4, 5), None)
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def is_older(engine: str, backup: str) -> bool:
    """
    Whether engine-backup considers an engine older than a backup, as far as the versions show it.

    Within one release it compares the whole versions (since 4.4.7), part by part; a version that
    ends earlier is older, and parts that can't be compared are refused.

    >>> is_older("4.5.4-1.el9", "4.5.6-1.el9"), is_older("4.5-20240131", "4.5.6-1.el9")
    (True, False)
    """
    of_backup, of_engine = release(backup), release(engine)
    if of_backup is None or of_engine is None or of_engine != of_backup:
        return of_backup is not None and of_engine is not None and of_engine < of_backup
    if not (FULL.match(engine) and FULL.match(backup)) or _parts(engine)[:3] < COMPARES_ALL:
        return False
    try:
        return _parts(engine) < _parts(backup)
    except TypeError:
        return True


def refusal(engine: str, backup: str) -> tuple[str, str] | None:
    """
    Why engine-backup on ``engine`` refuses a backup, and what to do; None where the versions give
    no reason.
    """
    of_backup, of_engine = release(backup), release(engine)
    if is_older(engine, backup):
        return (
            f"is of version {backup}, the appliance {engine} is older",
            "Use a newer appliance, or one whose engine a command of hooks:guest_before_setup "
            "updates first",
        )
    oldest = OLDEST.get(of_engine) if of_engine else None
    in_release = FULL.match(backup) and of_backup == LAST_OF_3[:2]
    before = in_release and tuple(_parts(backup)[:3]) < LAST_OF_3
    if of_backup and oldest and of_engine != of_backup and (of_backup < oldest or before):
        return (
            f"is of version {backup}, which the appliance {engine} doesn't restore",
            f"Update the old engine to {'.'.join(map(str, LAST_OF_3))} or later, and make another "
            "backup",
        )
    return None


def _parts(version: str) -> list[Any]:
    """Numbers, words and separators, as distutils' LooseVersion compares them."""
    parts = [
        part for part in re.split(r"(\d+|[a-z]+|\.)", version.strip()) if part not in ("", ".")
    ]
    return [int(part) if part.isdecimal() else part for part in parts]
