"""Storage that hosts mount: how the engine names a server, and what it does with a path in use."""

from __future__ import annotations

import ipaddress

from .api import Entity, Fault, Request, refused
from .state import Data, new_id

TYPES = ("nfs", "glusterfs", "posixfs", "localfs")


def connection(storage: Entity) -> Entity:
    """What a host needs to mount it."""
    names = ["type", "address", "path", "mount_options"]
    names += ["vfs_type"] * (storage["type"] == "glusterfs")
    return {name: storage.get(name) or "" for name in names}


def shown(storage: Entity) -> Entity:
    """Address and path as the engine reads them back: it keeps one text, and splits it again."""
    text = f"{storage.get('address') or ''}:{storage.get('path') or ''}"
    if text.startswith("["):
        address, path = text.split("]:", 1)
        return storage | {"address": f"{address}]", "path": path}
    address, path = text.split(":")[:2]
    return storage | {"address": address, "path": path}


def check(data: Data, storage: Entity) -> None:
    """A connection that the engine takes, and that no domain has."""
    address = storage.get("address") or ""
    if storage["type"] == "nfs" and _is_ipv6(address):
        raise Fault(400, "[Mount path is illegal, please use [IP:/path or FQDN:/path] convention.]")
    wanted = _text(storage)
    for other in data["storagedomains"].values():
        if other["storage"]["type"] in TYPES and _text(other["storage"]) == wanted:
            raise refused(
                f"Cannot add Storage Connection. Storage connection {new_id()} already exists for "
                f"{other['name']}."
            )


def check_gluster(request: Request, host: str) -> None:
    """A host mounts Gluster only with its command-line tools."""
    packages = request.engine.hosts.verb(host, "Host.getCapabilities").get("packages2")
    # A host that says nothing of its packages isn't judged by them.
    if packages is not None and "glusterfs-cli" not in packages:
        with request.engine.look() as data:
            name = next(h["name"] for h in data["hosts"].values() if h["address"] == host)
        raise refused(
            f"Cannot add Storage Connection. Host {name} cannot connect to Glusterfs. Verify that "
            "glusterfs-cli package is installed on the host."
        )


def import_what_is_there(request: Request, host: str, domain: Entity) -> bool:
    """
    Take the domain that lies on the path, under the name that was asked for, if there is one.

    It isn't made: what it holds stays.
    """
    if domain["storage"]["type"] not in TYPES:
        return False
    where = domain["_connections"][0]
    there = request.engine.hosts.verb(host, "Host.getStorageDomains", connection=where)
    if not there:
        return False
    with request.engine.look() as data:
        if there[0]["id"] in data["storagedomains"]:
            raise refused("Cannot add Storage. The Storage Domain already exists.")
    domain["id"] = there[0]["id"]
    return True


def _text(storage: Entity) -> str:
    return f"{storage.get('address') or ''}:{storage.get('path') or ''}"


def _is_ipv6(address: str) -> bool:
    """Of the engine's own pattern: an address that has no brackets."""
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True
