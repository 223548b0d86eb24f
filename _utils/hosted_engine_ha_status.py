"""What ``hosted-engine --vm-status --json`` prints, made data that can be trusted."""

from __future__ import annotations

import json
import re
from typing import Any

import hosted_engine_command as command
import hosted_engine_config_files as files
from salt.exceptions import CommandExecutionError, SaltInvocationError

Status = dict[str, Any]
MODES = ("global", "local", "none")
MIGRATE = (
    "The engine's VM runs on this host: migrate it first, or put the host into maintenance in the "
    "engine, which does both"
)


def read() -> Status:
    """
    HA's status: ``global_maintenance`` and ``hosts``, by host name.

    Raises CommandExecutionError where HA isn't deployed or its broker doesn't answer.
    """
    advice = "Look at: systemctl status ovirt-ha-broker, /var/log/ovirt-hosted-engine-ha/broker.log"
    said = command.run("hosted-engine", "--vm-status", "--json", codes=(0, 1), advice=advice)
    return parse(said.stdout, said.stderr, advice)


def parse(output: str, errors: str = "", advice: str = "") -> Status:
    """
    Data from what the command printed.

    A host that has never reported has no ``health``; ``live-data`` stays true for a while after
    the agent stopped, so ``alive`` looks at both.

    >>> parse('{"global_maintenance": false}')
    {'global_maintenance': False, 'hosts': {}}
    """
    try:
        raw = json.loads(output)
        if not isinstance(raw, dict):
            raise ValueError(f"{type(raw).__name__} instead of an object")
    except ValueError as error:
        # Not deployed: one line of text. Broker down: a traceback, its last line says why.
        lines = (errors.strip() or output.strip() or str(error)).splitlines()
        raise CommandExecutionError(f"HA doesn't tell its status: {lines[-1]}. {advice}") from error
    hosts = [_host(value) for value in raw.values() if isinstance(value, dict)]
    return {
        "global_maintenance": raw.get("global_maintenance") is True,
        "hosts": {host["name"]: host for host in hosts},
    }


def _host(raw: dict[str, Any]) -> Status:
    engine = raw.get("engine-status")
    if isinstance(engine, str):
        # Older versions put JSON into the JSON.
        try:
            engine = json.loads(engine)
        except ValueError:
            engine = {"detail": engine}
    engine = engine if isinstance(engine, dict) else {}
    return {
        "name": str(raw.get("hostname") or raw.get("host-id")),
        "id": raw.get("host-id"),
        "score": raw.get("score"),
        "vm": engine.get("vm"),
        "health": engine.get("health"),
        "detail": engine.get("detail"),
        "reason": engine.get("reason"),
        "maintenance": raw.get("maintenance") is True,
        "alive": raw.get("live-data") is True and raw.get("stopped") is not True,
    }


def running_on(status: Status) -> list[str]:
    """Names of the hosts on which the engine's VM is up, as far as live hosts tell."""
    return [h["name"] for h in status["hosts"].values() if h["alive"] and h["vm"] == "up"]


def by_id(status: Status, host_id: int) -> Status | None:
    """What HA says of the host with that id; None: it never reported, or was cleaned away."""
    return next((host for host in status["hosts"].values() if host["id"] == host_id), None)


def host_id() -> int:
    """
    This host's id in HA, as hosted-engine.conf has it.

    Raises CommandExecutionError where it has none.
    """
    found = re.search(r"^host_id=(\d+)$", files.CONFIGURATION.read_text(), re.MULTILINE)
    if found is None:
        raise CommandExecutionError(f"{files.CONFIGURATION} has no host_id: the agent needs it")
    return int(found[1])


def flags(mode: str) -> dict[str, bool]:
    """
    What a host shows under a mode of maintenance: the command sets one and clears the other.

    Raises SaltInvocationError for what isn't a mode.

    >>> flags("none")
    {'global_maintenance': False, 'local_maintenance': False}
    """
    if mode not in MODES:
        raise SaltInvocationError(f"Maintenance {mode!r}: one of {', '.join(MODES)} is wanted")
    return {f"{scope}_maintenance": scope == mode for scope in ("global", "local")}


def health(status: Status) -> str:
    """``good`` where a live host has a healthy engine; else what the live hosts say."""
    alive = [host for host in status["hosts"].values() if host["alive"]]
    if any(host["vm"] == "up" and host["health"] == "good" for host in alive):
        return "good"
    said = [
        f"{host['name']}: VM {host['vm'] or 'unknown'}, health {host['health'] or 'unknown'}"
        + "".join(f", {host[key]}" for key in ("detail", "reason") if host[key])
        for host in alive
    ]
    return "; ".join(said) or "no host reports"
