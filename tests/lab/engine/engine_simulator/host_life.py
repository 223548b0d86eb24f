"""What happens to a host in time: installed, watched, up, non-operational, in maintenance."""

from __future__ import annotations

import contextlib
import time

from . import guests
from .engine import Engine, Unreachable, VerbFailed, task
from .state import Data, Entity, event

# Polls that fail before a host counts as non-responsive.
MISSES = 3
# Seconds until an installation fails that a fault lets fail: no real one fails at once.
INSTALLATION_FAILS = 10.0
POLL_UP = 8.0
# The engine's own words when it doesn't know which host runs its VM.
NOWHERE = (
    'Cannot invoke "org.ovirt.engine.core.common.businessentities.VDS.getHostName()" because "vds" '
    "is null"
)
POLL_WAITING = 1.0


@task("host_install", "host")
def install(engine: Engine, identifier: str) -> None:
    """Prepare the host by ssh; what fails ends in install_failed with an event."""
    with engine.change() as data:
        if identifier not in data["hosts"]:
            return
        host = dict(data["hosts"][identifier])
        event(data, 509, "normal", f"Installing Host {host['name']}. Connected to host.", host=host)
    try:
        if engine.faults.get("host_install") == "install_failed":
            time.sleep(INSTALLATION_FAILS * engine.speed)
            raise VerbFailed(
                1,
                "Task Install ovirt-host package if it isn't installed failed to "
                "execute. Please check logs for more details",
            )
        engine.hosts.install(host["address"])
        if host["_deploy_hosted_engine"]:
            deploy_hosted_engine(engine, host)
        elif host.get("_undeploy_hosted_engine"):
            engine.hosts.undeploy_hosted_engine(host["address"])
        if host["_reboot"]:
            engine.hosts.reboot(host["address"])
    except (Unreachable, VerbFailed) as err:
        with engine.change() as data:
            _install_failed(data, data["hosts"].get(identifier), str(err))
        return
    with engine.change() as data:
        installed = data["hosts"].get(identifier)
        if installed is None:
            return
        installed["status"] = "reboot" if host["_reboot"] else "initializing"
        installed["_misses"] = 0
        if not host["_activate"]:
            installed["status"] = "maintenance"
        event(data, 520, "normal", f"Host {host['name']} installed", host=host)
        engine.later(data, 3 if host["_reboot"] else 1, "host_poll", identifier)


def _install_failed(data: Data, host: Entity | None, why: str) -> None:
    if host is None:
        return
    host["status"] = "install_failed"
    event(
        data,
        511,
        "error",
        f"An error has occurred during installation of Host {host['name']}: {why}.",
        host=host,
    )
    event(data, 505, "error", f"Host {host['name']} installation failed. {why}.", host=host)


def deploy_hosted_engine(engine: Engine, host: Entity) -> None:
    """HA on an additional host: the configuration comes from the host that runs the engine's VM."""
    with engine.change() as data:
        engine_vm = next((v for v in data["vms"].values() if v.get("_origin") == 6), None)
        source = data["hosts"].get(((engine_vm or {}).get("host") or {}).get("id"))
    if source is None:
        raise VerbFailed(1, NOWHERE)
    engine.hosts.deploy_hosted_engine(source["address"], host["address"], host["_spm_id"])


@task("host_maintenance", "host")
def maintenance(engine: Engine, identifier: str) -> None:
    with engine.change() as data:
        host = data["hosts"].get(identifier)
        if host and host["status"] == "preparing_for_maintenance":
            host["status"] = "maintenance"
            host["spm"]["status"] = "none"
            event(
                data,
                600,
                "normal",
                f"Host {host['name']} was switched to Maintenance Mode.",
                host=host,
            )
            elect_spm(data)


@task("host_poll", "host")
def poll(engine: Engine, identifier: str) -> None:
    """Look at the host, set its status by what is seen, and look again later."""
    with engine.change() as data:
        host = data["hosts"].get(identifier)
        if host is None or host["status"] in ("installing", "install_failed"):
            return
        address, known = host["address"], "hardware_information" in host
    try:
        seen = engine.hosts.poll(address)
        capabilities = None if known else engine.hosts.verb(address, "Host.getCapabilities")
    except (Unreachable, VerbFailed) as err:
        with engine.change() as data:
            _missed(engine, data, identifier, str(err))
        return
    connect_storage(engine, identifier)
    with engine.change() as data:
        host = data["hosts"].get(identifier)
        if host is None or host["status"] in ("installing", "install_failed"):
            return
        if capabilities is not None:
            describe(host, capabilities)
        _seen(data, host, seen, engine.faults.get("network_lost") is True)
        waiting = host["status"] not in ("up", "maintenance")
        engine.later(data, POLL_WAITING if waiting else POLL_UP, "host_poll", identifier)


def connect_storage(engine: Engine, identifier: str) -> None:
    """
    Connect the data center's storage on a host that is about to become up.

    Only then: a host that counts as up is believed to be connected still, after a boot as well.
    """
    with engine.look() as data:
        host = data["hosts"].get(identifier)
        if host is None or host["status"] in ("up", "maintenance", "preparing_for_maintenance"):
            return
        address = host["address"]
        home = data["clusters"][host["cluster"]["id"]].get("data_center") or {}
        wanted = [
            each
            for domain in data["storagedomains"].values()
            if domain["_attached"] and domain["_attached"] == home.get("id")
            for each in domain["_connections"]
        ]
    for each in wanted:
        # A domain that can't be reached is told elsewhere.
        with contextlib.suppress(Unreachable, VerbFailed):
            engine.hosts.verb(address, "StorageDomain.connect", **each)


def _missed(engine: Engine, data: Data, identifier: str, why: str) -> None:
    host = data["hosts"].get(identifier)
    if host is None:
        return
    host["_misses"] = host.get("_misses", 0) + 1
    waiting = ("maintenance", "reboot", "non_responsive", "preparing_for_maintenance")
    if host["status"] not in waiting:
        if host["_misses"] < MISSES:
            host["status"] = "initializing" if host["status"] == "initializing" else "connecting"
        else:
            host["status"] = "non_responsive"
            event(data, 12, "alert", f"Host {host['name']} is non responsive. {why}", host=host)
            host["spm"]["status"] = "none"
            elect_spm(data)
    engine.later(data, POLL_WAITING, "host_poll", identifier)


def _seen(data: Data, host: Entity, seen: Entity, network_lost: bool) -> None:
    host["_misses"] = 0
    host["_hosted_engine"] = hosted_engine(seen.get("hosted_engine") or {})
    guests.merge(data, host, seen.get("vms") or [])
    if host["status"] in ("maintenance", "preparing_for_maintenance"):
        return
    fine = bool((seen.get("stats") or {}).get("network_ok")) and not network_lost
    before, host["status"] = host["status"], "up" if fine else "non_operational"
    if host["status"] == before:
        return
    if fine:
        event(data, 13, "normal", f"Status of host {host['name']} was set to Up.", host=host)
    else:
        cluster = data["clusters"][host["cluster"]["id"]]
        event(
            data,
            519,
            "error",
            f"Host {host['name']} does not comply with the cluster {cluster['name']} networks, "
            "the following networks are missing on host: 'ovirtmgmt'",
            host=host,
            cluster=cluster,
        )
        event(data, 154, "error", f"Host {host['name']} moved to Non-Operational state.", host=host)
    elect_spm(data)


def elect_spm(data: Data) -> None:
    """One up host of each data center with an active domain manages its storage."""
    for datacenter in data["datacenters"].values():
        attached = [
            d for d in data["storagedomains"].values() if d.get("_attached") == datacenter["id"]
        ]
        hosts = [
            h
            for h in data["hosts"].values()
            if (data["clusters"][h["cluster"]["id"]].get("data_center") or {}).get("id")
            == datacenter["id"]
        ]
        up = [h for h in hosts if h["status"] == "up"]
        for host in hosts:
            if host not in up:
                host["spm"]["status"] = "none"
        if not attached:
            datacenter["status"] = "uninitialized"
            continue
        active = any(d["_status"] == "active" for d in attached)
        datacenter["status"] = "up" if up and active else "non_responsive"
        if active and up and not any(h["spm"]["status"] == "spm" for h in up):
            up[0]["spm"]["status"] = "spm"


def hosted_engine(seen: Entity) -> Entity | None:
    """HA's section of a host, or None where HA isn't configured."""
    if not seen.get("configured"):
        return None
    return {
        "active": bool(seen.get("active")),
        "configured": True,
        "score": int(seen.get("score") or 0),
        "global_maintenance": bool(seen.get("globalMaintenance")),
        "local_maintenance": bool(seen.get("localMaintenance")),
    }


def describe(host: Entity, capabilities: Entity) -> None:
    """What the host says about itself, where it says it."""
    host["hardware_information"] = {
        "uuid": str(capabilities.get("uuid") or ""),
        "manufacturer": str(capabilities.get("manufacturer") or "lab"),
    }
    cores = int(capabilities.get("cpuCores") or 1)
    host["cpu"] = {
        "name": str(capabilities.get("cpuModel") or "unknown"),
        "topology": {"cores": cores, "sockets": 1, "threads": 1},
    }
    host["memory"] = int(capabilities.get("memSize") or 0) * 1024 * 1024
    host["version"] = {"major": 4, "minor": 50, "full_version": "vdsm-4.50.5.1-1.el9"}


def recover(engine: Engine) -> None:
    """At the engine's start: an interrupted installation failed; hosts are looked at again."""
    with engine.change() as data:
        for host in data["hosts"].values():
            if host["status"] == "installing":
                data["tasks"] = [t for t in data["tasks"] if t["id"] != host["id"]]
                _install_failed(data, host, "The engine was restarted during the installation")
            elif host["status"] != "install_failed":
                engine.later(data, 0, "host_poll", host["id"])
