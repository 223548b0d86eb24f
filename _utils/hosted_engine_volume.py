"""
Volumes of the storage domain: found, measured, read and written past the page cache, as vdsm.

Root may be nobody on the storage (NFS with root squash), and another host must see what we wrote.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from salt.exceptions import CommandExecutionError

# uid and gid of vdsm:kvm, on every host.
AS_VDSM = ("setpriv", "--reuid=36", "--regid=36", "--clear-groups", "--")
BLOCK = 4096
MOUNTS = Path("/rhev/data-center/mnt")
PREPARED = Path("/run/vdsm/storage")


def find(storage_domain: str, image: str, volume: str) -> Path | None:
    """Where a volume is seen on this host; None: its storage isn't connected. Changes nothing."""
    tail = f"{storage_domain}/images/{image}/{volume}"
    patterns = (f"*/{tail}", f"glusterSD/*/{tail}", f"blockSD/{tail}")
    prepared = PREPARED / storage_domain / image / volume
    seen = (path for pattern in patterns for path in MOUNTS.glob(pattern))
    return next((path for path in (prepared, *seen) if path.exists()), None)


def size(path: Path) -> int:
    """Bytes of a file or block device."""
    try:
        if not path.is_block_device():
            return path.stat().st_size
        with path.open("rb") as device:
            return device.seek(0, os.SEEK_END)
    except OSError as error:
        raise CommandExecutionError(f"Measuring {path}: {error}") from error


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
    what = " ".join(("dd", *operands))
    try:
        done = subprocess.run(
            (*AS_VDSM, "dd", "status=none", *operands),
            input=data,
            capture_output=True,
            timeout=timeout,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandExecutionError(f"{what}, as vdsm: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CommandExecutionError(f"{what}, as vdsm: exit code {done.returncode}: {said}")
    return done.stdout
