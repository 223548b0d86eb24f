"""
The storage domain that this deployment made, known by what is certain, never by its name alone.

Recorded before the engine is asked for it (where, and that nothing lay there) and after (its id): a
kill in between leaves the first half. hosted-engine.conf of this engine names it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ovirt_he.core import records
from ovirt_he.ha import conf
from ovirt_he.pillar import storage

RECORD = "deployment"
# What finds a storage again, whatever the pillar says by then; no secret is among it.
PLACE = (
    *("type", "address", "path", "nfs_version", "mount_options"),
    *("portals", "target", "portal_group", "user", "lun"),
)


class Own(NamedTuple):
    """``id`` is empty until the engine is known to have made it."""

    id: str
    storage: dict[str, Any]


def known(settings: Mapping[str, Any]) -> Own | None:
    """What this deployment made or was about to make, and where; None: nothing."""
    recorded = records.read(RECORD) or {}
    configured = conf.read()
    # A further host has the file too, from the engine: there the domain isn't that host's own.
    began = records.read("setup") is not None or recorded.get("storage") or recorded.get("healthy")
    if not began or configured.get("fqdn") != settings["engine"]["fqdn"]:
        configured = {}
    named = (recorded.get("made"), recorded.get("storage_domain"), configured.get("sdUUID"))
    identifier = next((each for each in named if each), "")
    place = recorded.get("storage") or _configured(configured)
    if not (identifier or place):
        return None
    wanted = settings["storage"]
    is_recorded = bool(recorded.get("storage"))
    # The pillar knows more of a LUN than hosted-engine.conf.
    if not place or (not is_recorded and storage.same(wanted, storage.location(place))):
        place = _place(wanted)
    return Own(identifier, place)


def intend(place: Mapping[str, Any]) -> None:
    """Record that a domain is about to be made on storage that was seen empty."""
    kept = {key: value for key, value in (records.read(RECORD) or {}).items() if key != "made"}
    records.write(RECORD, kept | {"storage": _place(place)})


def made(identifier: str) -> None:
    """Record the domain that was made."""
    records.update(RECORD, made=identifier)


def forget() -> None:
    """Nothing is there any more."""
    recorded = records.read(RECORD) or {}
    kept = {key: value for key, value in recorded.items() if key not in ("made", "storage")}
    if kept != recorded:
        records.write(RECORD, kept)


def is_pending() -> bool:
    """Whether a domain was about to be made, and no id is recorded."""
    recorded = records.read(RECORD) or {}
    return "storage" in recorded and not recorded.get("made")


def _place(place: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"type"} | storage.KEYS[place["type"]]
    return {key: place[key] for key in PLACE if key in wanted and key in place}


def _configured(configured: Mapping[str, str]) -> dict[str, Any]:
    """Where it is by hosted-engine.conf, as far as that says."""
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
