"""Data centers of the engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.core.errors import NotYet
from ovirt_he.engine import compatibility as levels
from ovirt_he.engine import connection


def get(name: str) -> dict[str, Any] | None:
    """
    A data center: ``id``, ``name``, ``status``, ``local``, ``version``, ``used`` (it has, or had,
    storage); None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.get Default
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        found = connection.named(api.data_centers_service(), name)
        if found is None:
            return None
        status = found.status.value if found.status else None
        return {
            "id": found.id,
            "name": found.name,
            "status": status,
            "local": bool(found.local),
            "version": levels.version_of(found),
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
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        api.data_centers_service().add(
            types.DataCenter(
                name=name,
                local=False,
                version=levels.version(api, "datacenter:version", version),
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
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        service = api.data_centers_service()
        found = connection.named(service, name)
        if found is None:
            raise NotYet(f"The data center {name} isn't there yet")
        wanted = types.DataCenter(version=levels.version(api, "datacenter:version", version))
        service.data_center_service(found.id).update(wanted)
