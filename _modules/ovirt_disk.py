"""Disks of the engine, by name within their storage domain: elsewhere names may repeat."""

from __future__ import annotations

import uuid
from typing import Any

from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, types
from ovirt_he.engine.patience import patient
from ovirt_he.pillar import settings, storage
from salt.exceptions import CommandExecutionError

MIB = 2**20


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(names: list[str], storage_domain: str) -> dict[str, dict[str, Any]]:
    """
    Those of the named disks that a storage domain holds: ``id``, ``volume``, ``status``,
    ``size_mib``, ``format`` (raw, cow), ``content_type``, each.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.get '[he_virtio_disk]' hosted_storage

    Raises NotYet where there is no such domain, CommandExecutionError where it has a name twice
    and none of the two was made by ``add``.
    """
    found: dict[str, dict[str, Any]] = {}
    with _engine() as api:
        domain = _domain(api, storage_domain)
        service = api.storage_domains_service().storage_domain_service(domain.id).disks_service()
        listed = service.list()
        for name in names:
            if (disk := _one(name, [each for each in listed if each.name == name], domain)) is None:
                continue
            found[name] = {
                "id": disk.id,
                "volume": disk.image_id,
                "status": disk.status.value if disk.status else None,
                "size_mib": (disk.provisioned_size or 0) // MIB,
                "format": disk.format.value if disk.format else None,
                "content_type": disk.content_type.value if disk.content_type else None,
            }
    return found


def _domain(api: Any, name: str) -> Any:
    domain = connection.find(api.storage_domains_service(), name, "storage domain")
    return domain


def _one(name: str, disks: list[Any], domain: Any) -> Any:
    if len(disks) < 2:
        return next(iter(disks), None)
    if own := [disk for disk in disks if disk.id == _own_id(domain, name)]:
        return own[0]
    raise CommandExecutionError(
        f"The storage domain {domain.name} has several disks {name}, and which one is the "
        "hosted engine's can't be determined. The engine removes no disk of a hosted engine: run "
        "hosted_engine.clean and deploy again"
    )


def _own_id(domain: Any, name: str) -> str:
    """
    The id of a disk that the formula adds: chosen beforehand, and the same in each run.

    The engine therefore refuses to add it twice, whether libcurl repeats a request whose answer was
    lost or the next run does; by its name alone it would add another disk.
    """
    return str(uuid.uuid5(uuid.UUID(domain.id), name))


def add(storage_domain: str, disks: dict[str, dict[str, Any]]) -> None:
    """
    Add disks, in parallel: raw ones unless ``format`` is ``cow``. It doesn't wait for them.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_disk.add hosted_storage \\
            '{he_metadata: {content_type: hosted_engine_metadata, size_mib: 128, sparse: false}}'

    Raises CommandExecutionError when the engine refuses, with its reason.
    """
    for name, wanted in disks.items():
        try:
            _add(storage_domain, name, wanted)
        except CommandExecutionError:
            # The answer may have been lost although the engine added the disk.
            if name not in _patiently([name], storage_domain):
                raise


def _add(storage_domain: str, name: str, wanted: dict[str, Any]) -> None:
    with _engine() as api:
        domain = _domain(api, storage_domain)
        # A thin disk on a LUN only grows while the engine has a storage pool manager: the engine's
        # own disk therefore gets its whole size from the start.
        whole = storage.is_block(storage.of_api_name(domain.storage.type.value))
        size, form = wanted["size_mib"] * MIB, wanted.get("format", "raw")
        api.disks_service().add(
            types.Disk(
                id=_own_id(domain, name),
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


def _patiently(names: list[str], storage_domain: str) -> dict[str, dict[str, Any]]:
    outage = settings.load(__pillar__, __grains__)["timeouts"]["outage"]
    return patient(lambda: get(names, storage_domain), outage)()


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
        found = _patiently(names, storage_domain)
        return {name: found[name]["status"] if name in found else "absent" for name in names}

    def failed(seen: dict[str, str]) -> str | None:
        lost = [name for name, status in seen.items() if status in ("illegal", "absent")]
        return f"the engine failed to make {', '.join(lost)}" if lost else None

    wait_for(
        f"the disks {', '.join(names)}",
        look,
        lambda seen: set(seen.values()) == {"ok"},
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        failed=failed,
        explain=__salt__["ovirt_event.explanation"],
    )
