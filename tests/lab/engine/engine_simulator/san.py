"""
A storage network without an outside, for hosts in memory: the fault ``san`` describes it.

``{"targets": {IQN: {"portals": ["ADDRESS:PORT,TPGT"], "user", "password", "luns": [GUID]}},
"discovery": {"user", "password"}, "fcp": [GUID], "luns": {GUID: {"gib", "discard", "used"}}}``
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from .engine import VerbFailed
from .state import Entity

GIB = 1024**3
DISCOVERY_FAILED = 475
LOGIN_FAILED = 465
NO_DEVICE = 601
IN_USE = 506


class San:
    """The network as it is described, and who is logged in, which is kept in the state."""

    def __init__(self, described: Entity | None, memory: Entity) -> None:
        self._described = described or {}
        self._memory = memory

    def discover(self, host: str, port: int, user: str, password: str) -> list[Entity]:
        """Every portal of every target, asked at one of them."""
        wanted = self._described.get("discovery") or {}
        if wanted and (user, password) != (wanted["user"], wanted["password"]):
            raise VerbFailed(
                DISCOVERY_FAILED, "Failed discovery of iSCSI targets: authorization failure"
            )
        found = [
            {"address": address, "port": number, "portal": group, "target": target}
            for target, description in self._targets().items()
            for address, number, group in map(_portal, description["portals"])
        ]
        asked = {(address, port) for address in _addresses(host)}
        if asked.isdisjoint((one["address"], one["port"]) for one in found):
            raise VerbFailed(
                DISCOVERY_FAILED,
                f"Failed discovery of iSCSI targets: portal={host}:{port}, no connection",
            )
        return found

    def login(self, host: str, address: str, port: int, target: str, **chap: Any) -> None:
        known = self._targets().get(target)
        if known is None or (address, port) not in [_portal(p)[:2] for p in known["portals"]]:
            raise VerbFailed(LOGIN_FAILED, f"Failed to setup iSCSI subsystem: no {target} there")
        given = (chap.get("user") or "", chap.get("password") or "")
        if given != (known.get("user", ""), known.get("password", "")):
            raise VerbFailed(
                LOGIN_FAILED, "Failed to login to iSCSI node due to authorization failure"
            )
        sessions = self._memory.setdefault("sessions", {}).setdefault(host, [])
        if [target, address, port] not in sessions:
            sessions.append([target, address, port])

    def logout(self, host: str, connection: Entity) -> None:
        session = [connection["target"], connection["address"], connection["port"]]
        sessions = self._memory.get("sessions", {}).get(host, [])
        self._memory.setdefault("sessions", {})[host] = [s for s in sessions if s != session]

    def devices(self, host: str) -> list[Entity]:
        """What the host sees: Fibre Channel at once, iSCSI once it is logged in."""
        found = {lun: self._device(lun, "FCP", []) for lun in self._described.get("fcp") or []}
        sessions = self._memory.get("sessions", {}).get(host, [])
        for target, description in self._targets().items():
            paths = [
                {"connection": address, "port": port, "portal": group, "iqn": target}
                for address, port, group in map(_portal, description["portals"])
                if [target, address, port] in sessions
            ]
            for lun in description["luns"] if paths else []:
                # One device, by however many targets it is seen.
                device = found.setdefault(lun, self._device(lun, "iSCSI", []))
                device["pathstatus"] += paths
        return list(found.values())

    def take(self, host: str, devices: list[str]) -> int:
        """Bytes of the devices for a new domain; refused where one isn't seen, or isn't free."""
        seen = {device["GUID"]: device for device in self.devices(host)}
        for device in devices:
            if device not in seen:
                raise VerbFailed(NO_DEVICE, f"No such device: ({device})")
            if seen[device]["status"] != "free":
                raise VerbFailed(
                    IN_USE, f"Failed to initialize physical device: ({device} is used)"
                )
        return sum(seen[device]["capacity"] for device in devices)

    def _targets(self) -> dict[str, Entity]:
        return self._described.get("targets") or {}

    def _device(self, guid: str, kind: str, paths: list[Entity]) -> Entity:
        known = self._described["luns"][guid]
        group = self._group(guid)
        return {
            "GUID": guid,
            "capacity": int(known["gib"] * GIB),
            "vendorID": "MEMORY",
            "productID": "LUN",
            "serial": guid[-8:],
            "devtype": kind,
            "status": "used" if group or known.get("used") else "free",
            "vgUUID": group,
            "pathstatus": paths,
            "discard": known.get("discard", False),
        }

    def _group(self, guid: str) -> str:
        """The domain that a device belongs to; empty: none."""
        for place, storage in self._memory.get("storage", {}).items():
            if storage["domain"] and guid in place.split(","):
                return str(storage["domain"])
        return ""


def _addresses(name: str) -> set[str]:
    with contextlib.suppress(OSError):
        return {name} | {str(answer[4][0]) for answer in socket.getaddrinfo(name, None)}
    return {name}


def _portal(text: str) -> tuple[str, int, int]:
    where, _, group = text.rpartition(",")
    address, _, port = where.rpartition(":")
    return address.strip("[]"), int(port), int(group)
