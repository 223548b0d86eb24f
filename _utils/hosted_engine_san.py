"""
Targets and LUNs as this host sees them by its own tools, before an engine is there to ask.

Nothing is changed: no target is logged in to, and no record of iscsiadm is left behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hosted_engine_command as command
import hosted_engine_record as record
import hosted_engine_storage as kinds
from hosted_engine_state import Secret
from salt.exceptions import CommandExecutionError

# iscsiadm's records of discoveries: EL's place, and Debian's.
DISCOVERIES = (Path("/var/lib/iscsi/send_targets"), Path("/etc/iscsi/send_targets"))
BLOCK_DEVICES = Path("/sys/block")
COLUMNS = "NAME,KNAME,TYPE,SIZE,WWN,VENDOR,MODEL,SERIAL,TRAN,FSTYPE,MOUNTPOINT"
TRANSPORTS = {"iscsi": "iscsi", "fc": "fc", "fcoe": "fc"}
TOOLS = "It comes with iscsi-initiator-utils (EL) or open-iscsi"


def targets(storage: kinds.Storage, password: Secret | None) -> list[dict[str, Any]]:
    """
    What the pillar's first portal tells: ``target``, ``address``, ``port``, ``portal`` (group).

    Raises CommandExecutionError where iscsiadm is missing, or the portal doesn't answer or refuses.
    """
    address, port = kinds.portals(storage)[0]
    portal = kinds.shown_portal(address, port)
    ask = ("iscsiadm", "-m", "discoverydb", "-t", "sendtargets", "-p", portal)
    advice = (
        f"{TOOLS}. Look at storage:portals, storage:discovery_user and the target's access list"
    )
    if not (storage["discovery_user"] and password):
        told = command.run(*ask, "-o", "nonpersistent", "--discover", advice=advice)
        return list(_listed(told.stdout))
    before = _records()
    # Its -o new would write over it.
    if any(path.parent.name == f"{address},{port}" for path in before):
        raise CommandExecutionError(
            f"iscsiadm has a record of the portal {portal} already, and it isn't changed here: its "
            f"own user and password count. Remove it by: {' '.join(ask)} -o delete"
        )
    command.run(*ask, "-o", "new", advice=advice)
    try:
        for path in _records() - before:
            _authenticate(path, storage["discovery_user"], password)
        told = command.run(*ask, "-o", "nonpersistent", "--discover", advice=advice)
    finally:
        command.run(*ask, "-o", "delete")
    return list(_listed(told.stdout))


def _records() -> set[Path]:
    return {path for folder in DISCOVERIES for path in folder.glob("*/st_config")}


def _authenticate(path: Path, user: str, password: Secret) -> None:
    """Into iscsiadm's own file, which only root reads: its arguments would show in ps."""
    prefix = "discovery.sendtargets.auth."
    values = {"authmethod": "CHAP", "username": user, "password": password.value}
    kept = [
        line
        for line in record.read_file(path).splitlines()
        if not line.startswith(tuple(prefix + name for name in values))
    ]
    lines = [f"{prefix}{name} = {value}" for name, value in values.items()]
    # Before the end of the record, which is a comment that iscsiadm looks for.
    end = next((n for n, line in enumerate(kept) if line.startswith("# END")), len(kept))
    kept[end:end] = lines
    record.write_file(path, "".join(f"{line}\n" for line in kept))


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
    """
    told = command.run(
        "lsblk", "--json", "--bytes", "--output", COLUMNS, advice="It comes with util-linux"
    )
    found: dict[str, dict[str, Any]] = {}
    for device in json.loads(told.stdout or "{}").get("blockdevices", []):
        kind = TRANSPORTS.get(device.get("tran") or "")
        if kind is None:
            continue
        maps = [child for child in device.get("children", []) if child.get("type") == "mpath"]
        top = maps[0] if maps else device
        identifier = _identifier(top, device)
        lun = found.setdefault(identifier, {"paths": 0, "status": "free"})
        lun |= {
            "id": identifier,
            "type": kind,
            "size": int(device.get("size") or 0),
            "vendor": (device.get("vendor") or "").strip(),
            "product": (device.get("model") or "").strip(),
            "serial": device.get("serial"),
        }
        lun["paths"] += 1
        if top.get("fstype") or top.get("mountpoint") or top.get("children"):
            lun["status"] = "used"
    return list(found.values())


def _identifier(top: dict[str, Any], device: dict[str, Any]) -> str:
    """
    As multipath names the LUN, and so the engine does: its UUID, else from the device's own name.
    """
    uuid = record.read_file(BLOCK_DEVICES / str(top.get("kname")) / "dm" / "uuid").strip()
    if uuid.startswith("mpath-"):
        return uuid.removeprefix("mpath-")
    # 3 says that it is an NAA name, as scsi_id writes it. Without one it's only this host's device.
    wwn = str(device.get("wwn") or "").removeprefix("0x")
    return f"3{wwn}" if wwn else str(device.get("kname"))
