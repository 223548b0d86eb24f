"""Storage domains of the engine."""

from __future__ import annotations

from typing import Any

import hosted_engine_connection as connection
import hosted_engine_record as record
import hosted_engine_settings as settings
import hosted_engine_storage as kinds
from hosted_engine_state import NotYet
from hosted_engine_wait import wait as _wait
from salt.exceptions import CommandExecutionError

GIB = kinds.GIB
SPARE_GIB = kinds.SPARE_GIB
# The ids of the domains that this very run made: only those may be formatted again.
MADE = "ovirt_storage_domain.made"


def get(name: str) -> dict[str, Any] | None:
    """
    A storage domain: ``id``, ``datacenter`` (None: not attached), ``status``, ``storage`` (type and
    address, path, or target, lun), ``available`` and ``reserved`` (bytes; None: not known yet);
    None: no domain.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.get hosted_storage
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        found = connection.named(api.storage_domains_service(), name)
        if found is None:
            return None
        homes = list(found.data_centers or []) or [found.data_center]
        home = homes[0].id if homes[0] is not None else None
        datacenter = attached = None
        if home is not None:
            service = api.data_centers_service().data_center_service(home)
            datacenter = service.get().name
            # An attached domain has a status only within its data center; its LUNs only outside.
            attached = service.storage_domains_service().storage_domain_service(found.id).get()
        status = (attached or found).status
        return {
            "id": found.id,
            "datacenter": datacenter,
            "status": status.value if status else None,
            "storage": _storage(found.storage),
            "available": found.available,
            "reserved": (found.critical_space_action_blocker or 0) * GIB,
        }


def _storage(storage: Any) -> dict[str, Any]:
    """Where a domain lies, in the pillar's words."""
    kind = kinds.of_api_name(storage.type.value) if storage.type else None
    if not kinds.is_block(str(kind)):
        address = (storage.address or "").strip("[]")
        return {"type": kind, "address": address, "path": storage.path}
    group = storage.volume_group
    units = (group.logical_units if group else None) or storage.logical_units or []
    lun = units[0] if units else None
    found = {"type": kind, "lun": lun.id if lun else None}
    return found | {"target": lun.target if lun else None} if kind == "iscsi" else found


def add(name: str, host: str, storage: dict[str, Any]) -> None:
    """
    Create a data domain on empty storage, and check that the engine's disk will find room there.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.add hosted_storage node1.example.com \\
            '{type: nfs, address: nas.example.com, path: /exports/engine}'

    All but where it lies comes from the pillar: NFS version, mount options, portals, CHAP, discard.
    On iscsi and fc the engine takes the LUN that ``ovirt_host_storage.choose`` finds.

    Raises CommandExecutionError when the engine refuses, when no LUN fits, or when there is too
    little room: the domain is then removed again.
    """
    wanted = settings.load(__pillar__, __grains__)
    block = kinds.is_block(storage["type"])
    lun = __salt__["ovirt_host_storage.choose"](host) if block else None
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        domain = types.StorageDomain(
            name=name,
            type=types.StorageDomainType.DATA,
            host=types.Host(name=host),
            storage_format=_format(api, types, host),
            storage=_on_lun(lun, wanted["storage"])
            if lun
            else _mounted(wanted["storage"], storage),
            discard_after_delete=wanted["storage"]["discard_after_delete"] if block else None,
        )
        made = api.storage_domains_service().add(domain).id
    __context__.setdefault(MADE, []).append(made)
    # hosted_engine.clean takes it down by this, when no engine is left to ask.
    record.write("deployment", (record.read("deployment") or {}) | {"made": made})
    wait(name)
    try:
        check_room(name)
    except CommandExecutionError:
        remove(name, host)
        raise


def _mounted(wanted: dict[str, Any], storage: dict[str, Any]) -> Any:
    from ovirtsdk4 import types

    kind = storage["type"]
    return types.HostStorage(
        type=types.StorageType(kind),
        # Without brackets the engine refuses it, or splits it at the wrong colon.
        address=kinds.in_url(storage["address"]),
        path=storage["path"],
        nfs_version=types.NfsVersion(wanted["nfs_version"]) if kind == "nfs" else None,
        vfs_type="glusterfs" if kind == "glusterfs" else None,
        mount_options=wanted["mount_options"] or None,
    )


def _on_lun(lun: dict[str, Any], wanted: dict[str, Any]) -> Any:
    from ovirtsdk4 import types

    unit = types.LogicalUnit(id=lun["id"])
    if wanted["type"] == "iscsi":
        unit.address, unit.port, unit.target = lun["address"], lun["port"], lun["target"]
        password = settings.secret(__pillar__, "iscsi_password")
        if wanted["user"] and password:
            unit.username, unit.password = wanted["user"], password.value
    return types.HostStorage(
        type=types.StorageType(kinds.api_name(wanted["type"])), logical_units=[unit]
    )


def _format(api: Any, types: Any, host: str) -> Any:
    """v5 since cluster version 4.4; older engines refuse it."""
    found = connection.named(api.hosts_service(), host)
    if found is None:
        raise NotYet(f"The host {host} isn't in the engine yet")
    version = api.clusters_service().cluster_service(found.cluster.id).get().version
    new = (version.major, version.minor) >= (4, 4)
    return types.StorageFormat.V5 if new else types.StorageFormat.V4


def check_room(name: str) -> None:
    """
    Raise unless a domain has room for the engine's disk and for what the engine keeps free.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.check_room hosted_storage
    """
    domain = get(name)
    if domain is None:
        raise CommandExecutionError(f"There is no storage domain {name} in the engine")
    disk = settings.load(__pillar__, __grains__)["vm"]["disk_gib"]
    wanted = (disk + SPARE_GIB) * GIB + domain["reserved"]
    available = domain["available"]
    if available is not None and available < wanted:
        raise CommandExecutionError(
            f"{kinds.where(domain['storage'])} has {available / GIB:.1f} GiB available, "
            f"{wanted / GIB:.1f} GiB are needed (disk {disk}, blocked by the engine "
            f"{domain['reserved'] / GIB:.0f}, spare {SPARE_GIB}): make room there, or lower "
            "hosted_engine:vm:disk_gib"
        )


def wait(name: str) -> None:
    """
    Wait until the engine is through with a domain.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.wait hosted_storage

    Raises CommandExecutionError after ``timeouts:storage`` seconds, with the engine's events.
    """
    _wait_for(name, ("active", "unattached", "inactive", "maintenance"))


def attach(name: str, datacenter: str) -> None:
    """
    Attach a domain to a data center, which activates it, and wait for that.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.attach hosted_storage Default

    Raises CommandExecutionError when the engine refuses, with its reason, when there is too little
    room, or when the domain isn't active within ``timeouts:storage`` seconds.
    """
    # Asked again: an earlier run may have been killed between making the domain and asking.
    check_room(name)
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        home = connection.named(api.data_centers_service(), datacenter)
        domain = connection.named(api.storage_domains_service(), name)
        if home is None:
            raise NotYet(f"The data center {datacenter} isn't there yet")
        service = api.data_centers_service().data_center_service(home.id)
        service.storage_domains_service().add(types.StorageDomain(id=domain.id))
    _wait_for(name, ("active",))


def activate(name: str, datacenter: str) -> None:
    """
    Activate an attached domain and wait for that.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.activate hosted_storage Default

    Raises CommandExecutionError when the engine refuses, with its reason, or when the domain isn't
    active within ``timeouts:storage`` seconds.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        home = connection.named(api.data_centers_service(), datacenter)
        domain = connection.named(api.storage_domains_service(), name)
        service = api.data_centers_service().data_center_service(home.id)
        service.storage_domains_service().storage_domain_service(domain.id).activate()
    _wait_for(name, ("active",))


def remove(name: str, host: str) -> None:
    """
    Remove a domain that this very run made, and format its storage: nothing of it stays behind.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.remove hosted_storage node1.example.com

    Raises CommandExecutionError for any other domain, such as from a command line: its data may be
    somebody's.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        domain = connection.named(api.storage_domains_service(), name)
        if domain is None:
            return
        if domain.id not in __context__.get(MADE, []):
            raise CommandExecutionError(
                f"The storage domain {name} wasn't made by this run, so it isn't formatted: remove "
                "it in the engine if nobody needs its data"
            )
        api.storage_domains_service().storage_domain_service(domain.id).remove(
            host=host, format=True
        )
    _wait_for(name, ("absent",))


def _wait_for(name: str, wanted: tuple[str, ...]) -> None:
    def look() -> str:
        domain = get(name)
        return str(domain["status"]) if domain else "absent"

    _wait(
        f"the storage domain {name} to be {' or '.join(wanted)}",
        look,
        lambda status: status in wanted,
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        hopeless=lambda status: status == "absent" and "the engine has dropped it again",
        explain=__salt__["ovirt_event.explanation"],
    )
