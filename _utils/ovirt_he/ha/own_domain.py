"""
The storage domain that this deployment made: what is certain of it, never its name alone.

Recorded before the engine is asked for it (where, and that nothing lay there) and after (its id): a
kill in between leaves the first half. hosted-engine.conf of this engine names it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ovirt_he.core import records as record
from ovirt_he.ha import archive
from ovirt_he.ha import config_files as files
from ovirt_he.pillar import storage as kinds

RECORD = "deployment"
# What finds a storage again, whatever the pillar says by then; no secret is among it.
PLACE = (
    *("type", "address", "path", "nfs_version", "mount_options"),
    *("portals", "target", "portal_group", "user", "lun"),
)


class Own(NamedTuple):
    """``id`` is empty while it isn't known whether the engine made it."""

    id: str
    storage: dict[str, Any]


def known(settings: Mapping[str, Any]) -> Own | None:
    """What this deployment made or was about to make, and where; None: nothing."""
    recorded = record.read(RECORD) or {}
    conf = archive.properties(record.read_file(files.CONFIGURATION))
    # A further host has the file too, from the engine: there the domain isn't that host's own.
    began = record.read("setup") is not None or recorded.get("storage") or recorded.get("healthy")
    if not began or conf.get("fqdn") != settings["engine"]["fqdn"]:
        conf = {}
    named = (recorded.get("made"), recorded.get("storage_domain"), conf.get("sdUUID"))
    identifier = next((each for each in named if each), "")
    place = recorded.get("storage") or _configured(conf)
    if not (identifier or place):
        return None
    wanted = settings["storage"]
    # The pillar knows more of a LUN than hosted-engine.conf.
    if not place or (not recorded.get("storage") and kinds.same(wanted, kinds.connection(place))):
        place = _place(wanted)
    return Own(identifier, place)


def intend(storage: Mapping[str, Any]) -> None:
    """Record that a domain is about to be made on storage that was seen empty."""
    kept = {key: value for key, value in (record.read(RECORD) or {}).items() if key != "made"}
    record.write(RECORD, kept | {"storage": _place(storage)})


def made(identifier: str) -> None:
    """Record the domain that was made."""
    record.update(RECORD, made=identifier)


def forget() -> None:
    """Nothing is there any more."""
    recorded = record.read(RECORD) or {}
    kept = {key: value for key, value in recorded.items() if key not in ("made", "storage")}
    if kept != recorded:
        record.write(RECORD, kept)


def is_pending() -> bool:
    """Whether a domain was about to be made, and no id is recorded."""
    recorded = record.read(RECORD) or {}
    return "storage" in recorded and not recorded.get("made")


def _place(storage: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"type"} | kinds.KEYS[storage["type"]]
    return {key: storage[key] for key in PLACE if key in wanted and key in storage}


def _configured(conf: Mapping[str, str]) -> dict[str, Any]:
    """Where hosted-engine.conf has it, as far as it says."""
    kind, storage = conf.get("domainType", ""), conf.get("storage", "")
    if kind in kinds.MOUNT:
        address, _, path = storage.partition(":/")
        return {
            "type": kind,
            "address": address.strip("[]"),
            "path": f"/{path}",
            "nfs_version": conf.get("nfs_version") or "auto",
            "mount_options": conf.get("mnt_options", ""),
        }
    if kind == "iscsi":
        return {"type": kind, "target": conf.get("iqn", ""), "lun": ""}
    return {"type": kind, "lun": ""} if kind == "fc" else {}
