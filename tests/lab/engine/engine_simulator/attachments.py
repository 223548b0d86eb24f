"""Storage domains of a data center: attach, activate, deactivate, detach."""

from __future__ import annotations

from . import host_life, storage
from .api import (
    Answer,
    Entity,
    Request,
    done,
    get,
    incomplete,
    not_found,
    reference,
    refused,
    route,
)
from .engine import Engine, Unreachable, VerbFailed, task
from .state import Data, event

HOME = "/datacenters/{}/storagedomains"


def up_hosts(data: Data, datacenter: str) -> list[Entity]:
    return [
        host
        for host in data["hosts"].values()
        if host["status"] == "up"
        and data["clusters"][host["cluster"]["id"]].get("data_center") == {"id": datacenter}
    ]


def up_host(data: Data, datacenter: str) -> Entity | None:
    """A host of the data center that can do work: the SPM first."""
    up = up_hosts(data, datacenter)
    return next((h for h in up if h["spm"]["status"] == "spm"), up[0] if up else None)


def connect_everywhere(engine: Engine, domain: Entity) -> None:
    """
    Connect a domain's storage on all hosts of its data center that are up.

    Raises what the last one failed with, if none could.
    """
    with engine.look() as data:
        addresses = [host["address"] for host in up_hosts(data, domain["_attached"])]
    failures = []
    for address in addresses:
        try:
            for each in storage.connections(domain):
                engine.hosts.verb(address, "StorageDomain.connect", **each)
        except (VerbFailed, Unreachable) as err:
            failures.append(err)
    if failures and len(failures) == len(addresses):
        raise failures[-1]


def _attached(data: Data, datacenter: str, identifier: str) -> Entity:
    get(data, "datacenters", datacenter)
    domain = data["storagedomains"].get(identifier)
    if domain is None or domain["_attached"] != datacenter:
        raise not_found(f"Entity not found: {identifier}")
    return domain


@route("GET", HOME)
def attached_domains(request: Request, datacenter: str) -> Answer:
    with request.engine.look() as data:
        get(data, "datacenters", datacenter)
        found = [d for d in data["storagedomains"].values() if d["_attached"] == datacenter]
        return Answer("storage_domains", [storage.shown(d, attached=True) for d in found])


@route("GET", HOME + "/{}")
def attached_domain(request: Request, datacenter: str, identifier: str) -> Answer:
    with request.engine.look() as data:
        domain = _attached(data, datacenter, identifier)
        return Answer("storage_domain", storage.shown(domain, attached=True))


@route("POST", HOME)
def attach(request: Request, datacenter: str) -> Answer:
    with request.engine.change() as data:
        get(data, "datacenters", datacenter)
        if not (request.body.get("id") or request.body.get("name")):
            raise incomplete("StorageDomain [id|name] required for add")
        domain = reference(data, "storagedomains", request.body, "StorageDomain [id|name]")
        if domain["_attached"]:
            raise refused(
                "Cannot attach Storage. Storage Domain is already attached to a Data Center."
            )
        if domain["_status"] != "unattached":
            raise refused(storage.STATUS.format("attach", domain["_status"].capitalize()))
        if up_host(data, datacenter) is None:
            raise refused(storage.NO_HOST.format("attach"))
        others = [d for d in data["storagedomains"].values() if d["_attached"] == datacenter]
        domain |= {"_attached": datacenter, "_status": "locked", "master": not others}
        request.engine.later(data, 2, "domain_active", domain["id"])
        return Answer("storage_domain", storage.shown(domain, attached=True), 201)


@task("domain_active", "storage_domain")
def become_active(engine: Engine, identifier: str) -> None:
    """The domain is reached by the data center's host, measured, and active."""
    with engine.change() as data:
        domain = data["storagedomains"].get(identifier)
        host = up_host(data, domain["_attached"]) if domain else None
    if domain is None or not domain["_attached"]:
        return
    try:
        if host is None:
            raise Unreachable("no host of the data center is up")
        connect_everywhere(engine, domain)
        seen = storage.stats(engine, host["address"], identifier)
    except (VerbFailed, Unreachable) as err:
        with engine.change() as data:
            data["storagedomains"][identifier]["_status"] = "inactive"
            event(
                data,
                995,
                "error",
                f"Failed to activate Storage Domain {domain['name']}: {err}",
                storage_domain=domain,
            )
        return
    with engine.change() as data:
        domain = data["storagedomains"][identifier]
        domain |= {"_status": "active", **seen}
        host_life.elect_spm(data)
        event(
            data,
            966,
            "normal",
            f"Storage Domain {domain['name']} was attached to Data Center "
            f"{data['datacenters'][domain['_attached']]['name']} by admin@internal",
            storage_domain=domain,
        )
        engine.later(data, 0, "ovf_stores", identifier)


@route("POST", HOME + "/{}/activate", action=True)
def activate(request: Request, datacenter: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        domain = _attached(data, datacenter, identifier)
        if domain["_status"] not in ("maintenance", "inactive", "unknown"):
            raise refused(storage.STATUS.format("activate", domain["_status"].capitalize()))
        if up_host(data, datacenter) is None:
            raise refused(storage.NO_HOST.format("activate"))
        domain["_status"] = "activating"
        request.engine.later(data, 1, "domain_active", identifier)
    return done()


@route("POST", HOME + "/{}/deactivate", action=True)
def deactivate(request: Request, datacenter: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        domain = _attached(data, datacenter, identifier)
        if domain["_status"] != "active":
            raise refused(storage.STATUS.format("deactivate", domain["_status"].capitalize()))
        if any(
            d["content_type"] == "hosted_engine" and d["_attachments"]
            for d in data["disks"].values()
            if d["storage_domains"][0]["id"] == identifier
        ):
            raise refused(
                "Cannot deactivate Storage. The storage selected contains the self hosted engine."
            )
        domain["_status"] = "preparing_for_maintenance"
        request.engine.later(data, 1, "domain_maintenance", identifier)
    return done()


@task("domain_maintenance", "storage_domain")
def maintenance(engine: Engine, identifier: str) -> None:
    with engine.change() as data:
        domain = data["storagedomains"].get(identifier)
        if domain and domain["_status"] == "preparing_for_maintenance":
            domain["_status"] = "maintenance"
            host_life.elect_spm(data)


@route("DELETE", HOME + "/{}")
def detach(request: Request, datacenter: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        domain = _attached(data, datacenter, identifier)
        if domain["_status"] not in ("maintenance", "inactive"):
            raise refused(storage.STATUS.format("detach", domain["_status"].capitalize()))
        if len([d for d in data["storagedomains"].values() if d["_attached"] == datacenter]) == 1:
            raise refused(
                "Cannot detach the master Storage Domain from the Data Center without another "
                "active one: remove the Data Center instead."
            )
        domain |= {"_attached": None, "_status": "unattached", "master": False}
        host_life.elect_spm(data)
    return done()
