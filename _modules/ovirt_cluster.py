"""Clusters of the engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.engine import compatibility, connection, types


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str) -> dict[str, Any] | None:
    """
    A cluster: ``id``, ``name``, ``datacenter``, ``version``, ``cpu``, ``gluster`` (whether it has
    Gluster's service), ``used`` (whether it has hosts); None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_cluster.get Default
    """
    with _engine() as api:
        found = connection.named(api.clusters_service(), name)
        if found is None:
            return None
        home = None
        if found.data_center is not None:
            home = api.data_centers_service().data_center_service(found.data_center.id).get().name
        hosts = api.hosts_service().list()
        return {
            "id": found.id,
            "name": found.name,
            "datacenter": home,
            "version": compatibility.version_of(found),
            "cpu": found.cpu.type if found.cpu else None,
            "gluster": bool(found.gluster_service),
            "used": any(host.cluster.id == found.id for host in hosts if host.cluster),
        }


def add(
    name: str,
    datacenter: str,
    version: str = "",
    cpu_type: str = "",
    gluster_service: bool = False,
) -> None:
    """
    Add a cluster to a data center.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_cluster.add North-1 North 4.7 'Intel Nehalem Family'

    ``version``: its compatibility version, empty: the data center's. ``cpu_type``, empty: that of
    its first host. ``gluster_service``: for hosts that are storage as well.

    Raises CommandExecutionError for a version or a CPU type that the engine doesn't offer, and when
    the engine refuses, with its reason.
    """
    with _engine() as api:
        home = connection.find(api.data_centers_service(), datacenter, "data center")
        level = version or compatibility.version_of(home) or ""
        api.clusters_service().add(
            types.Cluster(
                name=name,
                data_center=types.DataCenter(id=home.id),
                version=compatibility.version(api, "cluster:version", version),
                cpu=compatibility.cpu(api, level, cpu_type),
                virt_service=True,
                gluster_service=gluster_service,
            )
        )


def update(name: str, version: str = "", cpu_type: str = "", gluster_service: bool = False) -> None:
    """
    Set version, CPU type or the Gluster service of a cluster, which is never disabled.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_cluster.update Default 4.7 gluster_service=True

    Raises CommandExecutionError for a version or a CPU type that the engine doesn't offer, and when
    the engine refuses, with its reason.
    """
    with _engine() as api:
        service = api.clusters_service()
        found = connection.find(service, name, "cluster")
        level = version or compatibility.version_of(found) or ""
        changed = types.Cluster(
            version=compatibility.version(api, "cluster:version", version),
            cpu=compatibility.cpu(api, level, cpu_type),
            gluster_service=True if gluster_service else None,
        )
        service.cluster_service(found.id).update(changed)
