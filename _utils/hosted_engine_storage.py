"""
The kinds of storage, and what follows from a kind: all that differs between them is here.

A domain lies on a mount (nfs, glusterfs: server and path) or on a LUN (iscsi, fc: block storage).
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Mapping
from typing import Any

from salt.exceptions import SaltInvocationError

Storage = Mapping[str, Any]

BLOCK = ("iscsi", "fc")
MOUNT = ("nfs", "glusterfs")
# Where the engine's API has a name of its own for a kind.
API_NAMES = {"fc": "fcp"}
# Pillar keys that say which storage it is; a LUN only where the pillar names one.
IDENTITY = {
    "nfs": ("address", "path"),
    "glusterfs": ("address", "path"),
    "iscsi": ("target", "lun"),
    "fc": ("lun",),
}
# Pillar keys that mean something for a kind, beside name and type.
KEYS = {
    "nfs": {"address", "path", "nfs_version", "mount_options"},
    "glusterfs": {"address", "path", "mount_options"},
    "iscsi": {"portals", "target", "portal_group", "user", "discovery_user", "lun"}
    | {"discard_after_delete"},
    "fc": {"lun", "discard_after_delete"},
}
# Keys of hosted-engine.conf for iSCSI; its readers want them there for every kind.
CONFIGURATION_KEYS = ("iqn", "portal", "user", "password", "port")
ISCSI_PORT = 3260
GIB = 2**30
# What the engine itself wants to stay free beside disk and blocker, GiB: HA's disks are in it.
SPARE_GIB = 5
# On a new LUN also: the engine's blocker as it sets it, and the domain's own volumes (leases,
# metadata, master), GiB.
BLOCKER_GIB = 5
OWN_GIB = 5


def connection(storage: Storage) -> dict[str, Any]:
    """
    What identifies a domain: its kind, and where it lies.

    >>> connection({"type": "fc", "lun": "", "address": ""})
    {'type': 'fc'}
    """
    keys = IDENTITY[storage["type"]]
    found = {key: storage[key] for key in keys if key != "lun" or storage[key]}
    return {"type": storage["type"], **found}


def same(found: Storage, wanted: Storage) -> bool:
    """
    Whether a domain that was found lies where it is wanted.

    A LUN's id says it all where it is wanted: an array may show it by several targets.

    >>> same({"type": "fc", "lun": "36001"}, {"type": "fc", "lun": "36001"})
    True
    """
    keys = {"type", "lun"} if wanted.get("lun") else set(wanted)
    return all(found.get(key) == wanted[key] for key in keys)


def is_block(kind: str) -> bool:
    return kind in BLOCK


def api_name(kind: str) -> str:
    return API_NAMES.get(kind, kind)


def of_api_name(name: str) -> str:
    """The pillar's name of a kind that the engine's API names; unknown ones as they are."""
    return next((kind for kind, theirs in API_NAMES.items() if theirs == name), name)


def where(storage: Storage) -> str:
    """
    A storage as an error names it.

    >>> where({"type": "iscsi", "target": "iqn.2020-01.com.example:engine", "lun": "36001"})
    'iscsi target iqn.2020-01.com.example:engine, LUN 36001'
    """
    kind = storage["type"]
    if kind in MOUNT:
        return f"{kind} {server_path(storage)}"
    target = f" target {storage['target']}" if storage.get("target") else ""
    lun = f"LUN {storage['lun']}" if storage.get("lun") else ""
    return f"{kind}{target}" + (f"{',' if target else ''} {lun}" if lun else "")


def server_path(storage: Storage) -> str:
    """``host:/path``; an IPv6 address in brackets, no slash at the end."""
    address, path = storage.get("address") or "", storage.get("path") or ""
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    return f"{host}:{path.rstrip('/')}"


def portal(text: str) -> tuple[str, int]:
    """
    Address and port of a portal; port 3260 where none is said.

    >>> portal("[2001:db8::1]:3261"), portal("2001:db8::1"), portal("san.example.com:860")
    (('2001:db8::1', 3261), ('2001:db8::1', 3260), ('san.example.com', 860))

    Raises ValueError with what is wrong.
    """
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
        ipaddress.IPv6Address(address)
    elif text.count(":") > 1:
        address, port = text, ""
        ipaddress.IPv6Address(address)
    else:
        address, _, port = text.partition(":")
    number = int(port or ISCSI_PORT)
    if not 1 <= number <= 65535:
        raise ValueError(f"{text}: a port is a number from 1 to 65535")
    return address, number


def shown_portal(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def portals(storage: Storage) -> list[tuple[str, int]]:
    return [portal(text) for text in storage["portals"]]


def readable_portals(storage: Storage) -> None:
    """Raises SaltInvocationError unless the pillar names portals that can be read."""
    try:
        if portals(storage):
            return
        problem = "names none"
    except ValueError as error:
        problem = str(error)
    raise SaltInvocationError(
        f"hosted_engine:storage:portals {problem}: name what to ask, as ADDRESS or ADDRESS:PORT"
    )


def configuration(storage: Storage, password: str) -> dict[str, str]:
    """What hosted-engine.conf says of the storage; several portals have a port each."""
    values = dict.fromkeys(CONFIGURATION_KEYS, "")
    if storage["type"] in MOUNT:
        values["storage"] = server_path(storage)
    elif storage["type"] == "fc":
        # HA connects nothing for Fibre Channel, but wants a value.
        values["storage"] = storage["name"]
    else:
        found = portals(storage)
        values |= {
            "storage": ",".join(address for address, _ in found),
            "port": ",".join(str(port) for _, port in found),
            "iqn": storage["target"],
            "portal": str(storage["portal_group"]),
            "user": storage["user"],
            "password": password if storage["user"] else "",
        }
    return {"domainType": storage["type"], **values}


def identifier(storage: Storage) -> str:
    """What the connection's UUID is made from: stays as long as the storage does."""
    kind = storage["type"]
    tail = storage["target"] if kind == "iscsi" else configuration(storage, "")["storage"]
    return f"{kind}://{tail}"


def mount_point(storage: Storage) -> str | None:
    """
    Where vdsm mounts it, below /rhev/data-center/mnt; None: it isn't mounted.

    >>> mount_point({"type": "nfs", "address": "nas", "path": "/exports//my_engine"})
    'nas:_exports_my__engine'
    """
    if storage["type"] not in MOUNT:
        return None
    path = posixpath.normpath("/" + storage["path"].lstrip("/"))
    name = server_path({**storage, "path": path}).replace("_", "__").replace("/", "_")
    return f"glusterSD/{name}" if storage["type"] == "glusterfs" else name


def is_sparse(kind: str, vm: Mapping[str, Any]) -> bool:
    """Whether the VM's disk takes its room as it is written, by pillar or by kind."""
    if vm["disk_allocation"] != "auto":
        return bool(vm["disk_allocation"] == "sparse")
    return vm["disk_format"] == "cow" or kind not in BLOCK


def lun_bytes(disk_gib: int) -> int:
    """The least size of a LUN for an engine's disk of that size."""
    return (disk_gib + SPARE_GIB + BLOCKER_GIB + OWN_GIB) * GIB
