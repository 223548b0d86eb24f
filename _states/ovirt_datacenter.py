"""Data centers of the engine."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.engine import compatibility
from salt.exceptions import CommandExecutionError


@state.converging
def present(name: str, version: str = "", cluster: str = "") -> state.Goal:
    """
    Ensure that a data center for shared storage exists.

    .. code-block:: yaml

        Hosted engine data center exists:
          ovirt_datacenter.present:
            - name: Default
            - version: "4.7"
            - cluster: Default

    ``version``: its compatibility version. It is set when the data center is made, and during the
    deployment while it has no storage yet, as with the one that engine-setup makes; one that
    is in use is used as it is. ``cluster``: its cluster; where that belongs to another
    data center, this is refused before anything is made.
    """

    def wanted(now: state.Facts | None) -> state.Facts:
        _refuse_foreign(cluster, name)
        free = now is None or not (now["used"] or __salt__["hosted_engine.deployed"]())
        return {"name": name, "local": False} | ({"version": version} if version and free else {})

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None and __salt__["hosted_engine.deployed"]():
            raise CommandExecutionError(
                f"The engine has no data center {name}, though this host is deployed: set "
                "hosted_engine:datacenter:name to the one that it is in"
            )
        if now is None:
            return "ovirt_datacenter.add", name, version
        if now["local"]:
            raise CommandExecutionError(
                f"The data center {name} is for local storage, which can't hold a hosted engine: "
                "choose another in hosted_engine:datacenter:name"
            )
        return "ovirt_datacenter.update", name, version

    return state.Goal(
        wanted,
        read=lambda: __salt__["ovirt_datacenter.get"](name),
        step=step,
        remark=lambda now: compatibility.kept(now, {"version": version}),
    )


def _refuse_foreign(cluster: str, datacenter: str) -> None:
    found = __salt__["ovirt_cluster.get"](cluster) if cluster else None
    if found and found["datacenter"] != datacenter:
        raise CommandExecutionError(
            f"The cluster {cluster} belongs to the data center {found['datacenter']}, not to "
            f"{datacenter}: choose another name in hosted_engine:cluster:name"
        )
