"""A storage domain, as a request to the engine's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovirt_he.core.text import Secret
from ovirt_he.engine import connection
from ovirt_he.pillar import storage as kinds


def domain(
    api: Any,
    name: str,
    host: str,
    storage: Mapping[str, Any],
    *,
    lun: Mapping[str, Any] | None,
    password: Secret | None,
) -> Any:
    """
    The SDK's entity; ``storage`` has all keys of the pillar, ``lun`` what the domain is made on.

    Raises NotYet where the host isn't in the engine.
    """
    from ovirtsdk4 import types

    return types.StorageDomain(
        name=name,
        type=types.StorageDomainType.DATA,
        host=types.Host(name=host),
        storage_format=_format(api, host),
        storage=_on_lun(lun, storage, password) if lun else _mounted(storage),
        discard_after_delete=storage["discard_after_delete"] if lun else None,
    )


def _mounted(storage: Mapping[str, Any]) -> Any:
    from ovirtsdk4 import types

    kind = storage["type"]
    return types.HostStorage(
        type=types.StorageType(kind),
        # Without brackets the engine refuses it, or splits it at the wrong colon.
        address=kinds.in_url(storage["address"]),
        path=storage["path"],
        nfs_version=types.NfsVersion(storage["nfs_version"]) if kind == "nfs" else None,
        vfs_type="glusterfs" if kind == "glusterfs" else None,
        mount_options=storage["mount_options"] or None,
    )


def _on_lun(lun: Mapping[str, Any], storage: Mapping[str, Any], password: Secret | None) -> Any:
    from ovirtsdk4 import types

    unit = types.LogicalUnit(id=lun["id"])
    if storage["type"] == "iscsi":
        unit.address, unit.port, unit.target = lun["address"], lun["port"], lun["target"]
        if storage["user"] and password:
            unit.username, unit.password = storage["user"], password.value
    return types.HostStorage(
        type=types.StorageType(kinds.api_name(storage["type"])), logical_units=[unit]
    )


def _format(api: Any, host: str) -> Any:
    """v5 since cluster version 4.4; older engines refuse it."""
    from ovirtsdk4 import types

    found = connection.find(api.hosts_service(), host, "host")
    version = api.clusters_service().cluster_service(found.cluster.id).get().version
    new = (version.major, version.minor) >= (4, 4)
    return types.StorageFormat.V5 if new else types.StorageFormat.V4
