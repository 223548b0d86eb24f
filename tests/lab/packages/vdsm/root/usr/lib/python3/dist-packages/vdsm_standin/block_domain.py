"""
Block storage domains: a volume group on a LUN, each volume a block device.

The LUN starts with a label and a table of its volumes, where a real one has LVM's; sizes are whole
extents. Nothing of a volume is written beside it: its facts are in the table, as they are in LVM's
tags and the domain's ``metadata`` volume really.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sanlock

from . import loops, luns, mounts
from .errors import (
    CannotCreateLogicalVolume,
    InaccessiblePhysDev,
    InvalidParameter,
    PhysDevInitializationError,
)
from .layout import MIB, folders, link, metadata, parsed
from .process import run

EXTENT = 128 * MIB
# What a thin volume has at first; it isn't made longer here while its guest runs.
THIN = 2560 * MIB
# A qcow2 of a full disk is longer than the disk.
COW_OVERHEAD = 1.1
LEASES_RESERVED = 100
# Bytes of a domain's special volumes.
SPECIAL = {"metadata": EXTENT, "ids": EXTENT, "inbox": EXTENT, "outbox": EXTENT}
SPECIAL |= {"leases": 2048 * MIB, "xleases": 1024 * MIB, "master": 1024 * MIB}
KIND = "block"


class BlockDomain:
    """A domain on one LUN."""

    kind = KIND

    def __init__(self, lun: Path, domain_id: str) -> None:
        self.id = domain_id
        self._lun = lun
        self._folder = mounts.MOUNTS / "blockSD" / domain_id

    @classmethod
    def find(cls, domain_id: str) -> BlockDomain | None:
        """The domain on a LUN that this host sees, its special volumes active, or None."""
        for device in luns.visible():
            table = luns.table(device.path)
            if table and table["domain"] == domain_id:
                domain = cls(device.path, domain_id)
                domain._produce(table)
                return domain
        return None

    @classmethod
    def create(cls, domain_id: str, name: str, devices: list[str]) -> None:
        """Make one on a free LUN. Raises InaccessiblePhysDev, PhysDevInitializationError."""
        seen = {device.guid: device for device in luns.visible()}
        if lost := [guid for guid in devices if guid not in seen]:
            raise InaccessiblePhysDev((lost,))
        if used := [guid for guid in devices if seen[guid].used]:
            raise PhysDevInitializationError(f"{', '.join(used)} is used")
        if len(devices) != 1:
            raise InvalidParameter(f"{len(devices)} devices: the lab's domains have one")
        lun = seen[devices[0]].path
        table: dict[str, Any] = {"domain": domain_id, "volumes": {}}
        for special, size in SPECIAL.items():
            _allot(lun, table, special, size)
        luns.write_table(lun, table)
        domain = cls(lun, domain_id)
        domain._produce(table)
        text = metadata(domain_id, name, seen[devices[0]].kind, "")
        (loops.DEVICES / domain_id / "metadata").write_bytes(text.encode().ljust(4096, b"\0"))
        sanlock.write_lockspace(domain_id.encode(), domain.ids())

    def _produce(self, table: dict[str, Any]) -> None:
        """What vdsm makes below /rhev of a domain that it sees: links to its special volumes."""
        folders(mounts.MOUNTS / "blockSD", self._folder)
        folders(self._folder / "dom_md", self._folder / "images")
        for special in SPECIAL:
            link(self._folder / "dom_md" / special, self._active(table, special))

    def _active(self, table: dict[str, Any], volume: str) -> Path:
        at = table["volumes"][volume]
        return loops.activate(self.id, volume, self._lun, at["offset"], at["size"])

    def ids(self) -> str:
        """Path of its lockspace."""
        return str(loops.DEVICES / self.id / "ids")

    def metadata(self) -> dict[str, str]:
        """What it says of itself."""
        with (loops.DEVICES / self.id / "metadata").open("rb") as volume:
            return parsed(volume.read(4096).decode().rstrip("\0"))

    def format(self) -> None:
        """Remove it: its label is wiped, its devices go."""
        self.release()
        luns.wipe(self._lun)

    def release(self) -> None:
        """Let go of all of its volumes on this host."""
        for volume in loops.active(self.id):
            loops.deactivate(self.id, volume)
        for folder in (self._folder, loops.DEVICES / self.id):
            shutil.rmtree(folder, ignore_errors=True)

    def stats(self) -> dict[str, int]:
        """Bytes that are free and taken of the volume group."""
        taken = sum(at["size"] for at in self._table()["volumes"].values())
        total = self._lun.stat().st_size // EXTENT * EXTENT - EXTENT
        return {"available": total - taken, "used": taken}

    def images(self) -> list[str]:
        """Ids of its images."""
        found = {at["image"] for at in self._table()["volumes"].values() if "image" in at}
        return sorted(found)

    def volumes(self, image: str) -> list[str]:
        """Ids of an image's volumes."""
        volumes = self._table()["volumes"].items()
        return sorted(name for name, at in volumes if image and at.get("image") == image)

    def has(self, image: str) -> bool:
        """Whether there is such an image."""
        return bool(self.volumes(image))

    def create_volume(self, image: str, volume: str, facts: dict[str, Any], initial: int) -> None:
        """Make a volume by its facts. Raises CannotCreateLogicalVolume where it doesn't fit."""
        thin = facts["TYPE"] == "SPARSE"
        if thin and facts["FORMAT"] == "RAW":
            raise InvalidParameter("a sparse raw volume: a block domain has none")
        with self._changed() as table:
            size = _room(facts["CAP"], facts["FORMAT"] == "COW", thin, initial)
            slots = {at.get("slot") for at in table["volumes"].values()}
            at = _allot(self._lun, table, volume, size)
            slot = next(number for number in range(len(slots) + 1) if number not in slots)
            at |= {"image": image, "slot": slot, "facts": facts}
        lease = self.lease("", image, volume)
        sanlock.write_resource(self.id.encode(), volume.encode(), [lease])
        if facts["FORMAT"] == "COW":
            path = str(self._active(self._table(), volume))
            run("qemu-img", "create", "-qf", "qcow2", "-o", "compat=1.1", path, str(facts["CAP"]))

    def facts(self, _image: str, volume: str) -> dict[str, str]:
        """What the domain's metadata says of a volume."""
        facts = self._table()["volumes"][volume]["facts"]
        return {key: str(value) for key, value in facts.items()}

    def sizes(self, _image: str, volume: str) -> tuple[int, int]:
        """Bytes of a volume; all of them are taken."""
        size = self._table()["volumes"][volume]["size"]
        return size, size

    def show(self, image: str, at: Path) -> None:
        """Make an image's devices, and links to them in the folder ``at``."""
        folders(at)
        for volume in self.volumes(image):
            link(at / volume, self._active(self._table(), volume))

    def lease(self, _path: str, _image: str, volume: str) -> tuple[str, int]:
        """Path and offset of a volume's lease: a slot of the domain's ``leases``."""
        slot = self._table()["volumes"][volume]["slot"]
        return str(loops.DEVICES / self.id / "leases"), (LEASES_RESERVED + slot) * MIB

    def deactivate(self, image: str) -> None:
        """Let go of an image's devices, but for one that a guest has open: that one stays."""
        for volume in self.volumes(image):
            node = loops.DEVICES / self.id / volume
            if node.exists() and not _in_use(node):
                loops.deactivate(self.id, volume)

    def delete(self, image: str, discard: bool) -> None:
        """Remove an image with its volumes, giving their room back to the LUN where asked."""
        with self._changed() as table:
            for volume in self.volumes(image):
                at = table["volumes"].pop(volume)
                loops.deactivate(self.id, volume)
                if discard:
                    luns.discard(self._lun, at["offset"], at["size"])

    def _table(self) -> dict[str, Any]:
        table = luns.table(self._lun)
        assert table, f"{self._lun} lost its label"
        return table

    @contextlib.contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        """The table to change, while no other host changes it; written where all went well."""
        with self._lun.open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self._table()
            yield table
            luns.write_table(self._lun, table)


def _room(size: int, cow: bool, thin: bool, initial: int) -> int:
    """Bytes that a volume takes on a LUN."""
    most = int(size * COW_OVERHEAD) if cow else size
    return min(most, int(initial * COW_OVERHEAD) or THIN) if thin else most


def _allot(lun: Path, table: dict[str, Any], name: str, size: int) -> dict[str, Any]:
    """Give a volume the first gap of the LUN that holds it."""
    size = -(-size // EXTENT) * EXTENT
    taken = sorted((at["offset"], at["size"]) for at in table["volumes"].values())
    start = EXTENT
    for offset, length in [*taken, (lun.stat().st_size // EXTENT * EXTENT, 0)]:
        if offset - start >= size:
            table["volumes"][name] = {"offset": start, "size": size}
            return table["volumes"][name]
        start = max(start, offset + length)
    raise CannotCreateLogicalVolume((table["domain"], name, f"{size} bytes are not free"))


def _in_use(node: Path) -> bool:
    """Whether another process than its holder has a device open."""
    users = subprocess.run(["fuser", node.resolve()], capture_output=True, text=True, check=False)
    return len(users.stdout.split()) > 1
