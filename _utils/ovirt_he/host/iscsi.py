"""
iSCSI targets as iscsiadm discovers them, before there is an engine to ask.

Nothing is changed: no target is logged in to, and no record of iscsiadm is left behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records
from ovirt_he.core.text import Secret
from ovirt_he.pillar import storage

# iscsiadm's records of discoveries: EL's place, and Debian's.
DISCOVERIES = (Path("/var/lib/iscsi/send_targets"), Path("/etc/iscsi/send_targets"))
PACKAGE = "iscsi-initiator-utils (EL) or open-iscsi"
ADVICE = "Look at storage:portals, storage:discovery_user and the target's access list"
# Against a portal that drops packets it makes 6 attempts of 15 s before it reports why.
ISCSIADM_SECONDS = 120


def targets(place: storage.Storage, password: Secret | None) -> list[dict[str, Any]]:
    """
    What the first portal offers: ``target``, ``address``, ``port``, ``portal`` (its group).

    Raises CommandExecutionError where iscsiadm is missing, or the portal doesn't answer or refuses.
    """
    address, port = storage.portals(place)[0]
    portal = storage.shown_portal(address, port)
    ask = ("iscsiadm", "-m", "discoverydb", "-t", "sendtargets", "-p", portal)
    if not (place["discovery_user"] and password):
        return list(_listed(_iscsiadm(*ask, "-o", "nonpersistent", "--discover")))
    if is_recorded(address, port):
        raise CommandExecutionError(
            f"iscsiadm has a record of the portal {portal} already, and it isn't changed here: its "
            f"own user and password count. Remove it by: {' '.join(ask)} -o delete"
        )
    before = _records()
    _iscsiadm(*ask, "-o", "new")
    try:
        for path in _records() - before:
            _authenticate(path, place["discovery_user"], password)
        output = _iscsiadm(*ask, "-o", "nonpersistent", "--discover")
    finally:
        _iscsiadm(*ask, "-o", "delete")
    return list(_listed(output))


def _iscsiadm(*arguments: str) -> str:
    return command.run(*arguments, timeout=ISCSIADM_SECONDS, advice=ADVICE, package=PACKAGE).stdout


def is_recorded(address: str, port: int) -> bool:
    """Whether iscsiadm has a record of a portal: its -o new would write over it."""
    return any(path.parent.name == f"{address},{port}" for path in _records())


def _records() -> set[Path]:
    return {path for folder in DISCOVERIES for path in folder.glob("*/st_config")}


def _authenticate(path: Path, user: str, password: Secret) -> None:
    """Into iscsiadm's own file, which only root reads: its arguments would show in ps."""
    prefix = "discovery.sendtargets.auth."
    values = {"authmethod": "CHAP", "username": user, "password": password.value}
    kept = [
        line
        for line in records.read_file(path).splitlines()
        if not line.startswith(tuple(prefix + name for name in values))
    ]
    lines = [f"{prefix}{name} = {value}" for name, value in values.items()]
    # Before the end of the record, which is a comment that iscsiadm looks for.
    end = next((n for n, line in enumerate(kept) if line.startswith("# END")), len(kept))
    kept[end:end] = lines
    records.write_file(path, "".join(f"{line}\n" for line in kept))


def _listed(text: str) -> Iterator[dict[str, Any]]:
    """``ADDRESS:PORT,GROUP TARGET`` lines; IPv6 in brackets."""
    for line in text.splitlines():
        if found := re.match(r"(\S+):(\d+),(-?\d+)\s+(\S+)$", line.strip()):
            address, port, group, target = found.groups()
            yield {
                "target": target,
                "address": address.strip("[]"),
                "port": int(port),
                "portal": group,
            }
