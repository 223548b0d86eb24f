"""Compatibility versions and CPU types: what the engine offers, and what stays as it is."""

from __future__ import annotations

import re
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core.state import Facts
from ovirt_he.engine import types


def version_of(entity: Any) -> str | None:
    """The compatibility version of a data center or cluster, such as 4.7."""
    return f"{entity.version.major}.{entity.version.minor}" if entity.version else None


def version(api: Any, key: str, wanted: str) -> Any:
    """
    ``wanted`` as the SDK's version; None for an empty one.

    Raises CommandExecutionError for one that the engine doesn't offer, with those that it does.
    """
    if not wanted:
        return None
    levels = _levels(api)
    if wanted not in levels:
        offered = ", ".join(sorted(levels, key=_number))
        raise CommandExecutionError(
            f"hosted_engine:{key}: the engine has no compatibility version {wanted}; "
            f"it offers {offered}"
        )
    major, minor = _number(wanted)
    return types.Version(major=major, minor=minor)


def cpu(api: Any, level: str, wanted: str) -> Any:
    """
    ``wanted`` as the SDK's CPU of a cluster of that version; None for an empty one.

    Raises CommandExecutionError for a type that the version doesn't have, with those that it has.
    """
    if not wanted:
        return None
    offered = _levels(api).get(level, [])
    if wanted not in offered:
        raise CommandExecutionError(
            f"hosted_engine:cluster:cpu_type: clusters of version {level} have no CPU type "
            f"{wanted!r}; they offer {', '.join(offered)}"
        )
    return types.Cpu(type=wanted)


def machine(listed: Any, supported: Any, chipset: str) -> str | None:
    """
    The first machine type of a chipset that a list of the engine's has and a host supports.

    Both are lists or text; a host that reports none supports all.

    >>> machine("[pc-q35-rhel9.6.0, pc-i440fx-2.12, pc-q35-4.1]", ["pc-i440fx-2.12"], "i440fx")
    'pc-i440fx-2.12'
    >>> machine("pc-q35-rhel9.6.0,pc-i440fx-2.12", "pc-i440fx-2.12,pc-q35-4.1", "q35")
    """
    available = _words(supported)
    fitting = (each for each in _words(listed) if f"-{chipset}-" in each)
    return next((each for each in fitting if not available or each in available), None)


def _words(listed: Any) -> list[str]:
    return re.findall(r"[\w.-]+", listed if isinstance(listed, str) else " ".join(listed or ()))


def kept(now: Facts, requested: Facts) -> str:
    """
    What stays different from what was requested; empty where nothing does.

    >>> kept({"version": "4.7"}, {"version": "4.6"})
    'In use with version 4.7, not 4.6: it stays so'
    """
    differs = [
        f"{fact} {now[fact]}, not {value}"
        for fact, value in requested.items()
        if value and now[fact] != value
    ]
    return f"In use with {' and '.join(differs)}: it stays so" if differs else ""


def _levels(api: Any) -> dict[str, list[str]]:
    return {
        level.id: [cpu_type.name for cpu_type in level.cpu_types or ()]
        for level in api.cluster_levels_service().list()
    }


def _number(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
