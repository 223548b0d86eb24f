"""HA's modes of maintenance: global, of all hosts; local, of this one; none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError, SaltInvocationError

from ovirt_he.core import command
from ovirt_he.ha import conf, sanlock, status

# This host's flags, which its agent reads in each cycle.
HA_CONF = Path("/var/lib/ovirt-hosted-engine-ha/ha.conf")
# For local maintenance the command sets both, the engine only the first; each suffices.
LOCAL_FLAGS = ("local_maintenance", "local_maintenance_manual")
MODES = ("global", "local", "none")
MIGRATE = (
    "The engine's VM runs on this host: migrate it first, or put the host into maintenance in the "
    "engine, which does both"
)


def flags(mode: str) -> dict[str, bool]:
    """
    The flags of a mode: the command sets one and clears the other.

    Raises SaltInvocationError for any other mode.

    >>> flags("none")
    {'global_maintenance': False, 'local_maintenance': False}
    """
    if mode not in MODES:
        raise SaltInvocationError(f"Maintenance {mode!r}: one of {', '.join(MODES)} is expected")
    return {f"{scope}_maintenance": scope == mode for scope in ("global", "local")}


def read() -> dict[str, Any]:
    """What ``hosted_engine_ha.maintenance`` returns."""
    local = {"local_maintenance": is_local()}
    try:
        now = status.read()
    except CommandExecutionError as error:
        return {"answers": False, "global_maintenance": None, **local, "why": str(error)}
    host = status.by_id(now, conf.host_id())
    return {
        "answers": True,
        "global_maintenance": now["global_maintenance"],
        **local,
        # A host that has never reported has no entry.
        "engine_here": bool(host and status.may_run_engine(host)),
    }


def is_local() -> bool:
    """
    Whether this host is in local maintenance, by its ha.conf.

    Its metadata doesn't show it: an agent that stops writes False there, and one that starts in
    local maintenance writes nothing.
    """
    try:
        values = conf.properties(HA_CONF.read_text())
    except FileNotFoundError:
        return False
    return any(values.get(flag, "").lower() in ("true", "1", "yes") for flag in LOCAL_FLAGS)


def set_(mode: str, timeout: float) -> None:
    """
    Set a mode of HA; ``timeout`` is in seconds.

    Raises CommandExecutionError when HA refuses, and where this host's agent holds no host id: the
    command would end the broker.
    """
    if sanlock.holds_host_id():
        advice = MIGRATE if mode == "local" else ""
        argv = ("hosted-engine", "--set-maintenance", f"--mode={mode}")
        command.run(*argv, timeout=timeout, advice=advice)
    elif mode == "none" and is_local():
        # An agent that started in local maintenance only waits for its own flags.
        for flag in LOCAL_FLAGS:
            command.run("hosted-engine", "--set-shared-config", flag, "False", "--type=ha")
    else:
        raise CommandExecutionError(
            f"Maintenance {mode} isn't set: this host's agent holds no host id, so HA's broker "
            "would end itself. If the agent is stopped: systemctl start ovirt-ha-agent. If it "
            "waits in local maintenance: end that first (mode none), or do it on another host"
        )
