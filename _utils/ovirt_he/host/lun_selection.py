"""LUNs as the engine or this host sees them: which can hold a storage domain, why others can't."""

from __future__ import annotations

from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.pillar import storage

Lun = dict[str, Any]
# Only the engine reports whether a LUN supports discard.
REPORTED = ("status", "vendor", "product", "serial", "paths", "discard")


def choose(luns: list[Lun], place: storage.Storage, wanted_bytes: int) -> Lun:
    """
    The LUN that the pillar names, or the only one that is free and large enough.

    ``luns``: ``id``, ``size`` (bytes), ``status`` each. Raises CommandExecutionError with all LUNs
    that the host sees, and why each was rejected.
    """
    named = place["lun"]
    fit = [lun for lun in luns if not why_not(lun, wanted_bytes) and named in ("", lun["id"])]
    if len(fit) == 1:
        return fit[0]
    if named:
        there = any(lun["id"] == named for lun in luns)
        what = f"The LUN {named} can't be used" if there else f"The host doesn't see a LUN {named}"
        advice = "Name another one in hosted_engine:storage:lun, or fix it on the storage"
    elif fit:
        what = "Several LUNs could hold the hosted engine"
        advice = "Name the right one in hosted_engine:storage:lun"
    else:
        what = "No LUN could hold the hosted engine"
        advice = "Map a free one that is large enough to this host"
    visible = described(luns, wanted_bytes)
    raise CommandExecutionError(f"{what}. {visible}\n{advice}. No domain was made")


def why_not(lun: Lun, wanted_bytes: int) -> str:
    """Why no domain may be made on a LUN; empty: it may."""
    if lun["status"] != "free":
        home = lun.get("storage_domain") or lun.get("volume_group")
        return f"holds {home}" if home else "holds something"
    if lun["size"] < wanted_bytes:
        return f"too small, {wanted_bytes / storage.GIB:.0f} GiB are needed"
    return ""


def table(luns: list[Lun], kind: str, wanted_bytes: int) -> list[Lun]:
    """The LUNs of a kind for a person to choose from."""
    return [
        {
            "id": lun["id"],
            "size_gib": round(lun["size"] / storage.GIB, 1),
            "why_not": why_not(lun, wanted_bytes),
            **{key: lun.get(key) for key in REPORTED},
        }
        for lun in sorted(luns, key=lambda one: str(one["id"]))
        if lun["type"] == kind
    ]


def described(luns: list[Lun], wanted_bytes: int) -> str:
    """All LUNs as an error lists them, one per line."""
    if not luns:
        return "This host sees none"
    lines = []
    for lun in sorted(luns, key=lambda one: str(one["id"])):
        made_by = " ".join(filter(None, (lun.get("vendor"), lun.get("product"))))
        size = f"{lun['size'] / storage.GIB:.1f} GiB"
        facts = filter(None, (size, lun["status"], made_by, why_not(lun, wanted_bytes)))
        lines.append(f"- {lun['id']}: {', '.join(facts)}")
    return "This host sees:\n" + "\n".join(lines)
