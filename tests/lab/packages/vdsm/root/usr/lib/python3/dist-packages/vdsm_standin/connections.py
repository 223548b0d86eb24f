"""Connecting storage by its type: mounts, iSCSI sessions; Fibre Channel needs nothing."""

from __future__ import annotations

from typing import Any

from iscsi_standin import sessions, wire

from . import loops, luns, mounts
from .block_domain import BlockDomain
from .errors import InvalidParameter, VdsmError, iSCSILoginError, iSCSISetupError

# vdsm's own numbers of the types that hosted engines lie on.
DOMAIN_TYPES = {1: "nfs", 2: "fcp", 3: "iscsi", 7: "glusterfs"}


def connect(type: str, **connection: Any) -> dict[str, str] | None:
    """Connect a server or portal. Raises MountError, iSCSILoginError, or for an unknown type."""
    if type in mounts.TYPES:
        return mounts.connect(type, **connection)
    if type == "iscsi":
        _login(**connection)
    elif type != "fcp":
        raise InvalidParameter(f"storage type {type}")
    return None


def connect_servers(
    domainType: int | str, connectionParams: list[dict[str, Any]], **_others: object
) -> list[dict[str, Any]]:
    """``StoragePool.connectStorageServer``: each connection's status, 0 or an error's code."""
    kind = DOMAIN_TYPES[int(domainType)]
    done = []
    for wanted in connectionParams:
        try:
            connect(kind, **_of_vdsm(kind, wanted))
            status = 0
        except VdsmError as err:
            status = err.code
        done.append({"id": wanted["id"], "status": status})
    return done


def _of_vdsm(kind: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """A connection as the engine's verbs of this stand-in name its parts."""
    if kind == "fcp":
        return {}
    if kind == "iscsi":
        return {
            "address": wanted["connection"],
            "port": int(wanted["port"]),
            "target": wanted["iqn"],
            "portal": int(wanted["tpgt"]),
            "user": wanted.get("user") or "",
            "password": wanted.get("password") or "",
        }
    address, _, path = wanted["connection"].rpartition(":")
    options = {"mount_options": wanted.get("mnt_options"), "vfs_type": wanted.get("vfs_type")}
    return {"address": address, "path": path} | options


def disconnect(type: str = "nfs", **connection: Any) -> None:
    """Disconnect it; volumes on LUNs that are no longer seen are let go of."""
    if type in mounts.TYPES:
        mounts.disconnect(type=type, **connection)
    elif type == "iscsi":
        sessions.logout(_address(**connection))
        _release_unseen()


def discover(
    host: str, port: int = 3260, user: str = "", password: str = "", **_others: object
) -> list[dict[str, Any]]:
    """``ISCSIConnection.discoverSendTargets``: each portal of each target."""
    try:
        found = wire.discover(host, int(port), user, password)
    except wire.IscsiError as err:
        raise iSCSISetupError((f"{host}:{port}", str(err))) from err
    names = ("address", "port", "portal", "target")
    return [dict(zip(names, where, strict=True)) for where in found]


def _address(
    address: str, target: str, port: int = 3260, portal: int = 1, **_others: object
) -> wire.Address:
    return wire.Address(address, int(port), int(portal), target)


def _login(user: str = "", password: str = "", **connection: Any) -> None:
    where = _address(**connection)
    try:
        sessions.login(where, user, password)
    except wire.IscsiError as err:
        raise iSCSILoginError((f"{where.address}:{where.port}", where.target, str(err))) from err


def _release_unseen() -> None:
    seen = {(luns.table(lun.path) or {}).get("domain") for lun in luns.visible()}
    for folder in loops.HOLDERS.glob("*"):
        if folder.name not in seen:
            BlockDomain(luns.IMAGES, folder.name).release()
