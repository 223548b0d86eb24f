"""High availability of the engine: its status, maintenance, lockspace, and the wait for health."""

from __future__ import annotations

import os
from typing import Any

from ovirt_he.core import command, records
from ovirt_he.core.errors import NotYet, Paused
from ovirt_he.core.state import Facts
from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection
from ovirt_he.guest import address
from ovirt_he.ha import conf, modes, sanlock, status
from ovirt_he.host import systemd, volume
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

__func_alias__ = {"status_": "status"}


def status_() -> dict[str, Any]:
    """
    HA's status: global maintenance, and each host's score, engine VM, health, maintenance.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.status

    Raises CommandExecutionError where HA isn't deployed or its broker is down.
    """
    return dict(status.read())


def get() -> Facts:
    """
    Whether HA answers and its maintenance; the health of the engine on shared storage; whether the
    engine's name resolves to the address of its VM (``right``, or what is wrong); whether it is
    recorded as healthy.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.get

    Raises NotYet before HA is configured, Paused where the engine is down under global maintenance.
    """
    _configured()
    facts: Facts = {"answers": True, "global_maintenance": None, "health": None}
    try:
        now = status.read()
        facts["global_maintenance"] = now["global_maintenance"]
        facts["health"] = status.health(now)
    except CommandExecutionError as error:
        facts["answers"] = False
        facts["health"] = str(error)
    facts["page"] = _page()
    # The name may resolve to another machine, which then doesn't answer as the engine.
    answers = facts["page"] == "answers"
    facts["address"] = address.check(_settings()) if answers else "unknown"
    if facts["global_maintenance"] and (facts["health"], facts["page"]) != ("good", "answers"):
        raise Paused(
            f"global maintenance: the engine may be down. HA reports {facts['health']}; its page: "
            f"{facts['page']}. To end it: hosted-engine --set-maintenance --mode=none"
        )
    recorded = records.read("deployment") or {}
    facts["recorded"] = recorded.get("healthy") is True
    return facts


def maintenance() -> Facts:
    """
    Whether the broker answers; whether global maintenance is set, or local maintenance of this
    host; whether the engine's VM runs here.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.maintenance
    """
    _configured()
    return modes.read()


def under_global_maintenance() -> bool:
    """
    Whether HA reports global maintenance. Never raises: for ``unless``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.under_global_maintenance
    """
    try:
        return bool(status.read()["global_maintenance"])
    except CommandExecutionError:
        return False


def set_maintenance(mode: str) -> None:
    """
    Set HA's maintenance, ``global``, ``local`` or ``none``, and wait until HA reports it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.set_maintenance global

    One at a time: each mode ends the others. Raises CommandExecutionError when HA refuses (local
    while the engine's VM runs here), or doesn't report it within a minute; and where this host's
    agent holds no host id, when the command would end the broker.
    """
    flags = modes.flags(mode)
    modes.set_(mode, _patience())
    wait_for(
        f"HA to report maintenance {mode}",
        maintenance,
        lambda now: flags.items() <= now.items(),
        timeout=_patience(),
        explain=lambda: status.logs(_settings()),
    )


def restart_broker() -> None:
    """
    Restart the broker, which may fail its first start, and wait until it answers.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.restart_broker
    """
    # A broker that failed to start has already removed it, with its directory in /run.
    vm_conf = records.read_file(conf.RUN_VM_CONF) or conf.vm_conf(
        _settings(), __salt__["hosted_engine_config.ids"]()
    )
    command.run("systemctl", "restart", "ovirt-ha-broker", timeout=_patience())
    # The broker removes it, and the status needs it; an agent writes its own.
    if not conf.RUN_VM_CONF.exists():
        conf.RUN_VM_CONF.parent.mkdir(mode=0o755, exist_ok=True)
        os.chown(conf.RUN_VM_CONF.parent, *conf.VDSM_KVM)
        records.write_file(conf.RUN_VM_CONF, vm_conf, mode=0o640, owner=conf.VDSM_KVM)
    wait_for(
        "the HA broker to answer",
        maintenance,
        lambda now: bool(now["answers"]),
        timeout=_patience(),
        explain=lambda: status.logs(_settings()),
    )


def agent() -> Facts:
    """
    Whether the agent is ``enabled``: from then on it may start the engine's VM on its own.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.agent
    """
    _configured()
    return {"agent": systemd.enabled_state(status.AGENT)}


def enable_agent() -> None:
    """
    Enable the agent without starting it: the point of no return.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.enable_agent
    """
    command.run("systemctl", "enable", status.AGENT)


def lockspace() -> Facts:
    """
    Name of the lockspace on the lockspace disk; None where there is none, or no disk.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.lockspace
    """
    ids = __salt__["hosted_engine_config.ids"]()
    where = ids["disks"]["lockspace"]
    storage = settings.merge(__pillar__, __grains__)["storage"]
    path = volume.find(ids["storage_domain"], where["image"], where["volume"], storage)
    return {"lockspace": sanlock.name(path) if path else None}


def initialise_lockspace() -> None:
    """
    Initialise the lockspace ``hosted-engine``, in which sanlock gives each host an id of its own.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.initialise_lockspace

    Raises CommandExecutionError on a deployed host, or where the disk is too small.
    """
    path = __salt__["hosted_engine_disk.prepare"]("lockspace")
    if (length := volume.size(path)) < sanlock.BYTES:
        raise CommandExecutionError(
            f"{path} has {length} bytes, a lockspace takes {sanlock.BYTES}. Not written to"
        )
    sanlock.initialise(path)


def wait_for_health() -> None:
    """
    Wait until HA reports a healthy engine, on whichever host, and its page answers.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.wait_for_health

    Takes ``timeouts:ha`` seconds at most. Raises CommandExecutionError with HA's report, whether
    the engine's name resolves to its VM's address, and the last lines of the logs.
    """
    wait_for(
        "a healthy engine on shared storage",
        lambda: {key: fact for key, fact in get().items() if key in ("health", "page")},
        lambda now: now == {"health": "good", "page": "answers"},
        timeout=_settings()["timeouts"]["ha"],
        explain=lambda: f"{address.compared(_settings())[1]}\n{status.logs(_settings())}",
    )


def record_deployment() -> None:
    """
    Record the ids of this host's deployment, once the engine is healthy.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_ha.record_deployment
    """
    ids = __salt__["hosted_engine_config.ids"]()
    records.update(
        "deployment",
        fqdn=_settings()["engine"]["fqdn"],
        vm_id=ids["vm_id"],
        host_id=ids["host_id"],
        storage_domain=ids["storage_domain"],
        healthy=True,
    )


def _configured() -> None:
    if not conf.is_written():
        raise NotYet(
            f"HA isn't configured yet: no {conf.CONFIGURATION}; hosted_engine.handover writes it"
        )


def _page() -> str:
    try:
        connection.Site(__pillar__, __grains__).check_health()
    except CommandExecutionError as error:
        return str(error)
    return "answers"


def _patience() -> float:
    return float(_settings()["timeouts"]["command"])


def _settings() -> settings.Settings:
    return settings.load(__pillar__, __grains__)
