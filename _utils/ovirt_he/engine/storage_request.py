"""A storage domain in the engine's API: as a request, and where it lies, in the pillar's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovirt_he.core.text import Secret
from ovirt_he.engine import connection, types
from ovirt_he.pillar import storage


def domain(
    api: Any,
    name: str,
    host: str,
    place: Mapping[str, Any],
    *,
    lun: Mapping[str, Any] | None,
    password: Secret | None,
) -> Any:
    """
    The SDK's entity; ``place`` has all keys of the pillar, ``lun`` what the domain is made on.

    Raises NotYet where the host isn't in the engine.
    """
    return types.StorageDomain(
        name=name,
        type=types.StorageDomainType.DATA,
        host=types.Host(name=host),
        storage_format=_format(api, host),
        storage=_on_lun(lun, place, password) if lun else _mounted(place),
        discard_after_delete=place["discard_after_delete"] if lun else None,
    )


def _mounted(place: Mapping[str, Any]) -> Any:
    kind = place["type"]
    return types.HostStorage(
        type=types.StorageType(kind),
        # Without brackets the engine refuses it, or splits it at the wrong colon.
        address=storage.in_url(place["address"]),
        path=place["path"],
        nfs_version=types.NfsVersion(place["nfs_version"]) if kind == "nfs" else None,
        vfs_type="glusterfs" if kind == "glusterfs" else None,
        mount_options=place["mount_options"] or None,
    )


def _on_lun(lun: Mapping[str, Any], place: Mapping[str, Any], password: Secret | None) -> Any:
    unit = types.LogicalUnit(id=lun["id"])
    if place["type"] == "iscsi":
        unit.address, unit.port, unit.target = lun["address"], lun["port"], lun["target"]
        if place["user"] and password:
            unit.username, unit.password = place["user"], password.value
    return types.HostStorage(
        type=types.StorageType(storage.api_name(place["type"])), logical_units=[unit]
    )


def _format(api: Any, host: str) -> Any:
    """v5 since cluster version 4.4; older engines refuse it."""
    found = connection.find(api.hosts_service(), host, "host")
    version = api.clusters_service().cluster_service(found.cluster.id).get().version
    new = (version.major, version.minor) >= (4, 4)
    return types.StorageFormat.V5 if new else types.StorageFormat.V4


def location(held: Any) -> dict[str, Any]:
    """Type and address, path, or target, lun, of a domain's storage as the API has it."""
    kind = storage.of_api_name(held.type.value) if held.type else None
    if not storage.is_block(str(kind)):
        address = (held.address or "").strip("[]")
        return {"type": kind, "address": address, "path": held.path}
    group = held.volume_group
    units = (group.logical_units if group else None) or held.logical_units or []
    lun = units[0] if units else None
    found = {"type": kind, "lun": lun.id if lun else None}
    return found | {"target": lun.target if lun else None} if kind == "iscsi" else found
