"""What is left on the storage of this deployment's domain, and whether it may be removed."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.ha import conf, metadata, own_domain
from ovirt_he.host import block_devices, mounts, storage_probe, volume
from ovirt_he.pillar import storage

log = logging.getLogger(__name__)

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Types in the metadata of volumes: the engine's own bookkeeping, and the four disks.
BOOKKEEPING = ["DISKTYPE=OVFS", "OVF_STORE"]
DISKS = ["DISKTYPE=HEVD", "DISKTYPE=HESD", "DISKTYPE=HEMD", "DISKTYPE=HECI"]
RECORD = "/var/lib/hosted-engine/deployment.json"


def found(known: own_domain.Own) -> dict[str, Any] | None:
    """
    What ``hosted_engine_clean.storage`` returns; None: nothing.

    Raises CommandExecutionError where an export can't be looked at.
    """
    left = {"storage_domain": known.id, "storage": storage.where(known.storage), "path": None}
    if storage.is_block(known.storage["type"]):
        return None if _is_free(known.storage) else left
    if known.id and (point := mount(known.storage)):
        path = point / known.id
        return left | {"path": str(path)} if volume.exists(path) else None
    inspected = storage_probe.inspect(known.storage)
    if not inspected["looked"] or inspected["domains"] is None:
        return left
    domains = {domain["id"] for domain in inspected["domains"]}
    return left if (known.id in domains if known.id else domains) else None


def mount(place: storage.Storage) -> Path | None:
    """Where vdsm mounts it; None: not mounted, even if the directory exists."""
    path = volume.MOUNTS / str(storage.mount_point(place))
    # Not by a stat of the path, which a dead server would block.
    return path if str(path) in mounts.types() else None


def check(path: Path, known: own_domain.Own, ids: Mapping[str, Any] | None) -> None:
    """
    Raise unless a directory is certainly this deployment's domain, holds no other disks, and no
    host runs an engine from it. ``ids`` are hosted-engine.conf's; None: there is none.
    """
    named = conf.properties(_read(path / "dom_md" / "metadata")).get("SDUUID", known.id)
    if named != known.id:
        raise CommandExecutionError(
            f"The metadata of {path} name the storage domain {named}, not {known.id}: not removed"
        )
    if others := _others(path, ids):
        raise CommandExecutionError(
            f"The storage domain {known.id} also holds other disks: {', '.join(others)}. Move "
            "or remove them in the engine first"
        )
    if ids is None:
        return
    where = ids["disks"]["metadata"]
    volume_path = path / "images" / where["image"] / where["volume"]
    # The engine may run on another host, which no VM and no file of this host shows.
    if volume.exists(volume_path) and (writers := metadata.writers(volume_path)):
        raise CommandExecutionError(f"Its storage isn't removed: {'; '.join(writers)}")


def _others(domain: Path, ids: Mapping[str, Any] | None) -> list[str]:
    """Images that belong neither to this deployment nor to the engine's bookkeeping."""
    own = {disk["image"] for disk in ids["disks"].values()} if ids else set()
    # Before hosted-engine.conf is written only their types identify this deployment's images.
    names = BOOKKEEPING if ids else BOOKKEEPING + DISKS
    return sorted(
        image
        for image, described in _images(domain).items()
        # An image that an interrupted run left incomplete has no metadata.
        if image not in own and (described or ids) and not any(name in described for name in names)
    )


def refuse_unremovable(known: own_domain.Own) -> None:
    """
    Raise where nothing may be removed: a LUN, which other hosts may use without leaving traces, and
    an export that was empty before a run was interrupted, and may hold others' data by now.
    """
    where = storage.where(known.storage)
    if storage.is_block(known.storage["type"]):
        what = f"the storage domain {known.id}" if known.id else "a storage domain, or other data"
        raise CommandExecutionError(
            f"The LUN ({where}) still holds {what}, as far as this host sees, and the "
            "formula formats no LUN. If nobody needs it: vdsm-client StorageDomain format "
            f"storagedomainID={known.id or 'ID'} autoDetach=true on a host that sees it, or create "
            "the LUN again on the storage. If this host can't see that it's free, remove "
            f"{RECORD} then. Apply this again"
        )
    if not UUID.fullmatch(known.id):
        raise CommandExecutionError(
            f"{where} was empty before a run was interrupted while it made a storage domain there. "
            "Its content now may be that domain or another one: remove its directory if nobody "
            f"needs it, then {RECORD}, and apply this again"
        )


def _images(domain: Path) -> dict[str, str]:
    """A domain's images by their ids, with the metadata of their volumes."""
    folder = domain / "images"
    if not volume.exists(folder):
        return {}
    listed = _as_vdsm("find", str(folder), "-mindepth", "1", "-maxdepth", "1", "-printf", "%f\\n")
    found = dict.fromkeys(listed.splitlines(), "")
    for line in _as_vdsm("grep", "-rH", "", "--include=*.meta", str(folder)).splitlines():
        name, _, text = line.removeprefix(f"{folder}/").partition(".meta:")
        found[name.partition("/")[0]] += f"{text}\n"
    return found


def _is_free(place: storage.Storage) -> bool:
    """Whether this host sees the LUN, and nothing on it."""
    try:
        luns = block_devices.luns()
    except CommandExecutionError as error:
        log.warning("LUNs can't be looked at: %s", error)
        return False
    return any(lun["id"] == place["lun"] and lun["status"] == "free" for lun in luns)


def _read(path: Path) -> str:
    return _as_vdsm("cat", str(path)) if volume.exists(path) else ""


def _as_vdsm(*argv: str) -> str:
    """As vdsm, since root may be squashed; with a time limit, since storage may hang."""
    # grep exits with 1 where it finds nothing.
    codes = (0, 1) if argv[0] == "grep" else (0,)
    return command.run(*volume.AS_VDSM, *argv, timeout=volume.ASK_SECONDS, codes=codes).stdout
