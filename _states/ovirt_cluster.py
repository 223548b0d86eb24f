"""Clusters of the engine."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.engine import compatibility
from salt.exceptions import CommandExecutionError


@state.converging
def present(
    name: str,
    datacenter: str,
    version: str = "",
    cpu_type: str = "",
    gluster_service: bool = False,
) -> state.Goal:
    """
    Ensure that a cluster exists in a data center.

    .. code-block:: yaml

        Hosted engine cluster exists:
          ovirt_cluster.present:
            - name: Default
            - datacenter: Default
            - version: "4.7"
            - cpu_type: Intel Nehalem Family
            - gluster_service: false

    Version and CPU type are set when the cluster is made, and during the deployment while it
    has no hosts yet, as with the one that engine-setup makes; one that has hosts is used as it is.
    The Gluster service is switched on during the deployment, and never off. Afterwards all of it is
    the operator's.
    """
    requested = {"version": version, "cpu": cpu_type}

    def wanted(now: state.Facts | None) -> state.Facts:
        deployed = __salt__["hosted_engine.deployed"]()
        facts: state.Facts = {"datacenter": datacenter}
        if now is None or not (now["used"] or deployed):
            facts |= {fact: value for fact, value in requested.items() if value}
        if gluster_service and not deployed:
            facts["gluster"] = True
        return facts

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None and __salt__["hosted_engine.deployed"]():
            raise CommandExecutionError(
                f"The engine has no cluster {name}, though this host is deployed: set "
                "hosted_engine:cluster:name to the one that it is in"
            )
        if now is None:
            return "ovirt_cluster.add", name, datacenter, version, cpu_type, gluster_service
        if now["datacenter"] != datacenter:
            raise CommandExecutionError(
                f"The cluster {name} belongs to the data center {now['datacenter']}, not to "
                f"{datacenter}: choose another name in hosted_engine:cluster:name"
            )
        free = ("", "") if now["used"] else (version, cpu_type)
        return "ovirt_cluster.update", name, *free, gluster_service

    return state.Goal(
        wanted,
        read=lambda: __salt__["ovirt_cluster.get"](name),
        step=step,
        remark=lambda now: compatibility.kept(now, requested),
    )
