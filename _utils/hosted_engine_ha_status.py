"""What ``hosted-engine --vm-status --json`` prints, made data that can be trusted."""

from __future__ import annotations

import json
from typing import Any

import hosted_engine_command as command
from salt.exceptions import CommandExecutionError

Status = dict[str, Any]


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
