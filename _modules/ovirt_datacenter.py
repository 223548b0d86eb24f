"""Data centers of the engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.engine import compatibility, connection, types


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str) -> dict[str, Any] | None:
    """
    A data center: ``id``, ``name``, ``status``, ``local``, ``version``, ``used`` (it has, or had,
    storage); None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.get Default
    """
    with _engine() as api:
        found = connection.named(api.data_centers_service(), name)
        if found is None:
            return None
        status = found.status.value if found.status else None
        return {
            "id": found.id,
            "name": found.name,
            "status": status,
            "local": bool(found.local),
            "version": compatibility.version_of(found),
            "used": status != "uninitialized",
        }


def add(name: str, version: str = "") -> None:
    """
    Add a data center for shared storage; ``version``: its compatibility version, empty: the
    engine's.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.add North 4.7

    Raises CommandExecutionError for a version that the engine doesn't offer, and when the engine
    refuses, with its reason.
    """
    with _engine() as api:
        api.data_centers_service().add(
            types.DataCenter(
                name=name,
                local=False,
                version=compatibility.version(api, "datacenter:version", version),
            )
        )


def update(name: str, version: str) -> None:
    """
    Set the compatibility version of a data center.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.update Default 4.7

    Raises CommandExecutionError for a version that the engine doesn't offer, and when the engine
    refuses, with its reason.
    """
    with _engine() as api:
        service = api.data_centers_service()
        found = connection.find(service, name, "data center")
        level = compatibility.version(api, "datacenter:version", version)
        service.data_center_service(found.id).update(types.DataCenter(version=level))
