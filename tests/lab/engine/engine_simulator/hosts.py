"""Hosts as the API shows them; what happens to them in time is in host_life."""

from __future__ import annotations

from . import host_life
from .api import (
    Answer,
    Entity,
    Request,
    done,
    get,
    incomplete,
    reference,
    refused,
    route,
)
from .engine import Forbidden, Unreachable
from .infrastructure import NAME_USED
from .state import event, named, new_id

REMOVABLE = (
    *("maintenance", "install_failed", "down", "non_responsive"),
    *("non_operational", "unassigned"),
)
READ_MORE = "You may refer to the engine.log file for further details."
NO_LOGIN = (
    "Cannot add Host. SSH authentication failed, verify authentication parameters are correct "
    f"(Username/Password, public-key etc.) {READ_MORE}"
)
NO_CONNECTION = (
    "Cannot add Host. Connecting to host via SSH has failed, verify that the host is reachable "
    f"(IP address, routable address etc.) {READ_MORE}"
)


def shown(data: Entity, host: Entity, everything: bool) -> Entity:
    """The host as the API gives it; HA's section only with all_content, as the engine does."""
    entity = dict(host)
    entity["summary"] = {
        "active": sum((v.get("host") or {}).get("id") == host["id"] for v in data["vms"].values())
    }
    if everything and host.get("_hosted_engine"):
        entity["hosted_engine"] = host["_hosted_engine"]
    return entity


@route("GET", "/hosts")
def hosts(request: Request) -> Answer:
    with request.engine.look() as data:
        everything = request.flag("all_content")
        return Answer("hosts", [shown(data, host, everything) for host in data["hosts"].values()])


@route("GET", "/hosts/{}")
def one_host(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        host = get(data, "hosts", identifier)
        return Answer("host", shown(data, host, request.flag("all_content")))


@route("POST", "/hosts")
def add(request: Request) -> Answer:
    """Check the wish, sign in once as the engine does, then install in the background."""
    body = request.body
    for name in ("name", "address"):
        if not body.get(name):
            raise incomplete(f"Host [{name}] required for add")
    if (body.get("ssh") or {}).get("authentication_method") != "publickey" and not (
        body.get("root_password") or ((body.get("ssh") or {}).get("user") or {}).get("password")
    ):
        raise incomplete("Host [rootPassword] required for add")
    if (body.get("ssh") or {}).get("authentication_method") != "publickey":
        raise refused("Cannot add Host. The simulator signs in with its public key only.")
    _check_unique(request)
    try:
        fingerprint = request.engine.hosts.fingerprint(body["address"])
    except Forbidden as err:
        raise refused(NO_LOGIN) from err
    except Unreachable as err:
        raise refused(NO_CONNECTION) from err
    with request.engine.change() as data:
        host = _new(request, data, fingerprint)
        data["hosts"][host["id"]] = host
        event(data, 42, "normal", f"Host {host['name']} was added by admin@internal.", host=host)
        request.engine.later(data, 0, "host_install", host["id"])
        return Answer("host", shown(data, host, False), 201)


def _check_unique(request: Request) -> None:
    body = request.body
    with request.engine.change() as data:
        if named(data, "hosts", body["name"]):
            raise refused(NAME_USED.format("add", "Host", "Host"))
        if any(host["address"] == body["address"] for host in data["hosts"].values()):
            raise refused("Cannot add Host. Host with the same address already exists.")


def _new(request: Request, data: Entity, fingerprint: str) -> Entity:
    body = request.body
    wanted = body.get("cluster") or {"name": "Default"}
    cluster = reference(data, "clusters", wanted, "Host [cluster] required for add")
    return {
        "id": new_id(),
        "name": body["name"],
        "address": body["address"],
        "comment": body.get("comment", ""),
        "cluster": {"id": cluster["id"]},
        "status": "installing",
        "type": "rhel",
        "port": 54321,
        "protocol": "stomp",
        "ssh": {
            "port": int((body.get("ssh") or {}).get("port", 22)),
            "user": {"user_name": "root"},
            "fingerprint": fingerprint,
            "authentication_method": "publickey",
        },
        "spm": {"priority": 5, "status": "none"},
        "external_status": "ok",
        "update_available": False,
        "_spm_id": _free_spm_id(data, cluster),
        "_activate": request.flag("activate", True),
        "_reboot": request.flag("reboot", True),
        "_deploy_hosted_engine": request.flag("deploy_hosted_engine"),
    }


def _free_spm_id(data: Entity, cluster: Entity) -> int:
    """The lowest number, from 1, that no host of the data center has."""
    taken = {
        host["_spm_id"]
        for host in data["hosts"].values()
        if data["clusters"][host["cluster"]["id"]].get("data_center") == cluster.get("data_center")
    }
    return next(number for number in range(1, 251) if number not in taken)


@route("PUT", "/hosts/{}")
def update(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        host = get(data, "hosts", identifier)
        host |= {k: v for k, v in request.body.items() if k in ("name", "comment")}
        return Answer("host", shown(data, host, False))


@route("DELETE", "/hosts/{}")
def remove(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        host = get(data, "hosts", identifier)
        if host["status"] not in REMOVABLE:
            raise refused(
                "Cannot remove Host. Host is operational. Please switch Host to "
                "Maintenance mode first."
            )
        if any((v.get("host") or {}).get("id") == identifier for v in data["vms"].values()):
            raise refused("Cannot remove Host. One or more VMs are still running on this Host.")
        del data["hosts"][identifier]
        return Answer("action", {"status": "complete"})


@route("POST", "/hosts/{}/activate", action=True)
def activate(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        host = get(data, "hosts", identifier)
        if host["status"] == "up":
            raise refused("Cannot activate Host. Host in Up status.")
        if host["status"] in ("installing", "install_failed"):
            raise refused("Cannot activate Host. Host must be installed first.")
        host["status"] = "unassigned"
        host["_misses"] = 0
        event(
            data,
            16,
            "normal",
            f"Activation of host {host['name']} initiated by admin@internal.",
            host=host,
        )
        request.engine.later(data, 0, "host_poll", identifier)
    return done()


@route("POST", "/hosts/{}/deactivate", action=True)
def deactivate(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        host = get(data, "hosts", identifier)
        if host["status"] in ("maintenance", "preparing_for_maintenance"):
            raise refused(
                "Cannot switch Host to Maintenance mode. Host is already in Maintenance mode."
            )
        running = [v for v in data["vms"].values() if (v.get("host") or {}).get("id") == identifier]
        others = [
            h for h in data["hosts"].values() if h["id"] != identifier and h["status"] == "up"
        ]
        if any(v.get("_origin") == 6 for v in running) and not others:
            raise refused(
                "Cannot switch the Host(s) to Maintenance mode.\nNone of the hosts capable of "
                "running the engine VM has score more than 0 and is in Up state."
            )
        host["status"] = "preparing_for_maintenance"
        request.engine.later(data, 1, "host_maintenance", identifier)
    return done()


@route("POST", "/hosts/{}/install", action=True)
def install(request: Request, identifier: str) -> Answer:
    """The action's body says what is wanted: the engine doesn't look at the query here."""
    body = request.body
    with request.engine.change() as data:
        host = get(data, "hosts", identifier)
        if host["status"] not in ("maintenance", "install_failed", "non_operational"):
            raise refused("Cannot install Host. Please move Host to Maintenance mode first.")
        host["status"] = "installing"
        host["_activate"] = body.get("activate", False)
        host["_reboot"] = body.get("reboot", True)
        host["_deploy_hosted_engine"] = body.get("deploy_hosted_engine", False)
        host["_undeploy_hosted_engine"] = body.get("undeploy_hosted_engine", False)
        request.engine.later(data, 0, "host_install", identifier)
    return done()


assert host_life, "imported for its tasks"
