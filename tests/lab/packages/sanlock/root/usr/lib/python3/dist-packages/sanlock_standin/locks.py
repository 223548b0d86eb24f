"""Locks on one sector of what lies on the storage, which all hosts see the same."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from vdsm_standin import direct

LOCK = struct.Struct("hhqqi4x")


def backing(path: str) -> tuple[str, int]:
    """
    What a path's bytes really lie in, and from where on: a file is itself.

    A block device is each host's own, so that no lock on it is seen elsewhere; its LUN is shared.
    """
    if not direct.is_block(path):
        return path, 0
    loop = Path("/sys/block") / Path(path).resolve().name / "loop"
    return (loop / "backing_file").read_text().strip(), int((loop / "offset").read_text())


def take(descriptor: int, offset: int) -> bool:
    """Lock a sector for as long as the descriptor is open; False while another one has it."""
    wanted = LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, offset, direct.SECTOR, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except BlockingIOError:
        return False
    return True
