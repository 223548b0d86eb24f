"""Storage domains of the engine."""

from __future__ import annotations

import contextlib
from typing import Any

from ovirt_he.core.errors import Unreachable
from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, storage_request, types
from ovirt_he.engine.patience import patient
from ovirt_he.ha import own_domain
from ovirt_he.host import guard
from ovirt_he.pillar import settings
from ovirt_he.pillar.storage import GIB, SPARE_GIB, is_block, location, same, where
from salt.exceptions import CommandExecutionError


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str) -> dict[str, Any] | None:
    """
    A storage domain: ``id``, ``datacenter`` (None: not attached), ``status``, ``storage`` (type and
    address, path, or target, lun), ``available`` and ``reserved`` (bytes; None: not known yet);
    None: no domain.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.get hosted_storage
    """
    with _engine() as api:
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
            "storage": storage_request.location(found.storage),
            "available": found.available,
            "reserved": (found.critical_space_action_blocker or 0) * GIB,
        }


def add(name: str, host: str, storage: dict[str, Any], disk_gib: int = 0) -> None:
    """
    Create a data domain on empty storage, and check that a disk of ``disk_gib`` will fit there.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.add hosted_storage node1.example.com \\
            '{type: nfs, address: nas.example.com, path: /exports/engine}' disk_gib=61

    ``storage``: as the pillar's ``storage``, with its defaults; the password of its CHAP user is
    ``secrets:iscsi_password``. On iscsi and fc the engine takes the LUN that
    ``ovirt_host_storage.choose`` returns.

    An export is examined first, since the engine would import an existing domain without reporting
    it. The domain that the pillar names is recorded as this deployment's.

    Raises CommandExecutionError when there is another domain on it, when it can't be examined, when
    the engine refuses, when no LUN fits, or when there is too little room: the domain is then
    removed again. On a deployed host the engine's own domain isn't created again.
    """
    wanted = settings.storage_of(storage)
    is_own = _is_own(name)
    if is_own:
        guard.refuse_if_deployed(__salt__, f"Adding the storage domain {name}")
    if get(name) is not None:
        raise CommandExecutionError(f"The engine already has a storage domain {name}")
    lun = None
    if is_block(wanted["type"]):
        lun = __salt__["ovirt_host_storage.choose"](host, storage, disk_gib)
        wanted["lun"] = lun["id"]
    if is_own:
        __salt__["hosted_engine_storage_domain.refuse_left_over"](wanted)
    if not lun and (kept := __salt__["hosted_engine_storage_domain.look"](wanted)):
        # It holds disks with the ids that this engine would choose again.
        raise CommandExecutionError(
            f"{where(wanted)} holds the storage domain {', '.join(kept)}, which an earlier "
            "bootstrap of this deployment made: apply hosted_engine.clean first"
        )
    if is_own:
        own_domain.intend(wanted)
    identifier = _post(name, host, wanted, lun)
    wait(name)
    # An empty domain of this name that appeared since then can't be distinguished from a new one:
    # the engine chooses its id, and logs the same event for both.
    __salt__["hosted_engine_storage_domain.refuse_import"](name)
    if is_own:
        own_domain.made(identifier)
    try:
        check_room(name, disk_gib)
    except CommandExecutionError:
        if is_own:
            remove(name, host)
        raise


def _post(name: str, host: str, wanted: dict[str, Any], lun: dict[str, Any] | None) -> str:
    password = settings.secret(__pillar__, "iscsi_password")
    try:
        with _engine() as api:
            domain = storage_request.domain(api, name, host, wanted, lun=lun, password=password)
            return str(api.storage_domains_service().add(domain).id)
    except CommandExecutionError as error:
        # The answer may have been lost although the engine added the domain.
        if (found := _patiently(name)) and same(found["storage"], location(wanted)):
            return str(found["id"])
        if not isinstance(error, Unreachable):
            _withdraw(name, wanted)
        raise


def _withdraw(name: str, wanted: dict[str, Any]) -> None:
    """Remove the record of a domain that the engine refused, and left no trace of."""
    if not (_is_own(name) and own_domain.is_pending()):
        return
    with contextlib.suppress(CommandExecutionError):
        block = is_block(wanted["type"])
        if block or not __salt__["hosted_engine_storage_domain.look"](wanted):
            own_domain.forget()


def _is_own(name: str) -> bool:
    """Whether the pillar says that this domain is the hosted engine's."""
    return bool(name == settings.load(__pillar__, __grains__)["storage"]["name"])


def _existing(name: str) -> dict[str, Any]:
    if (domain := get(name)) is None:
        raise CommandExecutionError(f"The engine has no storage domain {name}")
    return domain


def _patiently(name: str) -> dict[str, Any] | None:
    """As ``get``, repeated while the engine doesn't answer."""
    return patient(lambda: get(name), settings.load(__pillar__, __grains__)["timeouts"]["outage"])()


def check_room(name: str, disk_gib: int) -> None:
    """
    Raise unless a domain has room for a disk and for what the engine keeps free.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.check_room hosted_storage 61
    """
    domain = _existing(name)
    needed = (disk_gib + SPARE_GIB) * GIB + domain["reserved"]
    available = domain["available"]
    if available is not None and available < needed:
        raise CommandExecutionError(
            f"{where(domain['storage'])} has {available / GIB:.1f} GiB available, "
            f"{needed / GIB:.1f} GiB are needed (disk {disk_gib}, blocked by the engine "
            f"{domain['reserved'] / GIB:.0f}, spare {SPARE_GIB}): make room there, or lower "
            "hosted_engine:vm:disk_gib"
        )


def wait(name: str) -> None:
    """
    Wait until the engine has finished with a domain.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.wait hosted_storage

    Raises CommandExecutionError after ``timeouts:storage`` seconds, with the engine's events.
    """
    _wait_for(name, ("active", "unattached", "inactive", "maintenance"))


def attach(name: str, datacenter: str, disk_gib: int = 0) -> None:
    """
    Attach a domain to a data center, which activates it, and wait for that. Before that, check that
    a disk of ``disk_gib`` will fit there.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.attach hosted_storage Default disk_gib=61

    Raises CommandExecutionError when the engine refuses, with its reason, when there is too little
    room, or when the domain isn't active within ``timeouts:storage`` seconds.
    """
    # Again: an earlier run may have been killed between adding the domain and this check.
    check_room(name, disk_gib)
    with _engine() as api:
        home = connection.find(api.data_centers_service(), datacenter, "data center")
        domain = connection.find(api.storage_domains_service(), name, "storage domain")
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
    with _engine() as api:
        home = connection.find(api.data_centers_service(), datacenter, "data center")
        domain = connection.find(api.storage_domains_service(), name, "storage domain")
        service = api.data_centers_service().data_center_service(home.id)
        service.storage_domains_service().storage_domain_service(domain.id).activate()
    _wait_for(name, ("active",))


def forget(name: str) -> None:
    """
    Have the engine forget a domain that isn't active; its storage stays as it is.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.forget imported
    """
    domain = _existing(name)
    with _engine() as api:
        service = api.storage_domains_service().storage_domain_service(domain["id"])
        service.remove(destroy=True)
    _wait_for(name, ("absent",))


def remove(name: str, host: str) -> None:
    """
    Remove the domain that this deployment made, and format its storage.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_storage_domain.remove hosted_storage node1.example.com

    Raises CommandExecutionError for any other domain, and once it holds a disk.
    """
    domain, known = get(name), own_domain.known(settings.load(__pillar__, __grains__))
    if domain is None:
        return
    if known is None or domain["id"] != known.id:
        raise CommandExecutionError(
            f"The storage domain {name} wasn't made by this deployment, so it isn't formatted: "
            "remove it in the engine if nobody needs its data"
        )
    if __salt__["vdsm.call"]("StorageDomain", "getImages", storagedomainID=domain["id"]):
        raise CommandExecutionError(f"The storage domain {name} holds disks: it isn't formatted")
    with _engine() as api:
        service = api.storage_domains_service().storage_domain_service(domain["id"])
        service.remove(host=host, format=True)
    _wait_for(name, ("absent",))
    own_domain.forget()


def _wait_for(name: str, wanted: tuple[str, ...]) -> None:
    def look() -> str:
        domain = _patiently(name)
        return str(domain["status"]) if domain else "absent"

    wait_for(
        f"the storage domain {name} to be {' or '.join(wanted)}",
        look,
        lambda status: status in wanted,
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        failed=lambda status: status == "absent" and "the engine has removed it again",
        explain=__salt__["ovirt_event.explanation"],
    )
