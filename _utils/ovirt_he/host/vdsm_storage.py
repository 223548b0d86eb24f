"""Storage as the arguments of vdsm's connectStorageServer."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ovirt_he.pillar import storage as kinds

# vdsm's numbers of the types of storage.
TYPES = {"nfs": 1, "fc": 2, "iscsi": 3, "glusterfs": 7}
NO_UUID = "00000000-0000-0000-0000-000000000000"


def connection(storage: kinds.Storage, password: str) -> dict[str, Any]:
    """The parameters of a call; they hold the password of the iSCSI session."""
    return {
        "storagepoolID": NO_UUID,
        "domainType": TYPES[storage["type"]],
        "connectionParams": _connections(storage, password),
    }


def codes(answer: str) -> list[int]:
    """The status of each connection from what vdsm-client prints; 0 is connected."""
    try:
        told = json.loads(answer)
        listed = told["statuslist"] if isinstance(told, dict) else told
        return [int(each["status"]) for each in listed]
    except (KeyError, TypeError, ValueError):
        return []


def _connections(storage: kinds.Storage, password: str) -> list[dict[str, Any]]:
    kind = storage["type"]
    if kind == "fc":
        return [{"id": _id("fc")}]
    if kind == "iscsi":
        user = storage.get("user") or ""
        return [
            {
                "id": _id(f"{storage['target']} {address}:{port}"),
                "connection": address,
                "port": str(port),
                "iqn": storage["target"],
                "tpgt": str(storage["portal_group"]),
                "user": user,
                "password": password if user else "",
            }
            for address, port in kinds.portals(storage)
        ]
    where = kinds.server_path(storage)
    mount = {"id": _id(where), "connection": where, "mnt_options": storage["mount_options"]}
    if kind == "glusterfs":
        return [mount | {"vfs_type": "glusterfs"}]
    # v4_2 is 4.2 there, as the engine has it.
    return [mount | {"protocol_version": storage["nfs_version"].lstrip("v").replace("_", ".")}]


def _id(text: str) -> str:
    """Any UUID serves, as long as it stays."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))
