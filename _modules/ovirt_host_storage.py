"""What a host of the engine sees of the storage network: targets, logins, LUNs."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from ovirt_he.engine import connection, types
from ovirt_he.host import lun_selection
from ovirt_he.pillar import settings
from ovirt_he.pillar.storage import (
    lun_bytes,
    of_api_name,
    portal_group,
    portals,
    shown_portal,
)
from salt.exceptions import CommandExecutionError


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def discover(host: str, storage: dict[str, Any]) -> list[dict[str, Any]]:
    """
    The targets that the first of a storage's portals reports to a host: ``target``, ``address``,
    ``port``, ``portal`` (the number of its group; empty: not reported) each, once for each portal.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host_storage.discover node1.example.com \\
            '{portals: [192.0.2.7], discovery_user: finder}'

    ``storage``: of the pillar's keys, ``portals`` and ``discovery_user``. The password of that user
    is ``secrets:iscsi_discovery_password``.

    Raises CommandExecutionError when the portal doesn't answer or refuses the password.
    """
    address, port = portals(storage)[0]
    with _engine() as api:
        found = _host(api, host).discover_iscsi(
            iscsi=types.IscsiDetails(
                address=address, port=port,
                **_chap(storage.get("discovery_user", ""), "iscsi_discovery_password"),
            )
        )  # fmt: skip
        return [
            {
                "target": one.target,
                "address": one.address.strip("[]"),
                "port": one.port,
                # The engine returns the whole portal, ADDRESS:PORT,GROUP.
                "portal": portal_group(one.portal),
            }
            for one in found or []
        ]


def login(host: str, storage: dict[str, Any]) -> list[dict[str, Any]]:
    """
    Log a host in to a storage's target at each of its portals, and return those.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host_storage.login node1.example.com \\
            '{type: iscsi, portals: [192.0.2.7], target: "iqn.2020-01.com.example:engine"}'

    ``storage``: as the pillar's ``storage``, with its defaults; the password of its CHAP user is
    ``secrets:iscsi_password``. A host that is logged in stays so.

    Raises CommandExecutionError with what was found when the target isn't among it, and when a
    login is refused.
    """
    wanted = settings.storage_of(storage)
    used = _portals(wanted, discover(host, wanted))
    with _engine() as api:
        for portal in used:
            _host(api, host).iscsi_login(
                iscsi=types.IscsiDetails(
                    address=portal["address"], port=portal["port"],
                    # The number alone: the engine hands it on, and vdsm reads it as one.
                    portal=portal["portal"] or None, target=portal["target"],
                    **_chap(wanted["user"], "iscsi_password"),
                )
            )  # fmt: skip
    return used


def devices(host: str) -> list[dict[str, Any]]:
    """
    The LUNs that a host sees: ``id``, ``type`` (iscsi, fc), ``size`` (bytes), ``status``,
    ``vendor``, ``product``, ``serial``, ``paths``, ``discard``; where they are set ``address``,
    ``port``, ``target``, ``storage_domain``, ``volume_group``.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host_storage.devices node1.example.com
    """
    with _engine() as api:
        return [
            _lun(storage, unit)
            for storage in _host(api, host).storage_service().list()
            for unit in storage.logical_units or []
        ]


def choose(host: str, storage: dict[str, Any], disk_gib: int) -> dict[str, Any]:
    """
    The LUN that a new domain is made on: the one that ``storage`` names, or the only free one that
    is large enough for a disk of ``disk_gib``.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_host_storage.choose node1.example.com '{type: fc}' 61

    Nothing is changed but that the host logs in to the target (iscsi).

    Raises CommandExecutionError with all that the host sees, and why each was rejected.
    """
    wanted = settings.storage_of(storage)
    if wanted["type"] == "iscsi":
        login(host, storage)
    found = [lun for lun in devices(host) if lun["type"] == wanted["type"]]
    if wanted["type"] == "iscsi":
        found = [lun for lun in found if wanted["lun"] or lun["target"] == wanted["target"]]
    return lun_selection.choose(found, wanted, lun_bytes(disk_gib))


def _portals(wanted: dict[str, Any], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The discovered portals of the target that the pillar names, in its order."""
    ours = [one for one in found if one["target"] == wanted["target"]]
    used = []
    for address, port in portals(wanted):
        addresses = _addresses(address)
        there = [one for one in ours if one["address"] in addresses and one["port"] == port]
        used += there[:1]
        if not there:
            shown = shown_portal(address, port)
            raise CommandExecutionError(
                f"There is no target {wanted['target']} at the portal {shown}. {_reported(found)}\n"
                "Fix hosted_engine:storage:target or portals, or the target's access list"
            )
    groups = {one["portal"] for one in used} - {""}
    if groups and str(wanted["portal_group"]) not in groups:
        raise CommandExecutionError(
            f"The portal group of {wanted['target']} is {', '.join(sorted(groups))}, not "
            f"{wanted['portal_group']}: set hosted_engine:storage:portal_group, HA logs in by it"
        )
    return used


def _addresses(name: str) -> set[str]:
    """A portal's address, and those that its name leads to: discovery reports addresses."""
    found = {name}
    with contextlib.suppress(socket.gaierror, UnicodeError):
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        found |= {str(answer[4][0]) for answer in answers}
    return found


def _reported(found: list[dict[str, Any]]) -> str:
    places = ((one["target"], shown_portal(one["address"], one["port"])) for one in found)
    lines = [f"- {target} at {portal}" for target, portal in places]
    return "Found were:\n" + "\n".join(lines) if lines else "No target was found"


def _chap(user: str, secret: str) -> dict[str, str]:
    """User and password for the SDK; nothing where the pillar names no user."""
    password = settings.secret(__pillar__, secret)
    return {"username": user, "password": password.value} if user and password else {}


def _host(api: Any, name: str) -> Any:
    found = connection.find(api.hosts_service(), name, "host")
    return api.hosts_service().host_service(found.id)


def _lun(storage: Any, unit: Any) -> dict[str, Any]:
    return {
        "id": unit.id,
        "type": of_api_name(storage.type.value) if storage.type else None,
        "size": unit.size or 0,
        "status": unit.status.value if unit.status else "unknown",
        "vendor": unit.vendor_id,
        "product": unit.product_id,
        "serial": unit.serial,
        "paths": unit.paths,
        "discard": bool(unit.discard_max_size),
        "address": unit.address,
        "port": unit.port,
        "target": unit.target,
        "storage_domain": unit.storage_domain_id,
        "volume_group": unit.volume_group_id,
    }
