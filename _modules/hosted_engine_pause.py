"""Pauses before a phase for manual checks; each stops one run, once per deployment."""

from __future__ import annotations

from ovirt_he.core import records
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

# What to check before each phase; {fqdn} is the engine's name.
CHECKS = {
    "bootstrap": "the host is unchanged except for packages and the image (hosted_engine.stage)",
    "engine": "{fqdn} is set up in the bootstrap VM, and has no host yet "
    "(hosted_engine_guest.run, and its pages through this host: ssh -D)",
    "handover": "{fqdn}, still in the bootstrap VM, has this host, the storage and its own VM",
    "ha": "configuration and disk lie on the storage, the bootstrap VM is off; what comes next "
    "starts the engine on shared storage",
}


def get(phase: str) -> dict[str, bool]:
    """
    Whether the pause before ``phase`` has already stopped a run.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_pause.get handover
    """
    return {"passed": phase in (records.read("pauses") or {}).get("passed", [])}


def stop(phase: str) -> None:
    """
    Stop this run before ``phase``; the next one continues.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_pause.stop handover

    Always raises CommandExecutionError, with what to check: nothing has failed.
    """
    refuse_if_deployed(__salt__, f"Pausing before {phase}")
    passed = (records.read("pauses") or {}).get("passed", [])
    records.write("pauses", {"passed": [*passed, phase]})
    fqdn = settings.load(__pillar__, __grains__)["engine"]["fqdn"]
    raise CommandExecutionError(
        f"PAUSE, no failure: pause_before names {phase}. Check: {CHECKS[phase].format(fqdn=fqdn)}. "
        "Then apply the same again: it continues from here"
    )
