"""Networks of the engine, of which one is the management network."""

from __future__ import annotations

from typing import Any

from ovirt_he.core.errors import NotYet
from ovirt_he.engine import connection, types
from salt.exceptions import CommandExecutionError


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str, datacenter: str, cluster: str) -> dict[str, Any] | None:
    """
    A network of a data center: ``id``, ``vlan``, ``mtu``, the name of the cluster's ``management``
    network, and the ``hosts`` of that data center; None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_network.get ovirtmgmt Default Default

    ``vlan`` 0: none; ``mtu`` in bytes, 0: the engine's default.
    """
    with _engine() as api:
        found = _find(api, name, datacenter)
        if found is None:
            return None
        return {
            "id": found.id,
            "management": _management(api, cluster),
            "vlan": found.vlan.id if found.vlan else 0,
            "mtu": found.mtu or 0,
            "hosts": _hosts(api, found.data_center.id),
        }


def names(datacenter: str) -> list[str]:
    """
    Names of the networks of a data center.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_network.names Default
    """
    with _engine() as api:
        return sorted(network.name for network in _networks(api, datacenter))


def update(name: str, datacenter: str, vlan: int = 0, mtu: int = 0) -> None:
    """
    Set VLAN and MTU of a network before it has hosts; 0 leaves what is there.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_network.update ovirtmgmt Default vlan=10 mtu=9000

    Raises CommandExecutionError where the data center has hosts, which a change could cut off, and
    when the engine refuses, with its reason.
    """
    with _engine() as api:
        found = _find(api, name, datacenter)
        if found is None:
            raise NotYet(f"The data center {datacenter} has no network {name} yet")
        if hosts := _hosts(api, found.data_center.id):
            raise CommandExecutionError(
                f"The network {name} has hosts already ({', '.join(hosts)}): changing its VLAN or "
                "MTU could cut them off. Change it in the engine, host by host"
            )
        changed = types.Network(mtu=mtu or None, vlan=types.Vlan(id=vlan) if vlan else None)
        api.networks_service().network_service(found.id).update(changed)


def _find(api: Any, name: str, datacenter: str) -> Any | None:
    return next((each for each in _networks(api, datacenter) if each.name == name), None)


def _networks(api: Any, datacenter: str) -> list[Any]:
    home = connection.find(api.data_centers_service(), datacenter, "data center")
    return list(api.data_centers_service().data_center_service(home.id).networks_service().list())


def _management(api: Any, cluster: str) -> str | None:
    """Name of a cluster's management network, for which its hosts have a bridge."""
    home = connection.find(api.clusters_service(), cluster, "cluster")
    for network in api.clusters_service().cluster_service(home.id).networks_service().list():
        if "management" in {usage.value for usage in network.usages or []}:
            return str(network.name)
    return None


def _hosts(api: Any, datacenter: str) -> list[str]:
    clusters = {
        cluster.id
        for cluster in api.clusters_service().list()
        if cluster.data_center is not None and cluster.data_center.id == datacenter
    }
    return sorted(
        host.name
        for host in api.hosts_service().list()
        if host.cluster is not None and host.cluster.id in clusters
    )
