"""Clusters of the engine, as they should be."""

from __future__ import annotations

from typing import Any

import hosted_engine_state as state
from salt.exceptions import CommandExecutionError


def present(name: str, datacenter: str) -> dict[str, Any]:
    """
    Ensure that a cluster exists in a data center.

    .. code-block:: yaml

        Cluster of the hosted engine is there:
          ovirt_cluster.present:
            - name: Default
            - datacenter: Default

    One that exists is used as it is.
    """

    def step(now: state.Facts | None) -> state.Step:
        if now is not None:
            raise CommandExecutionError(
                f"The cluster {name} belongs to the data center {now['datacenter']}, not to "
                f"{datacenter}: choose another name in hosted_engine:cluster:name"
            )
        return "ovirt_cluster.add", name, datacenter

    return state.converge(
        name,
        {"datacenter": datacenter},
        read=lambda: __salt__["ovirt_cluster.get"](name),
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
