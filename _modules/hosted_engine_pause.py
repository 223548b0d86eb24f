"""Pauses before a phase, for a person to look; each holds one run up, once a deployment."""

from __future__ import annotations

from ovirt_he.core import records
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

# What there is to see before each phase; the engine's name is filled in.
LOOK = {
    "bootstrap": "the host is as it was, packages and image are there (hosted_engine.stage)",
    "engine": "{fqdn} is set up in the bootstrap VM, and knows no host yet "
    "(hosted_engine_guest.run, and its pages through this host: ssh -D)",
    "handover": "{fqdn}, still in the bootstrap VM, has this host, the storage and its own VM",
    "ha": "configuration and disk lie on the storage, the bootstrap VM is off; what comes next "
    "starts the engine on shared storage",
}


def get(phase: str) -> dict[str, bool]:
    """
    Whether the pause before ``phase`` has held a run up already.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_pause.get handover
    """
    return {"passed": phase in (records.read("pauses") or {}).get("passed", [])}


def stop(phase: str) -> None:
    """
    Hold this run up before ``phase``; the next one goes on.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_pause.stop handover

    Always raises CommandExecutionError, with what to look at: nothing has failed.
    """
    refuse_if_deployed(__salt__, f"Pausing before {phase}")
    passed = (records.read("pauses") or {}).get("passed", [])
    records.write("pauses", {"passed": [*passed, phase]})
    fqdn = settings.load(__pillar__, __grains__)["engine"]["fqdn"]
    raise CommandExecutionError(
        f"PAUSE, no failure: pause_before names {phase}. Look: {LOOK[phase].format(fqdn=fqdn)}. "
        "Then run the same again: it goes on from here"
    )
