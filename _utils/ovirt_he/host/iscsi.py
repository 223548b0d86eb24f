"""
Targets and LUNs as this host's own tools see them, before there is an engine to ask.

Nothing is changed: no target is logged in to, and no record of iscsiadm is left behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records
from ovirt_he.core.text import Secret
from ovirt_he.pillar import storage as kinds

# iscsiadm's records of discoveries: EL's place, and Debian's.
DISCOVERIES = (Path("/var/lib/iscsi/send_targets"), Path("/etc/iscsi/send_targets"))
BLOCK_DEVICES = Path("/sys/block")
COLUMNS = "NAME,KNAME,TYPE,SIZE,WWN,VENDOR,MODEL,SERIAL,TRAN,FSTYPE,MOUNTPOINT"
TRANSPORTS = {"iscsi": "iscsi", "fc": "fc", "fcoe": "fc"}
# udev's mark of a path that multipath takes, whether its map is there yet or not.
PATH_OF_A_MAP = "mpath_member"
PACKAGE = "iscsi-initiator-utils (EL) or open-iscsi"
ADVICE = "Look at storage:portals, storage:discovery_user and the target's access list"
# Its own reason comes after 6 attempts of 15 s, a portal that swallows packets.
ISCSIADM_SECONDS = 120


def targets(storage: kinds.Storage, password: Secret | None) -> list[dict[str, Any]]:
    """
    What the pillar's first portal tells: ``target``, ``address``, ``port``, ``portal`` (group).

    Raises CommandExecutionError where iscsiadm is missing, or the portal doesn't answer or refuses.
    """
    address, port = kinds.portals(storage)[0]
    portal = kinds.shown_portal(address, port)
    ask = ("iscsiadm", "-m", "discoverydb", "-t", "sendtargets", "-p", portal)
    if not (storage["discovery_user"] and password):
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
            _authenticate(path, storage["discovery_user"], password)
        told = _iscsiadm(*ask, "-o", "nonpersistent", "--discover")
    finally:
        _iscsiadm(*ask, "-o", "delete")
    return list(_listed(told))


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


def devices() -> list[dict[str, Any]]:
    """
    LUNs that the host has as devices: ``id``, ``type``, ``size`` (bytes), ``status``, ``vendor``,
    ``product``, ``serial``, ``paths``. Those of a target appear once somebody logged in to it.

    Raises CommandExecutionError where lsblk is missing, or answers something else.
    """
    told = command.run(
        "lsblk", "--json", "--bytes", "--output", COLUMNS, package="util-linux"
    ).stdout
    found: dict[str, dict[str, Any]] = {}
    try:
        paths = [one for one in json.loads(told)["blockdevices"] if one.get("tran") in TRANSPORTS]
        # A path whose map isn't there, or not yet, is one to the same LUN as the others.
        mapped = {path.get("wwn"): _identifier(path) for path in paths if _map(path)}
        for path in paths:
            identifier = mapped.get(path.get("wwn") or "none") or _identifier(path)
            _add_path(found.setdefault(identifier, {"id": identifier, "paths": 0}), path)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise CommandExecutionError(
            f"lsblk's answer isn't the JSON of block devices ({type(error).__name__}: {error}): "
            f"{told[:200]!r}. Look at: lsblk --json --bytes --output {COLUMNS}"
        ) from error
    return list(found.values())


def _map(path: dict[str, Any]) -> dict[str, Any] | None:
    """What multipath made of a path, if it did."""
    children = path.get("children") or []
    return next((child for child in children if child.get("type") == "mpath"), None)


def _add_path(lun: dict[str, Any], path: dict[str, Any]) -> None:
    """What one path says of its LUN; what lies on it shows at the map, if there is one."""
    top = _map(path) or path
    content = top.get("fstype") not in (None, "", PATH_OF_A_MAP)
    used = content or top.get("mountpoint") or top.get("children") or lun.get("status") == "used"
    lun |= {
        "type": TRANSPORTS[path["tran"]],
        "size": int(path.get("size") or 0),
        "status": "used" if used else "free",
        "vendor": (path.get("vendor") or "").strip(),
        "product": (path.get("model") or "").strip(),
        "serial": path.get("serial"),
        "paths": lun["paths"] + 1,
    }


def _identifier(path: dict[str, Any]) -> str:
    """
    As multipath names the LUN, and so the engine does: its UUID, else from the device's own name.
    """
    name = str((_map(path) or path).get("kname"))
    uuid = records.read_file(BLOCK_DEVICES / name / "dm" / "uuid").strip()
    if uuid.startswith("mpath-"):
        return uuid.removeprefix("mpath-")
    # 3 says that it is an NAA name, as scsi_id writes it. Without one it's only this host's device.
    wwn = str(path.get("wwn") or "").removeprefix("0x")
    return f"3{wwn}" if wwn else str(path.get("kname"))
