"""HA on a host of the engine: whether it may run the engine's VM, as the engine sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, types
from ovirt_he.engine.patience import patient
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError, SaltInvocationError

# The engine reads the HA of a host that is up every few seconds.
REFRESH_SECONDS = 60
NOWHERE = "an unknown host"
DEPLOY = (
    "it is managed without HA. Put it into maintenance in the engine, then apply this again: the "
    "engine installs it with HA, and activates it"
)


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def get(name: str) -> dict[str, Any] | None:
    """
    A host's HA: ``ha`` is ``active``, ``configured`` (its agent doesn't answer) or ``none``; its
    ``score``; ``runs_engine``: whether the engine's VM is on it; ``others``: hosts with active HA
    beside it; its ``status``. None: the engine has no such host.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_hosted_engine.get node2.example.com
    """
    with _engine() as api:
        hosts = api.hosts_service().list(all_content=True)
        host = next((each for each in hosts if each.name == name), None)
        if host is None:
            return None
        vm = settings.load(__pillar__, __grains__)["vm"]["name"]
        engine = connection.named(api.vms_service(), vm)
    return {
        "status": host.status.value,
        "ha": _ha(host),
        "score": (host.hosted_engine.score or 0) if host.hosted_engine else 0,
        "runs_engine": bool(engine and engine.host and engine.host.id == host.id),
        "others": sorted(h.name for h in hosts if h is not host and _ha(h) == "active"),
    }


def _patient(name: str) -> Callable[[], dict[str, Any] | None]:
    return patient(lambda: get(name), settings.load(__pillar__, __grains__)["timeouts"]["outage"])


def _ha(host: Any) -> str:
    section = host.hosted_engine
    if section is None or not section.configured:
        return "none"
    return "active" if section.active else "configured"


def install(name: str, action: str) -> None:
    """
    Have the engine install a host in maintenance again, with HA (``deploy``) or without it
    (``undeploy``), and activate it; no reboot. It doesn't wait.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_hosted_engine.install node2.example.com undeploy

    Raises CommandExecutionError when the engine refuses, or when without this host no other one
    could run the engine.
    """
    if action not in ("deploy", "undeploy"):
        raise SaltInvocationError(f"action {action!r}: deploy or undeploy is expected")
    host = get(name)
    if host is None:
        raise CommandExecutionError(f"The engine has no host {name}")
    if action == "undeploy" and (why := undeploy_blocked_by(name)):
        raise CommandExecutionError(why)
    if action == "deploy":
        wait_for_vm()
    with _engine() as api:
        found = connection.find(api.hosts_service(), name, "host")
        api.hosts_service().host_service(found.id).install(
            activate=True,
            reboot=False,
            ssh=types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY),
            **{f"{action}_hosted_engine": True},
        )
    # The request is asynchronous: the old status may be reported a little longer.
    wait_for(
        f"the engine to start installing {name}",
        _patient(name),
        lambda now: now is None or now["status"] != host["status"],
        timeout=REFRESH_SECONDS,
    )


def wait_for_vm() -> None:
    """
    Wait until the engine has recorded on which host its own VM runs: it reads HA's configuration
    from there, and otherwise fails the installation of another host with HA.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_hosted_engine.wait_for_vm

    Raises CommandExecutionError after ``timeouts:host`` seconds, with the engine's events.
    """
    pillar = settings.load(__pillar__, __grains__)

    def look() -> str:
        with _engine() as api:
            vm = connection.named(api.vms_service(), pillar["vm"]["name"])
            if vm is None:
                return "there is no such VM"
            return f"{vm.status.value}, on {vm.host.id if vm.host else NOWHERE}"

    wait_for(
        f"the engine to record which host runs its VM {pillar['vm']['name']}",
        patient(look, pillar["timeouts"]["outage"]),
        lambda vm: " on " in vm and NOWHERE not in vm,
        timeout=pillar["timeouts"]["host"],
        explain=__salt__["ovirt_event.explanation"],
    )


def undeploy_blocked_by(name: str) -> str:
    """
    Why a host can't be removed from HA now; empty: it can.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_hosted_engine.undeploy_blocked_by node2.example.com
    """
    host = get(name)
    if host is None:
        return f"The engine has no host {name}"
    if host["runs_engine"]:
        return f"{name} runs the engine's VM: migrate it to another host first"
    if not host["others"]:
        return (
            f"Without {name} no host could run the engine: there is no other one whose HA is "
            "active. Add one first (docs/operation.md), or repair theirs"
        )
    if host["status"] not in ("maintenance", "install_failed"):
        return (
            f"{name} is {host['status']}: put it into maintenance in the engine first, which moves "
            "its VMs away; it is activated again afterwards"
        )
    return ""


def wait(name: str, ha: str) -> None:
    """
    Wait until HA of a host is ``active``, or ``none``, in the engine.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_hosted_engine.wait node2.example.com active

    Raises CommandExecutionError at once where the host is up and its HA isn't even configured, or
    after ``timeouts:ha`` seconds, with the engine's events about the host.
    """
    refreshed = time.monotonic() + REFRESH_SECONDS

    def failed(host: dict[str, Any] | None) -> str | None:
        if host is None:
            return "the engine has no such host"
        if ha == "active" and (host["status"], host["ha"]) == ("up", "none"):
            return DEPLOY if time.monotonic() > refreshed else None
        return None

    wait_for(
        f"HA of {name} to be {ha} in the engine",
        _patient(name),
        lambda host: host is not None and host["ha"] == ha,
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["ha"],
        failed=failed,
        explain=lambda: __salt__["ovirt_event.explanation"](name),
    )
