"""Hosts of the engine; repair of what the engine's installation of a host breaks."""

from __future__ import annotations

import time
from typing import Any

from ovirt_he.core import records
from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, types
from ovirt_he.engine.patience import patient
from ovirt_he.host import address_family, authorized_keys, routes
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

__func_alias__ = {"routes_": "routes"}

# After the network was saved the engine activates the host by itself, at its next check.
CHECK_SECONDS = 10


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str) -> dict[str, Any] | None:
    """
    A host: ``id``, ``status``, ``address``, ``cluster``; None where the engine has none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.get node1.example.com
    """
    with _engine() as api:
        found = connection.named(api.hosts_service(), name)
        if found is None:
            return None
        cluster = None
        if found.cluster is not None:
            cluster = api.clusters_service().cluster_service(found.cluster.id).get().name
        return {
            "id": found.id,
            "status": found.status.value if found.status else None,
            "address": found.address,
            "cluster": cluster,
        }


def authorized() -> bool:
    """
    Whether the engine may sign in to this host as root, by the key that it publishes.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.authorized
    """
    return authorized_keys.holds(_public_key())


def authorize() -> None:
    """
    Let the engine sign in to this host as root: append its key to root's authorized_keys.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.authorize
    """
    key = _public_key().strip()
    # hosted_engine.clean removes it by this record, when there is no engine to ask any more.
    records.update("deployment", key=key)
    authorized_keys.add(key)


def _public_key() -> str:
    return connection.pki_resource(__pillar__, __grains__, "engine-certificate", "OPENSSH-PUBKEY")


def routes_() -> str:
    """
    The state of this host's routes since it was added: ``there``, ``lost``, ``unsaved`` (restored,
    but lost again at the next boot), or ``rolled back`` (a boot undid the engine's network).

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.routes
    """
    return routes.state()


def restore_routes() -> None:
    """
    Add the routes and rules that this host has lost since the engine installed it.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.restore_routes
    """
    routes.restore()


def add(  # noqa: PLR0917  what a host is added with
    name: str,
    address: str,
    cluster: str,
    hosted_engine: bool = False,
    network: str = "ovirtmgmt",
    ssh_port: int = 22,
) -> None:
    """
    Have the engine install this host, without a reboot; its routes are recorded before.

    ``hosted_engine``: with HA, by the configuration of the host that runs the engine's VM.
    ``network``: the cluster's management network, whose bridge takes over the host's address.
    ``ssh_port``: where the engine signs in to the host.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.add node1.example.com node1.example.com Default

    It doesn't wait. Raises CommandExecutionError when the engine refuses, when another of its hosts
    has this address, when no interface of this host has it, or, with HA, when the engine doesn't
    find out where its VM runs.
    """
    if hosted_engine:
        __salt__["ovirt_hosted_engine.wait_for_vm"]()
    with _engine() as api:
        home = connection.find(api.clusters_service(), cluster, "cluster")
        for other in api.hosts_service().list():
            if other.address == address:
                raise CommandExecutionError(
                    f"The engine already has {address}, as its host {other.name}: set "
                    f"hosted_engine:host:name to that, or remove it in the engine"
                )
        routes.remember(_addresses(address), network)
        host = types.Host(
            name=name,
            address=address,
            cluster=types.Cluster(id=home.id),
            ssh=types.Ssh(
                authentication_method=types.SshAuthenticationMethod.PUBLICKEY,
                port=ssh_port,
            ),
        )
        # A reboot, which is the engine's default, would end this run.
        ha = {"deploy_hosted_engine": True} if hosted_engine else {}
        api.hosts_service().add(host, activate=True, reboot=False, **ha)


def _addresses(name: str) -> list[str]:
    """Its addresses of the family that host and engine use for each other."""
    family = address_family.of(settings.load(__pillar__, __grains__))
    if found := address_family.addresses(name, family):
        return found
    raise CommandExecutionError(
        f"hosted_engine:host:address: {name} has no {address_family.NAMES[family]} address here: "
        "fix DNS or /etc/hosts, or see hosted_engine:network:family"
    )


def wait(name: str) -> None:
    """
    Wait until the engine has finished with the host: up, non operational, or in maintenance.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.wait node1.example.com

    Raises CommandExecutionError at once when its installation failed, or after ``timeouts:host``
    seconds, with the engine's events about it.
    """
    _wait_for(name, ("up", "non_operational", "maintenance"))


def activate(name: str) -> None:
    """
    Activate a host and wait until it is up.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.activate node1.example.com

    Raises CommandExecutionError when it becomes non operational again, or isn't up within
    ``timeouts:host`` seconds, with the engine's events about it.
    """
    next_check = time.monotonic() + CHECK_SECONDS
    idle = ("non_operational", "maintenance")
    # The engine doesn't activate a host in maintenance by itself.
    wait_for(
        f"the engine's next check of {name}",
        lambda: _status(name),
        lambda status: status != "non_operational" or time.monotonic() > next_check,
        timeout=2 * CHECK_SECONDS,
    )
    if _status(name) not in idle:
        _wait_for(name, ("up",))
        return
    with _engine() as api:
        host = connection.find(api.hosts_service(), name, "host")
        api.hosts_service().host_service(host.id).activate()
    # Activation is asynchronous: the old status may be reported a little longer.
    settled = time.monotonic() + CHECK_SECONDS
    _wait_for(name, ("up",), overdue=lambda status: status in idle and time.monotonic() > settled)


def remove(name: str) -> None:
    """
    Remove a host from the engine and wait until it is gone; nothing changes on the host itself.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host.remove node1.example.com

    Raises CommandExecutionError on a deployed host: its engine runs there.
    """
    if __salt__["hosted_engine.deployed"]():
        raise CommandExecutionError(
            f"{name} runs a deployed hosted engine: it isn't removed from its engine"
        )
    with _engine() as api:
        host = connection.named(api.hosts_service(), name)
        if host is None:
            return
        api.hosts_service().host_service(host.id).remove()
    _wait_for(name, ("absent",))


def _status(name: str) -> str:
    """While the management address moves onto its bridge, the engine is unreachable for a while."""
    outage = settings.load(__pillar__, __grains__)["timeouts"]["outage"]
    host = patient(lambda: get(name), outage)()
    return str(host["status"]) if host else "absent"


def _wait_for(name: str, wanted: tuple[str, ...], overdue: Any = lambda _: False) -> None:
    def failed(status: str) -> str | None:
        if status == "install_failed":
            return "the engine couldn't install the host"
        if status == "absent":
            return "the engine has no such host"
        return f"the host is {status}" if overdue(status) else None

    wait_for(
        f"the host {name} to be {' or '.join(wanted)} in the engine",
        lambda: _status(name),
        lambda status: status in wanted,
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["host"],
        failed=failed,
        explain=lambda: __salt__["ovirt_event.explanation"](name),
    )
