"""Storage domains: made on a host, attached to a data center, measured, removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import block, disks, host_life, mounts, ovf_stores
from .api import (
    Answer,
    Entity,
    Request,
    done,
    failed,
    get,
    incomplete,
    not_found,
    reference,
    refused,
    route,
)
from .engine import Engine, Unreachable, VerbFailed, task
from .state import event, named, new_id

NO_SUCH = "Cannot {} Storage. Storage Domain doesn't exist."
STATUS = "Cannot {} Storage. The relevant Storage Domain's status is {}."
EDITABLE = ["name", "description", "comment", "discard_after_delete", "wipe_after_delete"]
EDITABLE += ["critical_space_action_blocker", "warning_low_space_indicator"]
NO_HOST = "Cannot {} Storage. There is no active Host in the Data Center."


def shown(domain: Entity, *, attached: bool = False) -> Entity:
    """The domain as the API gives it: its status belongs to the data center once it's attached."""
    entity = dict(domain)
    if domain["storage"]["type"] in mounts.TYPES:
        entity["storage"] = mounts.shown(domain["storage"])
    if attached or not domain.get("_attached"):
        entity["status"] = domain["_status"]
    if domain.get("_attached"):
        entity["data_centers"] = [{"id": domain["_attached"]}]
    if attached:
        entity["data_center"] = {"id": domain["_attached"]}
        # Its LUNs are told by the domain itself alone.
        entity["storage"] = {k: v for k, v in entity["storage"].items() if k != "volume_group"}
        entity["href"] = (
            f"/ovirt-engine/api/datacenters/{domain['_attached']}/storagedomains/{domain['id']}"
        )
    return entity


def connections(domain: Entity) -> list[Entity]:
    """What a host needs to reach the domain's storage, kept as it was when the domain was made."""
    if kept := domain.get("_connections"):
        return list(kept)
    storage = domain["storage"]
    if storage["type"] in block.TYPES:
        return block.connections(storage)
    return [mounts.connection(storage)]


@contextmanager
def on_host() -> Iterator[None]:
    """The failures of a host's verbs, as the engine passes them on."""
    try:
        yield
    except VerbFailed as err:
        raise failed(str(err)) from err
    except Unreachable as err:
        raise failed("Network error during communication with the Host.") from err


@route("GET", "/storagedomains")
def domains(request: Request) -> Answer:
    with request.engine.look() as data:
        return Answer("storage_domains", [shown(d) for d in data["storagedomains"].values()])


@route("GET", "/storagedomains/{}")
def one_domain(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        return Answer("storage_domain", shown(get(data, "storagedomains", identifier)))


@route("POST", "/storagedomains")
def add(request: Request) -> Answer:
    body = request.body
    if not body.get("host") or not (body.get("storage") or {}).get("type"):
        raise incomplete("StorageDomain [host.id|name, storage.type] required for add")
    domain = _wanted(request)
    address = domain.pop("_address")
    with on_host():
        _make(request, address, domain)
        domain |= stats(request.engine, address, domain["id"])
    with request.engine.change() as data:
        data["storagedomains"][domain["id"]] = domain
        profile = {"id": new_id(), "name": domain["name"], "storage_domain": {"id": domain["id"]}}
        data["diskprofiles"][profile["id"]] = profile
        request.engine.later(data, 1, "domain_made", domain["id"])
        event(
            data,
            956,
            "normal",
            f"Storage Domain {domain['name']} was added by admin@internal",
            storage_domain=domain,
        )
        return Answer("storage_domain", shown(domain), 201)


def _make(request: Request, address: str, domain: Entity) -> None:
    """Have the host connect the storage and, unless it is imported, make the domain on it."""
    verb = request.engine.hosts.verb
    domain["_connections"] = connections(domain)
    if domain["storage"]["type"] == "glusterfs":
        mounts.check_gluster(request, address)
    for each in domain["_connections"]:
        verb(address, "StorageDomain.connect", **each)
    if request.body.get("id") or mounts.import_what_is_there(request, address, domain):
        return
    where = domain["_connections"][0]
    if domain["storage"]["type"] in block.TYPES:
        found = block.seen(verb(address, "Host.getDeviceList"), domain)
        where = {"type": where["type"], "devices": [device["GUID"] for device in found]}
        domain["storage"] = block.shown(domain, found)
        domain["supports_discard"] = all(device["discard"] for device in found)
    verb(
        address,
        "StorageDomain.create",
        storagedomainID=domain["id"],
        name=domain["name"],
        connection=where,
    )


def _wanted(request: Request) -> Entity:
    """The entity that the body asks for, checked against what is there."""
    body = request.body
    storage = body["storage"]
    kind = storage["type"]
    if kind in ("nfs", "glusterfs") and not (storage.get("address") and storage.get("path")):
        raise incomplete("StorageDomain [storage.address, storage.path] required for add")
    if kind == "glusterfs" and not storage.get("vfs_type"):
        raise incomplete("StorageDomain [storage.vfsType] required for add")
    with request.engine.change() as data:
        host = reference(data, "hosts", body["host"], "StorageDomain [host.id|name]")
        if host["status"] != "up":
            raise refused(f"Cannot add Storage. Host {host['name']} is not up.")
        if kind in block.TYPES:
            block.check(data, storage)
        else:
            # The connection is made first, so it's refused first.
            mounts.check(data, storage)
        if body.get("name") and named(data, "storagedomains", body["name"]):
            raise refused("Cannot add Storage. The Storage Domain name is already in use.")
        if not body.get("name") and not body.get("id"):
            raise incomplete("StorageDomain [name] required for add")
        return _new(body) | {"_address": host["address"]}


def _new(body: Entity) -> Entity:
    return {
        "id": body.get("id") or new_id(),
        "name": body.get("name") or "imported",
        "description": body.get("description", ""),
        "comment": body.get("comment", ""),
        "type": body.get("type", "data"),
        "storage": {k: v for k, v in body["storage"].items() if k not in ("id", "href")},
        "storage_format": body.get("storage_format", "v5"),
        "discard_after_delete": body.get("discard_after_delete", False),
        "wipe_after_delete": body.get("wipe_after_delete", False),
        "critical_space_action_blocker": body.get("critical_space_action_blocker", 5),
        "warning_low_space_indicator": body.get("warning_low_space_indicator", 10),
        "external_status": "ok",
        "master": False,
        "backup": False,
        "block_size": 512,
        "committed": 0,
        "_status": "locked",
        "_attached": None,
    }


def stats(engine: Engine, address: str, identifier: str) -> Entity:
    """
    Available and used bytes, of whole GiB only: so the engine keeps them.

    The fault ``storage_available`` replaces what the host says.
    """
    seen = engine.hosts.verb(address, "StorageDomain.getStats", storagedomainID=identifier)
    wanted = engine.faults.get("storage_available")
    available = int(seen["available"] if wanted is None else wanted)
    total = int(seen["available"]) + int(seen["used"])
    return {
        "available": block.whole_gib(available),
        "used": block.whole_gib(total) - block.whole_gib(int(seen["available"])),
    }


@task("domain_made", "storage_domain")
def made(engine: Engine, identifier: str) -> None:
    with engine.change() as data:
        domain = data["storagedomains"].get(identifier)
        if domain and domain["_status"] == "locked":
            domain["_status"] = "unattached"


@route("PUT", "/storagedomains/{}")
def update(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        domain = get(data, "storagedomains", identifier)
        domain |= {k: v for k, v in request.body.items() if k in EDITABLE}
        return Answer("storage_domain", shown(domain))


@route("DELETE", "/storagedomains/{}")
def remove(request: Request, identifier: str) -> Answer:
    """Needs a host that is up; ``destroy`` forgets the domain and leaves its data behind."""
    with request.engine.change() as data:
        domain = get(data, "storagedomains", identifier)
        if request.flag("destroy"):
            if domain["_status"] in ("active", "locked", "activating"):
                raise refused(STATUS.format("destroy", domain["_status"].capitalize()))
            _forget(data, identifier)
            return done()
        wanted = request.query.get("host")
        if not wanted:
            raise incomplete("StorageDomain [host.id|name] required for remove")
        host = data["hosts"].get(wanted) or named(data, "hosts", wanted)
        if host is None:
            raise refused("Can not Remove Storage Domain - the underlying Host ID is invalid.")
        if host["status"] != "up":
            raise refused(f"Cannot remove Storage. Host {host['name']} is not up.")
        if domain["_attached"]:
            raise refused(
                "Cannot remove Storage. The Storage Domain metadata indicates it is already "
                "attached to a Data Center hence cannot be formatted."
            )
        if domain["_status"] != "unattached":
            raise refused(STATUS.format("remove", domain["_status"].capitalize()))
        address, storage = host["address"], connections(domain)
    verb = request.engine.hosts.verb
    with on_host():
        for each in storage:
            verb(address, "StorageDomain.connect", **each)
        if request.flag("format"):
            verb(address, "StorageDomain.format", storagedomainID=identifier)
        for each in storage:
            verb(address, "StorageDomain.disconnect", **each)
    with request.engine.change() as data:
        _forget(data, identifier)
    return done()


def _forget(data: Entity, identifier: str) -> None:
    for kind in ("disks", "diskprofiles"):
        for entity in list(data[kind].values()):
            homes = entity.get("storage_domains") or [entity.get("storage_domain") or {}]
            if homes[0].get("id") == identifier:
                del data[kind][entity["id"]]
    del data["storagedomains"][identifier]
    host_life.elect_spm(data)


@route("POST", "/storagedomains/{}/updateovfstore", action=True)
def update_ovf(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        domain = get(data, "storagedomains", identifier)
        if domain["_status"] != "active":
            raise refused(STATUS.format("update OVF store of", domain["_status"].capitalize()))
        ovf_stores.begin(request.engine, data, identifier, by="action")
    return done()


@route("GET", "/storagedomains/{}/disks")
def disks_of(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "storagedomains", identifier)
        return Answer("disks", [disks.shown(data, d) for d in disks.on_domain(data, identifier)])


@route("GET", "/storagedomains/{}/disks/{}")
def disk_of(request: Request, domain: str, identifier: str) -> Answer:
    with request.engine.look() as data:
        for disk in disks.on_domain(data, domain):
            if disk["id"] == identifier:
                return Answer("disk", disks.shown(data, disk))
    raise not_found(f"Entity not found: {identifier}")


@route("GET", "/storagedomains/{}/diskprofiles")
def profiles_of(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "storagedomains", identifier)
        found: list[Any] = [
            p for p in data["diskprofiles"].values() if p["storage_domain"]["id"] == identifier
        ]
        return Answer("disk_profiles", found)
