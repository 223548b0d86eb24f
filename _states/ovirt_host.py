"""Hosts of the engine."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.engine.host_status import MAINTENANCE, PASSING
from salt.exceptions import CommandExecutionError

ADD = "ovirt_host.add"


@state.converging
def up(  # noqa: PLR0917  a state's arguments are its facts
    name: str,
    address: str,
    cluster: str,
    hosted_engine: bool = False,
    network: str = "ovirtmgmt",
    ssh_port: int = 22,
) -> state.Goal:
    """
    Ensure that the engine manages this host and that the host is up.

    .. code-block:: yaml

        Hosted engine manages this host:
          ovirt_host.up:
            - name: node1.example.com
            - address: node1.example.com
            - cluster: Default
            - network: ovirtmgmt

    Where the installation loses routes they are restored, and the network configuration is saved;
    where nothing is lost nothing is done. On a deployed host maintenance is an operator's intent:
    it is reported, not ended. Used where the host is added: ``hosted_engine``: with HA;
    ``network``: the cluster's management network; ``ssh_port``: where the engine signs in.
    """
    deployed = __salt__["hosted_engine.deployed"]()

    def read() -> state.Facts:
        host = __salt__["ovirt_host.get"](name) or {"status": "absent"}
        return {
            "status": host["status"],
            "address": host.get("address"),
            "cluster": host.get("cluster"),
            "authorized": __salt__["ovirt_host.authorized"](),
            "routes": __salt__["ovirt_host.routes"](),
        }

    def step(now: state.Facts | None, done: list[str]) -> state.Step:
        tidy = not deployed and ADD not in done
        verb = _step(now or {}, name, address, cluster, tidy=tidy)
        return (*verb, hosted_engine, network, ssh_port) if verb[0] == ADD else verb

    def wanted(now: state.Facts | None) -> state.Facts:
        facts: state.Facts = {"status": "up", "address": address, "authorized": True}
        if not deployed:
            return facts | {"cluster": cluster, "routes": "there"}
        if now and now["status"] in MAINTENANCE:
            facts["status"] = now["status"]
        return facts

    def remark(now: state.Facts) -> str:
        intended = deployed and now["status"] in MAINTENANCE
        return "In maintenance, as its operator set it" if intended else ""

    return state.Goal(wanted, read, step, remark)


def _step(now: state.Facts, name: str, address: str, cluster: str, *, tidy: bool) -> state.Step:
    """``tidy``: the host was left by an earlier run, and may be removed."""
    status, routes = now["status"], now["routes"]
    if not now["authorized"]:
        return ("ovirt_host.authorize",)
    if status == "absent":
        return ADD, name, address, cluster
    if now["address"] != address:
        raise CommandExecutionError(
            f"The engine already has a host {name}, at {now['address']} instead of {address}: "
            "change hosted_engine:host:name or :address, or remove that host in the engine"
        )
    if now["cluster"] != cluster and tidy:
        raise CommandExecutionError(
            f"The engine has the host {name} in the cluster {now['cluster']}: change "
            "hosted_engine:cluster:name, or remove that host in the engine"
        )
    # Removed and added again, since the engine's reinstallation would reboot the host.
    if tidy and (status == "install_failed" or (routes == "rolled back" and status not in PASSING)):
        return "ovirt_host.remove", name
    return _repair(now, name)


def _repair(now: state.Facts, name: str) -> state.Step:
    status, routes = now["status"], now["routes"]
    if status in PASSING:
        return "ovirt_host.wait", name
    if routes == "lost":
        return ("ovirt_host.restore_routes",)
    if routes == "unsaved":
        return ("vdsm.save_network",)
    if status in ("non_operational", "maintenance"):
        return "ovirt_host.activate", name
    raise CommandExecutionError(
        f"The host {name} is {status} in the engine.\n{__salt__['ovirt_event.explanation'](name)}"
    )
