"""
The storage domain that this deployment made, identified by certain facts, never by its name alone.

Recorded before the engine makes it (its location, which was empty) and afterwards (its id): a kill
in between leaves only the location. This engine's hosted-engine.conf names the domain as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ovirt_he.core import records
from ovirt_he.ha import conf
from ovirt_he.pillar import storage

RECORD = "deployment"
# What identifies a storage later, whatever the pillar then contains; no secrets.
PLACE = (
    *("type", "address", "path", "nfs_version", "mount_options"),
    *("portals", "target", "portal_group", "user", "lun"),
)


class Own(NamedTuple):
    """``id`` is empty until it is recorded that the engine made the domain."""

    id: str
    storage: dict[str, Any]


def known(settings: Mapping[str, Any]) -> Own | None:
    """What this deployment made or was about to make, and where; None: nothing."""
    recorded = records.read(RECORD) or {}
    configured = conf.read()
    # The engine writes the file on additional hosts too, where the domain is another deployment's.
    is_own = records.read("setup") is not None or recorded.get("storage") or recorded.get("healthy")
    if not is_own or configured.get("fqdn") != settings["engine"]["fqdn"]:
        configured = {}
    candidates = (recorded.get("made"), recorded.get("storage_domain"), configured.get("sdUUID"))
    identifier = next((each for each in candidates if each), "")
    place = recorded.get("storage") or _configured(configured)
    if not (identifier or place):
        return None
    current = settings["storage"]
    is_recorded = bool(recorded.get("storage"))
    # The pillar has more keys of a LUN than hosted-engine.conf.
    if not place or (not is_recorded and storage.same(current, storage.location(place))):
        place = _place(current)
    return Own(identifier, place)


def intend(place: Mapping[str, Any]) -> None:
    """Record that a domain is about to be made on storage that was found empty."""
    kept = {key: value for key, value in (records.read(RECORD) or {}).items() if key != "made"}
    records.write(RECORD, kept | {"storage": _place(place)})


def made(identifier: str) -> None:
    """Record the domain that was made."""
    records.update(RECORD, made=identifier)


def forget() -> None:
    """Remove the record: the domain no longer exists."""
    recorded = records.read(RECORD) or {}
    kept = {key: value for key, value in recorded.items() if key not in ("made", "storage")}
    if kept != recorded:
        records.write(RECORD, kept)


def is_pending() -> bool:
    """Whether a domain was about to be made, and no id is recorded."""
    recorded = records.read(RECORD) or {}
    return "storage" in recorded and not recorded.get("made")


def _place(place: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"type"} | storage.KEYS[place["type"]]
    return {key: place[key] for key in PLACE if key in keys and key in place}


def _configured(configured: Mapping[str, str]) -> dict[str, Any]:
    """Its location according to hosted-engine.conf, as far as that contains it."""
    kind = configured.get("domainType", "")
    if kind in storage.MOUNT:
        address, _, path = configured.get("storage", "").partition(":/")
        return {
            "type": kind,
            "address": address.strip("[]"),
            "path": f"/{path}",
            "nfs_version": configured.get("nfs_version") or "auto",
            "mount_options": configured.get("mnt_options", ""),
        }
    if kind == "iscsi":
        return {"type": kind, "target": configured.get("iqn", ""), "lun": ""}
    return {"type": kind, "lun": ""} if kind == "fc" else {}
