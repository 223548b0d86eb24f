"""
The storage types, and everything that differs between them.

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
# Where the engine's API has a name of its own for a type.
API_NAMES = {"fc": "fcp"}
# Pillar keys that say which storage it is; a LUN only where the pillar names one.
IDENTITY = {
    "nfs": ("address", "path"),
    "glusterfs": ("address", "path"),
    "iscsi": ("target", "lun"),
    "fc": ("lun",),
}
# Pillar keys that mean something for a type, beside name and type.
KEYS = {
    "nfs": {"address", "path", "nfs_version", "mount_options"},
    "glusterfs": {"address", "path", "mount_options"},
    "iscsi": {"portals", "target", "portal_group", "user", "discovery_user", "lun"}
    | {"discard_after_delete"},
    "fc": {"lun", "discard_after_delete"},
}
# Keys of hosted-engine.conf for iSCSI; its readers expect them for every type.
CONFIGURATION_KEYS = ("iqn", "portal", "user", "password", "port")
ISCSI_PORT = 3260
GIB = 2**30
# What the engine keeps free beside disk and blocker, GiB: HA's disks are in it.
SPARE_GIB = 5
# On a new LUN also: the engine's blocker as it sets it, and the domain's own volumes (leases,
# metadata, master), GiB.
BLOCKER_GIB = 5
OWN_GIB = 5


def location(storage: Storage) -> dict[str, Any]:
    """
    What identifies a domain: its type, and where it lies.

    >>> location({"type": "fc", "lun": "", "address": ""})
    {'type': 'fc'}
    """
    keys = IDENTITY[storage["type"]]
    found = {key: storage[key] for key in keys if key != "lun" or storage.get(key)}
    return {"type": storage["type"], **found}


def same(found: Storage, wanted: Storage) -> bool:
    """
    Whether a domain that was found lies where it is wanted.

    Where a LUN is given, its id suffices: an array may present it through several targets.

    >>> same({"type": "fc", "lun": "36001"}, {"type": "fc", "lun": "36001"})
    True
    >>> same(
    ...     {"type": "nfs", "address": "[2001:db8::8]", "path": "/engine"},
    ...     {"type": "nfs", "address": "2001:DB8:0::8", "path": "/engine/"},
    ... )
    True
    """
    keys = {"type", "lun"} if wanted.get("lun") else set(IDENTITY[wanted["type"]]) & set(wanted)
    return all(
        _comparable(key, found.get(key)) == _comparable(key, wanted[key]) for key in {"type", *keys}
    )


def _comparable(key: str, value: str | None) -> str | None:
    """One text for all that mean the same."""
    if key == "address" and value:
        return bare(value)
    return posixpath.normpath(value) if key == "path" and value else value


def bare(address: str) -> str:
    """
    A server as tools and resolvers take it: without brackets, an IPv6 address in its usual form.

    >>> bare("[2001:DB8:0::8]"), bare("NAS.example.com")
    ('2001:db8::8', 'nas.example.com')
    """
    text = address.strip("[]")
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return text.lower()


def in_url(address: str) -> str:
    """
    A server as it stands before a colon: an IPv6 address in brackets.

    >>> in_url("2001:db8::8"), in_url("[2001:db8::8]"), in_url("nas.example.com")
    ('[2001:db8::8]', '[2001:db8::8]', 'nas.example.com')
    """
    return f"[{address.strip('[]')}]" if ":" in address else address


def portal_group(text: str | None) -> str:
    """
    The number of a portal's group, in whichever form it is given; empty: it isn't.

    >>> portal_group("192.0.2.7:3260,1"), portal_group("[2001:db8::7]:3260,2"), portal_group("3")
    ('1', '2', '3')
    >>> portal_group("192.0.2.7:3260"), portal_group(""), portal_group(None)
    ('', '', '')
    """
    group = (text or "").rpartition(",")[2].strip()
    return group if group.isdecimal() else ""


def is_block(kind: str) -> bool:
    return kind in BLOCK


def api_name(kind: str) -> str:
    return API_NAMES.get(kind, kind)


def of_api_name(name: str) -> str:
    """The pillar's name of a type that the engine's API names; unknown ones as they are."""
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
    return f"{in_url(address)}:{path.rstrip('/') or '/'}"


def portal(text: str) -> tuple[str, int]:
    """
    Address and port of a portal; port 3260 unless given.

    >>> portal("[2001:db8::1]:3261"), portal("2001:db8::1"), portal("san.example.com:860")
    (('2001:db8::1', 3261), ('2001:db8::1', 3260), ('san.example.com', 860))

    Raises ValueError with what is wrong.
    """
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
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
    return f"{in_url(address)}:{port}"


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
    """The storage's keys of hosted-engine.conf; each portal has a port."""
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
    """Whether the VM's disk takes its room as it is written, by pillar or by type."""
    if vm["disk_allocation"] != "auto":
        return bool(vm["disk_allocation"] == "sparse")
    return vm["disk_format"] == "cow" or kind not in BLOCK


def lun_bytes(disk_gib: int) -> int:
    """The least size of a LUN for an engine's disk of that size."""
    return (disk_gib + SPARE_GIB + BLOCKER_GIB + OWN_GIB) * GIB
