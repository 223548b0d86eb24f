"""What is left on the storage of the domain that this deployment made, and whether it may go."""

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
# Types in the metadata of volumes: what the engine keeps there by itself, and the four disks.
BOOKKEEPING = ["DISKTYPE=OVFS", "OVF_STORE"]
DISKS = ["DISKTYPE=HEVD", "DISKTYPE=HESD", "DISKTYPE=HEMD", "DISKTYPE=HECI"]
RECORD = "/var/lib/hosted-engine/deployment.json"


def found(known: own_domain.Own) -> dict[str, Any] | None:
    """
    As ``hosted_engine_clean.storage`` returns it: looked for where it was made; None: nothing.

    Raises CommandExecutionError where an export can't be looked at.
    """
    left = {"storage_domain": known.id, "storage": storage.where(known.storage), "path": None}
    if storage.is_block(known.storage["type"]):
        return None if _is_free(known.storage) else left
    if known.id and (point := mount(known.storage)):
        path = point / known.id
        return left | {"path": str(path)} if volume.exists(path) else None
    seen = storage_probe.inspect(known.storage)
    if not seen["looked"] or seen["domains"] is None:
        return left
    there = {domain["id"] for domain in seen["domains"]}
    return left if (known.id in there if known.id else there) else None


def mount(place: storage.Storage) -> Path | None:
    """Where vdsm mounts it; None: not mounted, whatever directory is there."""
    path = volume.MOUNTS / str(storage.mount_point(place))
    # Not by a look at the path: a dead server would keep that waiting.
    return path if str(path) in mounts.types() else None


def check(path: Path, known: own_domain.Own, ids: Mapping[str, Any] | None) -> None:
    """
    Raise unless a directory is certainly the domain that this deployment made, holds nobody else's
    disk, and no host runs an engine from it. ``ids`` are hosted-engine.conf's; None: there is none.
    """
    named = conf.properties(_read(path / "dom_md" / "metadata")).get("SDUUID", known.id)
    if named != known.id:
        raise CommandExecutionError(
            f"{path} says that it is the storage domain {named}, not {known.id}: not removed"
        )
    if others := _others(path, ids):
        raise CommandExecutionError(
            f"The storage domain {known.id} also holds disks of others: {', '.join(others)}. Move "
            "or remove them in the engine first"
        )
    if ids is None:
        return
    where = ids["disks"]["metadata"]
    volume_path = path / "images" / where["image"] / where["volume"]
    # The engine may run on another host: no VM and no file of this one shows that.
    if volume.exists(volume_path) and (writers := metadata.writers(volume_path)):
        raise CommandExecutionError(f"Its storage isn't removed: {'; '.join(writers)}")


def _others(domain: Path, ids: Mapping[str, Any] | None) -> list[str]:
    """Images that neither this deployment nor the engine's own bookkeeping put there."""
    ours = {disk["image"] for disk in ids["disks"].values()} if ids else set()
    # Before hosted-engine.conf is written nothing names our images; their types are known.
    names = BOOKKEEPING if ids else BOOKKEEPING + DISKS
    return sorted(
        image
        for image, described in _images(domain).items()
        # One that an interrupted run left half made describes itself nowhere.
        if image not in ours and (described or ids) and not any(name in described for name in names)
    )


def refuse_unremovable(known: own_domain.Own) -> None:
    """
    Raise where nothing may be removed: a LUN, which other hosts may use without a trace on
    it, and an export that was empty before a run was interrupted, by now perhaps somebody else's.
    """
    where = storage.where(known.storage)
    if storage.is_block(known.storage["type"]):
        what = f"the storage domain {known.id}" if known.id else "a storage domain, or other data"
        raise CommandExecutionError(
            f"The LUN ({where}) still holds {what}, as far as this host sees, and nothing here "
            "formats a LUN. If nobody needs it: vdsm-client StorageDomain format "
            f"storagedomainID={known.id or 'ID'} autoDetach=true on a host that sees it, or create "
            "the LUN again on the storage. If this host can't see that it's free, remove "
            f"{RECORD} then. Apply this again"
        )
    if not UUID.fullmatch(known.id):
        raise CommandExecutionError(
            f"{where} was empty before a run was interrupted while it made a storage domain there. "
            "What is there now may be that one or somebody else's: remove its directory if nobody "
            f"needs it, then {RECORD}, and apply this again"
        )


def _images(domain: Path) -> dict[str, str]:
    """A domain's images by their ids, and what the metadata of their volumes holds."""
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
        seen = block_devices.luns()
    except CommandExecutionError as error:
        log.warning("LUNs can't be looked at: %s", error)
        return False
    return any(lun["id"] == place["lun"] and lun["status"] == "free" for lun in seen)


def _read(path: Path) -> str:
    return _as_vdsm("cat", str(path)) if volume.exists(path) else ""


def _as_vdsm(*asked: str) -> str:
    """Root may be nobody there (root squash); storage that hangs isn't waited for."""
    # grep: 1 where it found nothing.
    codes = (0, 1) if asked[0] == "grep" else (0,)
    return command.run(*volume.AS_VDSM, *asked, timeout=volume.ASK_SECONDS, codes=codes).stdout
