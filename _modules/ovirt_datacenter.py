"""Data centers of the engine."""

from __future__ import annotations

from typing import Any

import hosted_engine_connection as connection


def get(name: str) -> dict[str, Any] | None:
    """
    A data center: ``id``, ``name``, ``status``, ``local``, ``version``; None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.get Default
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        found = connection.named(api.data_centers_service(), name)
        if found is None:
            return None
        return {
            "id": found.id,
            "name": found.name,
            "status": found.status.value if found.status else None,
            "local": bool(found.local),
            "version": f"{found.version.major}.{found.version.minor}" if found.version else None,
        }


def add(name: str) -> None:
    """
    Add a data center for shared storage.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_datacenter.add Default

    Raises CommandExecutionError when the engine refuses, with its reason.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        api.data_centers_service().add(types.DataCenter(name=name, local=False))
