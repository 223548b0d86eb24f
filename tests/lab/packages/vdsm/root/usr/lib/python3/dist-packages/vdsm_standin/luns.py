"""
The LUNs that this host sees: by iSCSI those of its sessions, by Fibre Channel all.

Who may see what, and what a LUN says of itself, is the target's business, over the wire. For the
blocks this kernel has no initiator: they are read and written in the target's own image.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from iscsi_standin import sessions
from iscsi_standin.wire import Address

from .layout import MIB

IMAGES = Path("/srv/san")
LABEL_AT, LABEL = 512, b"LABELONE"
# LIO's, as many arrays have their own.
FC_PREFIX = "36001405"
PUNCH_HOLE, KEEP_SIZE = 2, 1


class Lun(NamedTuple):
    """One LUN; capacity in bytes, ``group`` the domain on it or empty."""

    guid: str
    path: Path
    kind: str
    capacity: int
    vendor: str
    product: str
    serial: str
    discard: bool
    paths: list[Address]

    @property
    def used(self) -> bool:
        """Whether anything is at its start: a domain's label, a partition table, a file system."""
        with self.path.open("rb") as image:
            return any(image.read(MIB))


def visible() -> list[Lun]:
    """All of them, each once."""
    found = [
        Lun(unit.guid, IMAGES / f"{unit.serial}.img", "iSCSI", *unit[1:], paths)
        for unit, paths in sessions.units()
    ]
    for path in sorted(IMAGES.glob("fc-*.img")):
        guid = FC_PREFIX + hashlib.sha256(path.stem.encode()).hexdigest()[:25]
        size = path.stat().st_size
        found.append(Lun(guid, path, "FCP", size, "LAB", "Disk", path.stem, True, []))
    return found


def listed(**_others: object) -> list[dict[str, Any]]:
    """``Host.getDeviceList``."""
    return [
        {
            "GUID": lun.guid,
            "capacity": lun.capacity,
            "vendorID": lun.vendor,
            "productID": lun.product,
            "serial": lun.serial,
            "devtype": lun.kind,
            "status": "used" if lun.used else "free",
            "vgUUID": (table(lun.path) or {}).get("domain", ""),
            "pathstatus": [
                {"connection": at.address, "port": at.port, "portal": at.group, "iqn": at.target}
                for at in lun.paths
            ],
            "discard": lun.discard,
        }
        for lun in visible()
    ]


def table(lun: Path) -> dict[str, Any] | None:
    """The volumes of the domain on a LUN; None where there is no domain."""
    with lun.open("rb") as image:
        start = image.read(MIB)[LABEL_AT:]
    return json.loads(start[len(LABEL) :].rstrip(b"\0")) if start.startswith(LABEL) else None


def write_table(lun: Path, content: dict[str, Any]) -> None:
    """Write it, with the label before it."""
    text = LABEL + json.dumps(content).encode()
    with lun.open("r+b") as image:
        image.seek(LABEL_AT)
        image.write(text.ljust(MIB - LABEL_AT, b"\0"))
        image.flush()
        os.fsync(image.fileno())


def wipe(lun: Path) -> None:
    """Make a LUN a free one."""
    with lun.open("r+b") as image:
        image.write(bytes(MIB))


def discard(lun: Path, offset: int, size: int) -> None:
    """Give a range of a LUN back."""
    libc = ctypes.CDLL(None, use_errno=True)
    with lun.open("r+b") as image:
        mode = PUNCH_HOLE | KEEP_SIZE
        off = ctypes.c_int64
        if libc.fallocate(image.fileno(), mode, off(offset), off(size)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(lun))
