"""A storage domain in the engine's API: as a request, and where it lies, in the pillar's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovirt_he.core.text import Secret
from ovirt_he.engine import connection, types
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
    return types.StorageDomain(
        name=name,
        type=types.StorageDomainType.DATA,
        host=types.Host(name=host),
        storage_format=_format(api, host),
        storage=_on_lun(lun, storage, password) if lun else _mounted(storage),
        discard_after_delete=storage["discard_after_delete"] if lun else None,
    )


def _mounted(storage: Mapping[str, Any]) -> Any:
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
    found = connection.find(api.hosts_service(), host, "host")
    version = api.clusters_service().cluster_service(found.cluster.id).get().version
    new = (version.major, version.minor) >= (4, 4)
    return types.StorageFormat.V5 if new else types.StorageFormat.V4


def place(storage: Any) -> dict[str, Any]:
    """Type and address, path, or target, lun, of what the API has as a domain's storage."""
    kind = kinds.of_api_name(storage.type.value) if storage.type else None
    if not kinds.is_block(str(kind)):
        address = (storage.address or "").strip("[]")
        return {"type": kind, "address": address, "path": storage.path}
    group = storage.volume_group
    units = (group.logical_units if group else None) or storage.logical_units or []
    lun = units[0] if units else None
    found = {"type": kind, "lun": lun.id if lun else None}
    return found | {"target": lun.target if lun else None} if kind == "iscsi" else found
