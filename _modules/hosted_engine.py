"""What an operator and the formula ask about this host's hosted engine. Nothing here changes it."""

from __future__ import annotations

import logging
from typing import Any

from ovirt_he.core import records
from ovirt_he.engine import connection
from ovirt_he.ha import conf
from ovirt_he.ha.status import AGENT
from ovirt_he.host import block_devices, iscsi, lun_selection, systemd
from ovirt_he.host.stage import next_phase, traces
from ovirt_he.pillar import storage
from ovirt_he.pillar.settings import merge, secret
from ovirt_he.preflight import check, join, registry
from salt.exceptions import CommandExecutionError, SaltInvocationError

log = logging.getLogger(__name__)


def settings() -> dict[str, Any]:
    """
    The pillar ``hosted_engine`` with its defaults and what follows from both; no secrets in it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.settings

    A faulty pillar has settings too, so that every SLS renders: ``hosted_engine.problems`` and the
    state ``hosted_engine.valid`` report its faults.
    """
    return merge(__pillar__, __grains__)


def deployed() -> bool:
    """
    Whether this host is past the point of no return: its agent may start the engine's VM.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.deployed

    That isn't health: a broker that is down mustn't cause a second bootstrap. A host that another
    tool deployed, or that the engine made an additional hosted-engine host, counts. One that was
    seen healthy stays deployed when its agent is disabled or its configuration lost: the next run
    repairs that. ``hosted_engine.clean`` undoes a deployment.

    Raises CommandExecutionError when that cannot be determined: guessing could end in a second
    engine.
    """
    if (records.read("deployment") or {}).get("healthy"):
        return True
    if not conf.is_written():
        return False
    if records.read("setup") is not None and records.read("copied") is None:
        # Our own deployment, before the copy; a distribution may enable the agent with its package.
        return False
    return systemd.is_enabled(AGENT)


def preflight() -> list[dict[str, str]]:
    """
    Every problem of the pillar and, until it is deployed, of this host: key, problem, advice, and
    the name of the check that found it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.preflight

    What ``preflight:ignore`` names is logged as a warning and isn't listed, and so is what couldn't
    be looked at from this host. With ``--retcode-passthrough`` the exit code is 1 where a problem
    is left.
    """
    found = problems() + ([] if deployed() else host_problems())
    if found:
        __context__["retcode"] = 1
    return found


def problems() -> list[dict[str, str]]:
    """
    Every problem of the pillar by itself, and whether it is about this host's engine at all.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.problems

    None of these can be ignored. A secret's value is never part of a problem.
    """
    host = _host()
    return registry.of_pillar(__pillar__, host) + check.found(registry.ALWAYS, host)


def host_problems() -> list[dict[str, str]]:
    """
    Every reason why this host can't be deployed as the pillar asks; nothing is changed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.host_problems

    What ``preflight:ignore`` names is logged as a warning and isn't listed.
    """
    return _not_ignored(examined())


def join_problems() -> list[dict[str, str]]:
    """
    Every reason why this host can't join a running engine, its TLS included; nothing is changed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.join_problems

    What ``preflight:ignore`` names is logged as a warning and isn't listed.
    """
    return _not_ignored(examined(joins=True))


def examined(joins: bool = False) -> dict[str, list[Any]]:
    """
    What the checks find on this host: ``problems`` that stop us, those that are ``ignored``
    because ``preflight:ignore`` names their check, and ``notes``: what couldn't be looked at from
    here. ``joins``: those of an additional host.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.examined
    """
    host = _host()
    found, ignored = registry.examine(join.CHECKS if joins else registry.OF_HOST, host)
    return {"problems": found, "ignored": ignored, "notes": host.notes}


def _not_ignored(found: dict[str, list[Any]]) -> list[dict[str, str]]:
    for note in found["notes"]:
        log.warning("%s", note)
    if found["ignored"]:
        log.warning("%s", check.as_text(found["ignored"], check.IGNORED))
    return found["problems"]


def _host() -> check.Host:
    return check.Host(settings(), __grains__, __salt__, __pillar__)


def storage_devices() -> dict[str, Any]:
    """
    Targets and LUNs that this host sees, to choose ``storage:target`` and ``storage:lun`` from.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.storage_devices

    Of the pillar, it needs no more than type and portals. ``asked`` is ``engine`` where one manages
    this host, else ``host``: then iscsiadm and lsblk are asked. No target is logged in to; LUNs of
    a target without a session aren't visible yet.
    ``targets`` (iscsi only): target, address, port, portal (group). ``luns``: id, size_gib, status,
    and ``why_not``: why it can't hold a hosted engine, empty if it can.

    Raises CommandExecutionError where the tools are missing, a portal doesn't answer or refuses
    the discovery's password; SaltInvocationError for storage that has no LUNs.
    """
    wanted = settings()
    where, node = wanted["storage"], wanted["host"]["name"]
    if not storage.is_block(where["type"]):
        raise SaltInvocationError(f"storage:type {where['type']} has no targets and no LUNs")
    if where["type"] == "iscsi":
        storage.readable_portals(where)
    is_iscsi, by_engine = where["type"] == "iscsi", _managed(node)
    if by_engine:
        targets = __salt__["ovirt_host_storage.discover"](node, where) if is_iscsi else []
        found = __salt__["ovirt_host_storage.devices"](node)
    else:
        password = secret(__pillar__, "iscsi_discovery_password")
        targets = iscsi.targets(where, password) if is_iscsi else []
        found = block_devices.luns()
    return {
        "asked": "engine" if by_engine else "host",
        "targets": targets,
        "luns": lun_selection.table(
            found, where["type"], storage.lun_bytes(wanted["vm"]["disk_gib"])
        ),
    }


def _managed(node: str) -> bool:
    """Whether an engine answers that has this host up."""
    try:
        return (__salt__["ovirt_host.get"](node) or {}).get("status") == "up"
    except CommandExecutionError:
        return False


def stage() -> dict[str, Any]:
    """
    How far the deployment of this host is, read from what is there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.stage

    ``next`` names the phase that has something to do, or None; the other keys are what was found.
    It needs no library and no login, so it works on a bare and on a broken host.
    """
    there = traces(settings())
    there["configured"] = conf.is_written()
    there["deployed"] = past = deployed()
    # The records of the deployment are gone at its end.
    there["setup_complete"] = past or records.read("setup") is not None
    there["disk_copied"] = past or records.read("copied") is not None
    return {"next": next_phase(there), **there}


def status() -> dict[str, Any]:
    """
    What HA reports about the engine and of all its hosts, with this host's stage.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.status

    ``ha`` is None where nothing is deployed yet.

    Raises CommandExecutionError when HA doesn't answer on a deployed host.
    """
    seen = stage()
    return {
        "fqdn": settings()["engine"]["fqdn"],
        "stage": seen,
        "ha": __salt__["hosted_engine_ha.status"]() if seen["deployed"] else None,
    }


def engine_version() -> str:
    """
    Version of the engine, as its API reports it over verified TLS.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine.engine_version

    Raises CommandExecutionError where the engine doesn't answer, with what to do.
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        return str(api.get().product_info.version.full_version)
