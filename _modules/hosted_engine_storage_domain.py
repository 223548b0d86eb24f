"""The storage domain of the hosted engine: who made it, and whether this host sees it."""

from __future__ import annotations

from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection
from ovirt_he.ha import own_domain
from ovirt_he.host import storage_probe
from ovirt_he.pillar import settings, storage
from salt.exceptions import CommandExecutionError


def is_own(name: str) -> bool:
    """
    Whether a domain is the hosted engine's own, on a host that isn't deployed yet.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.is_own hosted_storage
    """
    pillar = settings.merge(__pillar__, __grains__)
    return bool(name == pillar["storage"]["name"] and not __salt__["hosted_engine.deployed"]())


def on_host(name: str) -> dict[str, Any]:
    """
    This host's view of its domain: ``connected``: vdsm sees it; ``recorded``: False after a run
    that was interrupted between adding it and recording its id.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.on_host hosted_storage

    The engine assumes that a host which is up is connected, even after a boot.
    """
    domain = _domain(name)
    return {
        "connected": __salt__["vdsm.sees"](domain["id"]),
        "recorded": not own_domain.is_pending(),
    }


def look(place: dict[str, Any]) -> list[str]:
    """
    Ids of the domains on an export: none, or the one that this deployment made.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.look \\
            '{type: glusterfs, address: nas.example.com, path: /engine, mount_options: ""}'

    Raises CommandExecutionError for any other, and where it can't be determined.
    """
    found = storage_probe.inspect(place)
    where = found["storage"]
    if not found["looked"] or found["domains"] is None:
        why = found.get("why_not") or "vdsm (36:36) can't list it"
        raise CommandExecutionError(
            f"The content of {where} can't be determined: {why}. The engine would import a domain "
            "that is there, so no domain is added"
        )
    known = own_domain.known(settings.load(__pillar__, __grains__))
    ours = {known.id} if known and known.id else set()
    existing = {str(domain["id"]) for domain in found["domains"]}
    if foreign := sorted(existing - ours):
        raise CommandExecutionError(
            f"{where} holds the storage domain {', '.join(foreign)}, which this deployment isn't "
            "known to have made: the engine would import it instead of making a new one. Name an "
            "empty directory; if nobody needs that domain, remove its directory there"
        )
    return sorted(existing)


def refuse_left_over(place: dict[str, Any]) -> None:
    """
    Raise where an earlier run left its domain on other storage, whose record would be overwritten.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.refuse_left_over '{type: fc, lun: 36001405a}'
    """
    known = own_domain.known(settings.load(__pillar__, __grains__))
    if known is None or storage.same(place, storage.location(known.storage)):
        return
    if (left := __salt__["hosted_engine_clean.storage"]()) is not None:
        raise CommandExecutionError(
            f"An earlier run made a storage domain on {storage.where(known.storage)}, or may have: "
            f"{left['storage_domain'] or 'its id is unknown'}. Set hosted_engine:storage back to "
            "it, or apply hosted_engine.clean first"
        )


def record(name: str) -> None:
    """
    Record a domain that an interrupted run added, once that is certain.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.record hosted_storage

    Certain means: its storage was recorded as empty before the domain was added, and it only holds
    what this engine has. Otherwise the engine forgets it, and the storage isn't changed.

    Raises CommandExecutionError where it isn't certain.
    """
    __salt__["ovirt_storage_domain.wait"](name)
    domain, known = _domain(name), own_domain.known(settings.load(__pillar__, __grains__))
    if known is None or not storage.same(domain["storage"], storage.location(known.storage)):
        begun = storage.where(known.storage) if known else "no storage"
        raise CommandExecutionError(
            f"No run of this deployment is known to have made the storage domain {name} on "
            f"{storage.where(domain['storage'])}: one was begun on {begun}"
        )
    if not __salt__["vdsm.sees"](domain["id"]):
        __salt__["vdsm.connect_storage"](known.storage)
    refuse_import(name)
    own_domain.made(domain["id"])


def refuse_import(name: str) -> None:
    """
    Raise where the engine imported another deployment's domain instead of making a new one, and
    have the engine forget it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.refuse_import hosted_storage

    An attached domain stays attached. Nothing on the storage is changed.
    """
    domain = _domain(name)
    if not (reason := _foreign(name, domain)):
        return
    advice = "Detach it there; it isn't formatted"
    if domain["datacenter"] is None:
        __salt__["ovirt_storage_domain.forget"](name)
        own_domain.forget()
        advice = (
            "The engine forgot it again, and nothing on it was changed. Name an empty directory"
        )
    raise CommandExecutionError(
        f"The engine imported the storage domain {domain['id']}, which appeared on "
        f"{storage.where(domain['storage'])} after that was found empty: {reason}. {advice}"
    )


def _domain(name: str) -> dict[str, Any]:
    domain: dict[str, Any] | None = __salt__["ovirt_storage_domain.get"](name)
    if domain is None:
        raise CommandExecutionError(f"The engine has no storage domain {name}")
    return domain


def _foreign(name: str, domain: dict[str, Any]) -> str:
    """Why this engine can't have made a domain just now, by vdsm's data; empty: it has."""
    if storage.is_block(domain["storage"]["type"]):
        # On a LUN that holds anything, the engine neither makes nor imports a domain.
        return ""
    info = __salt__["vdsm.call"]("StorageDomain", "getInfo", storagedomainID=domain["id"])
    images = __salt__["vdsm.call"]("StorageDomain", "getImages", storagedomainID=domain["id"])
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        service = api.storage_domains_service().storage_domain_service(domain["id"])
        homes = {home.id for home in service.get().data_centers or []}
        disks = {disk.id for disk in service.disks_service().list()}
    if (called := info.get("name")) != name:
        return f"its name is {safe(str(called))}"
    if pools := set(info.get("pool") or []) - homes:
        return f"it belongs to the data center {', '.join(sorted(pools))}"
    if unknown := set(images or []) - disks:
        return f"it holds {len(unknown)} disks that this engine doesn't have"
    return ""


def connect(name: str) -> None:
    """
    Have this host connect the hosted engine's storage again, as after a boot.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_domain.connect hosted_storage

    vdsm does it: the engine can deactivate neither a domain with the disk of its own VM nor its
    only host, and once the storage is connected it connects the data center by itself.

    Raises CommandExecutionError when vdsm fails, with its error codes, or when it doesn't see
    the domain within ``timeouts:storage`` seconds.
    """
    domain = _domain(name)
    pillar = settings.load(__pillar__, __grains__)
    __salt__["vdsm.connect_storage"](pillar["storage"])
    wait_for(
        f"this host to see the storage domain {name} ({domain['id']})",
        lambda: __salt__["vdsm.sees"](domain["id"]),
        bool,
        timeout=pillar["timeouts"]["storage"],
    )
