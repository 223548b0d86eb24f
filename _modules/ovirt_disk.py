"""Disks of the engine, by name within their storage domain: elsewhere names may repeat."""

from __future__ import annotations

from typing import Any

import hosted_engine_connection as connection
import hosted_engine_settings as settings
import hosted_engine_storage as kinds
from hosted_engine_state import NotYet
from hosted_engine_wait import wait as _wait
from salt.exceptions import CommandExecutionError

MIB = 2**20


def get(names: list[str], storage_domain: str) -> dict[str, dict[str, Any]]:
    """
    Those of the named disks that a storage domain holds: ``id``, ``volume``, ``status``,
    ``size_mib``, ``format`` (raw, cow), ``content_type``, each.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.get '[he_virtio_disk]' hosted_storage

    Raises NotYet where there is no such domain, CommandExecutionError where it has a name twice.
    """
    found: dict[str, dict[str, Any]] = {}
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        for disk in _disks(api, storage_domain).list():
            if disk.name not in names:
                continue
            if disk.name in found:
                raise CommandExecutionError(
                    f"The storage domain {storage_domain} has several disks {disk.name}: remove "
                    "all but the right one in the engine"
                )
            found[disk.name] = {
                "id": disk.id,
                "volume": disk.image_id,
                "status": disk.status.value if disk.status else None,
                "size_mib": (disk.provisioned_size or 0) // MIB,
                "format": disk.format.value if disk.format else None,
                "content_type": disk.content_type.value if disk.content_type else None,
            }
    return found


def _disks(api: Any, storage_domain: str) -> Any:
    domain = connection.named(api.storage_domains_service(), storage_domain)
    if domain is None:
        raise NotYet(f"The storage domain {storage_domain} isn't in the engine yet")
    return api.storage_domains_service().storage_domain_service(domain.id).disks_service()


def add(storage_domain: str, disks: dict[str, dict[str, Any]]) -> None:
    """
    Have the engine make disks, side by side: raw ones unless ``format`` says ``cow``. It doesn't
    wait for them.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.add hosted_storage \\
            '{he_metadata: {content_type: hosted_engine_metadata, size_mib: 128, sparse: false}}'

    Raises CommandExecutionError when the engine refuses, with its reason.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        from ovirtsdk4 import types

        domain = connection.named(api.storage_domains_service(), storage_domain)
        if domain is None:
            raise NotYet(f"The storage domain {storage_domain} isn't in the engine yet")
        # Thin on a LUN, a disk grows only while a manager of the pool runs, which is the engine's
        # choice: the engine's own disk has all its room from the start.
        whole = kinds.is_block(kinds.of_api_name(domain.storage.type.value))
        for name, wanted in disks.items():
            size, form = wanted["size_mib"] * MIB, wanted.get("format", "raw")
            api.disks_service().add(
                types.Disk(
                    name=name,
                    description=f"Hosted engine: {name}",
                    content_type=types.DiskContentType(wanted["content_type"]),
                    provisioned_size=size,
                    initial_size=size if whole and form == "cow" else None,
                    format=types.DiskFormat(form),
                    sparse=wanted["sparse"],
                    storage_domains=[types.StorageDomain(id=domain.id)],
                )
            )


def wait(storage_domain: str, names: list[str]) -> None:
    """
    Wait until the named disks are ready.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.wait hosted_storage '[he_virtio_disk]'

    Raises CommandExecutionError at once when one is illegal or gone, or after ``timeouts:storage``
    seconds, with the engine's events.
    """

    def look() -> dict[str, str]:
        found = get(names, storage_domain)
        return {name: found[name]["status"] if name in found else "absent" for name in names}

    def hopeless(seen: dict[str, str]) -> str | None:
        lost = [name for name, status in seen.items() if status in ("illegal", "absent")]
        return f"the engine failed to make {', '.join(lost)}" if lost else None

    _wait(
        f"the disks {', '.join(names)}",
        look,
        lambda seen: set(seen.values()) == {"ok"},
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        hopeless=hopeless,
        explain=__salt__["ovirt_event.explanation"],
    )


def remove(storage_domain: str, names: list[str]) -> None:
    """
    Remove disks that the engine failed to make (illegal ones), and wait until they are gone.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.remove hosted_storage '[he_metadata]'

    Raises CommandExecutionError for a disk in any other status, and on a deployed host.
    """
    if __salt__["hosted_engine.deployed"]():
        raise CommandExecutionError("The disks of a deployed hosted engine are never removed")
    found = get(names, storage_domain)
    for name, disk in found.items():
        if disk["status"] != "illegal":
            raise CommandExecutionError(f"The disk {name} is {disk['status']}: it isn't removed")
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        for disk in found.values():
            api.disks_service().disk_service(disk["id"]).remove()
    _wait(
        f"the removal of {', '.join(found)}",
        lambda: sorted(get(names, storage_domain)),
        lambda left: not left,
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        explain=__salt__["ovirt_event.explanation"],
    )
