"""Networks of the engine."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.engine import compatibility
from salt.exceptions import CommandExecutionError


@state.converging
def present(name: str, datacenter: str, cluster: str, vlan: int = 0, mtu: int = 0) -> state.Goal:
    """
    Ensure that a cluster's management network has its VLAN and MTU, before it has a host.

    .. code-block:: yaml

        Management network is configured:
          ovirt_network.present:
            - name: ovirtmgmt
            - datacenter: Default
            - cluster: Default
            - vlan: 10
            - mtu: 9000

    0 leaves the engine's value. Once there are hosts, a difference is refused, not corrected. On a
    deployed host the network is the operator's: a difference is only reported.
    """
    options = {"vlan": vlan, "mtu": mtu}
    requested = {"management": name} | {key: value for key, value in options.items() if value}
    deployed = __salt__["hosted_engine.deployed"]()
    wanted: state.Facts = {} if deployed else requested

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None:
            networks = ", ".join(__salt__["ovirt_network.names"](datacenter))
            raise CommandExecutionError(
                f"The data center {datacenter} has no network {name}, only {networks}: set "
                "hosted_engine:network:name to its management network"
            )
        if now["management"] != name:
            raise CommandExecutionError(
                f"The management network of the cluster {cluster} is {now['management']}, not "
                f"{name}: set hosted_engine:network:name to that. While the cluster has no hosts, "
                "the engine lets you choose another (Networks, Manage Networks)"
            )
        if now["hosts"]:
            differing = state.drift(now, wanted)
            differences = ", ".join(
                f"{key} is {value['old']}, not {value['new']}" for key, value in differing.items()
            )
            raise CommandExecutionError(
                f"The network {name} has hosts already ({', '.join(now['hosts'])}), and its "
                f"{differences}: changing it could cut them off. Set hosted_engine:network to "
                "what it is, or change it in the engine, host by host"
            )
        return "ovirt_network.update", name, datacenter, vlan, mtu

    return state.Goal(
        wanted,
        read=lambda: __salt__["ovirt_network.get"](name, datacenter, cluster),
        step=step,
        remark=lambda now: compatibility.kept(now, requested) if deployed else "",
    )
