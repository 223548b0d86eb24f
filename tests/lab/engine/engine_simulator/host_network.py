"""What a host is asked about its network, and how its verbs are called at once."""

from __future__ import annotations

from .api import (
    Answer,
    Entity,
    Fault,
    Request,
    done,
    failed,
    get,
    reference,
    refused,
    route,
)
from .engine import Unreachable, VerbFailed
from .state import BLANK


@route("POST", "/hosts/{}/approve", action=True)
def approve(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        if get(data, "hosts", identifier)["status"] != "pending_approval":
            raise refused("Cannot approve Host. Host is not in Pending Approval status.")
    return done()


@route("POST", "/hosts/{}/commitnetconfig", action=True)
def commit_network(request: Request, identifier: str) -> Answer:
    verb(request, identifier, "Host.setSafeNetworkConfig")
    with request.engine.change() as data:
        request.engine.later(data, 0, "host_poll", identifier)
    return done()


@route("POST", "/hosts/{}/setupnetworks", action=True)
def setup_networks(request: Request, identifier: str) -> Answer:
    """Attachments that are there already are accepted; changing addresses isn't simulated."""
    for attachment in request.body.get("modified_network_attachments") or []:
        with request.engine.change() as data:
            reference(data, "networks", attachment.get("network"), "network.id|name required")
    if request.body.get("commit_on_success"):
        return commit_network(request, identifier)
    return done()


@route("POST", "/hosts/{}/unregisteredstoragedomainsdiscover", action=True)
def discover_domains(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        _up(get(data, "hosts", identifier))
    return done(storage_domains=[])


@route("GET", "/hosts/{}/nics")
def nics(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        host = get(data, "hosts", identifier)
        home = f"/ovirt-engine/api/hosts/{identifier}/nics"
        if host["status"] in ("installing", "install_failed"):
            return Answer("host_nics", [])
        nic = {
            "id": BLANK,
            "name": "ovirtmgmt",
            "href": f"{home}/{BLANK}",
            "status": "up",
            "ip": {"address": host["address"], "version": "v4"},
        }
        return Answer("host_nics", [nic])


def _up(host: Entity) -> None:
    if host["status"] != "up":
        raise refused(f"Cannot perform this action. Host {host['name']} is not up.")


def verb(request: Request, identifier: str, name: str, **arguments: object) -> list[Entity]:
    """A verb of the host, its failure in the engine's form."""
    with request.engine.change() as data:
        address = get(data, "hosts", identifier)["address"]
    try:
        return request.engine.hosts.verb(address, name, **arguments)
    except VerbFailed as err:
        raise failed(str(err)) from err
    except Unreachable as err:
        raise Fault(400, "[Network error during communication with the Host.]") from err
