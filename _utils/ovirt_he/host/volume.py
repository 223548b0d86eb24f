"""
Volumes of the storage domain: found, measured, read and written as vdsm, with direct I/O.

Root may be nobody on the storage (NFS with root squash), and another host must see what we wrote.
Storage may hang: only child processes touch it, which are left behind after their time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.pillar import storage

# uid and gid of vdsm:kvm, on every host.
AS_VDSM = ("setpriv", "--reuid=36", "--regid=36", "--clear-groups", "--")
BLOCK = 4096
MOUNTS = Path("/rhev/data-center/mnt")
PREPARED = Path("/run/vdsm/storage")
# For a question that storage answers at once, on a host under load.
ASK_SECONDS = 20


def find(
    storage_domain: str, image: str, volume: str, place: storage.Storage | None = None
) -> Path | None:
    """
    Where a volume is seen on this host; None: its storage isn't connected. Changes nothing.

    Only the mount of ``storage`` (the pillar's) is touched, whose domain it is; without it, each
    mount is asked by itself.

    Raises CommandExecutionError where the volume isn't found, and storage doesn't answer.
    """
    unknown = None
    for path in _candidates(storage_domain, image, volume, place):
        try:
            if exists(path):
                return path
        except CommandExecutionError as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return None


def _candidates(
    storage_domain: str, image: str, volume: str, place: storage.Storage | None
) -> Iterator[Path]:
    """The path that vdsm prepared first: nothing else is asked then. A LUN's has no other one."""
    yield PREPARED / storage_domain / image / volume
    tail = Path(storage_domain, "images", image, volume)
    if place is None:
        yield from (path / tail for path in _mounts())
    elif (name := storage.mount_point(place)) is not None:
        yield MOUNTS / name / tail


def _mounts() -> list[Path]:
    """By their names alone: what a mount holds isn't looked at."""
    found = []
    for folder in (MOUNTS, MOUNTS / "glusterSD"):
        try:
            found += [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CommandExecutionError(f"Listing {folder}: {error}") from error
    return [path for path in found if path.name not in ("glusterSD", "blockSD")]


def exists(path: Path) -> bool:
    """
    Whether a path is there, asked in a process of its own: its storage may hang.

    Raises CommandExecutionError where that isn't known: a stale mount, no right to pass, no answer
    within 20 s.
    """
    return _status(path) is not None


def is_block_device(path: Path) -> bool:
    """Whether it's a block device. Raises CommandExecutionError where it isn't there."""
    return stat.S_ISBLK(_there(path)[0])


def size(path: Path) -> int:
    """Bytes of a file or block device."""
    mode, length = _there(path)
    if not stat.S_ISBLK(mode):
        return length
    asked = (*AS_VDSM, "blockdev", "--getsize64", str(path))
    return int(command.run_binary(*asked, timeout=ASK_SECONDS).stdout)


def _there(path: Path) -> tuple[int, int]:
    found = _status(path)
    if found is None:
        raise CommandExecutionError(f"{path}: No such file or directory")
    return found


def _status(path: Path) -> tuple[int, int] | None:
    """Mode and size of what a path leads to; None where there is nothing."""
    asked = (*AS_VDSM, "stat", "--dereference", "--format=%f %s", "--", str(path))
    done = command.run_binary(*asked, timeout=ASK_SECONDS, codes=(0, 1))
    if done.returncode == 0:
        mode, length = done.stdout.split()
        return int(mode, 16), int(length)
    reason = done.stderr.decode(errors="replace").strip()
    if reason.endswith((": No such file or directory", ": Not a directory")):
        return None
    raise CommandExecutionError(f"{path}, as vdsm: {reason}")


def read(path: Path, length: int, timeout: float = 120) -> bytes:
    """The first ``length`` bytes (a multiple of 4096), by direct I/O."""
    data = _dd(f"if={path}", f"bs={length}", "count=1", "iflag=direct,fullblock", timeout=timeout)
    if len(data) != length:
        raise CommandExecutionError(f"{path}: {len(data)} bytes read, {length} wanted")
    return data


def write(path: Path, data: bytes, timeout: float = 120) -> None:
    """Write ``data`` (a multiple of 4096 bytes) to the start, by direct I/O, synced."""
    if len(data) % BLOCK:
        raise ValueError(f"{len(data)} bytes aren't whole blocks of {BLOCK}")
    _dd(
        f"of={path}",
        f"bs={len(data)}",
        "count=1",
        "iflag=fullblock",
        "oflag=direct",
        "conv=notrunc,nocreat,fsync",
        data=data,
        timeout=timeout,
    )


def _dd(*operands: str, timeout: float, data: bytes = b"") -> bytes:
    arguments = (*AS_VDSM, "dd", "status=none", *operands)
    return command.run_binary(*arguments, stdin=data, timeout=timeout).stdout
