"""Storage as the arguments of vdsm's connectStorageServer."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ovirt_he.pillar import storage

# vdsm's numbers of the types of storage.
TYPES = {"nfs": 1, "fc": 2, "iscsi": 3, "glusterfs": 7}
NO_UUID = "00000000-0000-0000-0000-000000000000"


def connection(place: storage.Storage, password: str) -> dict[str, Any]:
    """The parameters of a call; they hold the password of the iSCSI session."""
    return {
        "storagepoolID": NO_UUID,
        "domainType": TYPES[place["type"]],
        "connectionParams": _connections(place, password),
    }


def codes(answer: str) -> list[int]:
    """The status of each connection from what vdsm-client prints; 0 is connected."""
    try:
        reply = json.loads(answer)
        listed = reply["statuslist"] if isinstance(reply, dict) else reply
        return [int(each["status"]) for each in listed]
    except (KeyError, TypeError, ValueError):
        return []


def _connections(place: storage.Storage, password: str) -> list[dict[str, Any]]:
    kind = place["type"]
    if kind == "fc":
        return [{"id": _id("fc")}]
    if kind == "iscsi":
        user = place.get("user") or ""
        return [
            {
                "id": _id(f"{place['target']} {address}:{port}"),
                "connection": address,
                "port": str(port),
                "iqn": place["target"],
                "tpgt": str(place["portal_group"]),
                "user": user,
                "password": password if user else "",
            }
            for address, port in storage.portals(place)
        ]
    where = storage.server_path(place)
    mount = {"id": _id(where), "connection": where, "mnt_options": place["mount_options"]}
    if kind == "glusterfs":
        return [mount | {"vfs_type": "glusterfs"}]
    # v4_2 is 4.2 there, as the engine has it.
    return [mount | {"protocol_version": place["nfs_version"].lstrip("v").replace("_", ".")}]


def _id(text: str) -> str:
    """Any UUID serves, as long as it stays."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))
