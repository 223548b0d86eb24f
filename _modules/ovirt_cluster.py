"""Clusters of the engine."""

from __future__ import annotations

from typing import Any

import hosted_engine_connection as connection
from hosted_engine_state import NotYet


def get(name: str) -> dict[str, Any] | None:
    """
    A cluster: ``id``, ``name``, ``datacenter``, ``version``, ``cpu``; None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_cluster.get Default
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        found = connection.named(api.clusters_service(), name)
        if found is None:
            return None
        home = None
        if found.data_center is not None:
            home = api.data_centers_service().data_center_service(found.data_center.id).get().name
        return {
            "id": found.id,
            "name": found.name,
            "datacenter": home,
            "version": f"{found.version.major}.{found.version.minor}" if found.version else None,
            "cpu": found.cpu.type if found.cpu else None,
        }


def add(name: str, datacenter: str) -> None:
    """
    Add a cluster to a data center. Its CPU type follows from its first host.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_cluster.add Default Default

    Raises CommandExecutionError when the engine refuses, with its reason.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        home = connection.named(api.data_centers_service(), datacenter)
        if home is None:
            raise NotYet(f"The data center {datacenter} isn't there yet")
        api.clusters_service().add(
            types.Cluster(
                name=name,
                data_center=types.DataCenter(id=home.id),
                virt_service=True,
                gluster_service=False,
            )
        )
