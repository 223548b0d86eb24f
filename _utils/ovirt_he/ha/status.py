"""HA's status of hosts and engine, by ``hosted-engine --vm-status --json``, and its logs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypedDict

from salt.exceptions import CommandExecutionError, CommandNotFoundError

from ovirt_he.core import command
from ovirt_he.core.text import safe
from ovirt_he.core.wait import wait_for

# HA considers a host dead whose timestamp hasn't changed for this long (HOST_ALIVE_TIMEOUT_SECS).
WATCH_SECONDS = 65
AGENT = "ovirt-ha-agent.service"
LOGS = Path("/var/log/ovirt-hosted-engine-ha")


class Host(TypedDict):
    """A host's last report; None: not reported, or a field that older versions lack."""

    name: str
    id: Any
    score: int | None
    vm: str | None
    health: str | None
    detail: str | None
    reason: str | None
    maintenance: bool
    timestamp: float | None
    stopped: bool
    alive: bool


class Status(TypedDict):
    """``hosts`` is keyed by host id: two entries may have the same name."""

    global_maintenance: bool
    hosts: dict[int, Host]


def read() -> Status:
    """
    HA's status: ``global_maintenance`` and ``hosts``, by host id.

    Raises CommandExecutionError where HA isn't deployed or its broker doesn't answer.
    """
    advice = "Look at: systemctl status ovirt-ha-broker, /var/log/ovirt-hosted-engine-ha/broker.log"
    try:
        output = command.run("hosted-engine", "--vm-status", "--json", codes=(0, 1), advice=advice)
    except CommandNotFoundError as error:
        raise CommandExecutionError(f"HA doesn't report its status: {error}") from error
    return parse(output.stdout, output.stderr, advice)


def parse(output: str, errors: str = "", advice: str = "") -> Status:
    """
    The status from the command's output.

    Hosts are identified by their id: a reinstalled host may have an old entry of the same name.
    ``alive`` is only certain when true: this host's agent read a report of that host in the last
    minute, and it wasn't stopped. ``living`` examines the others.

    >>> parse('{"global_maintenance": false}')
    {'global_maintenance': False, 'hosts': {}}
    """
    try:
        raw = json.loads(output)
        if not isinstance(raw, dict):
            raise ValueError(f"{type(raw).__name__} instead of an object")
    except (ValueError, RecursionError) as error:
        raise CommandExecutionError(
            f"HA doesn't report its status: {_reason(errors.strip() or output.strip())}. {advice}"
        ) from error
    hosts = [_host(key, value) for key, value in raw.items() if isinstance(value, dict)]
    return {
        "global_maintenance": raw.get("global_maintenance") is True,
        "hosts": {host["id"]: host for host in hosts},
    }


def _reason(output: str) -> str:
    """Not deployed: a line of text. Broker down: a traceback, whose last line explains nothing."""
    lines = output.splitlines()
    if not lines:
        return "it printed nothing"
    traceback = any(line.startswith("Traceback") for line in lines)
    if traceback and re.match(r"[\w.]+(Error|Exception|Timeout)\b", lines[-1]):
        return "its broker doesn't answer"
    return lines[-1][:500]


def _host(key: str, raw: dict[str, Any]) -> Host:
    engine = raw.get("engine-status")
    if isinstance(engine, str):
        # Older versions put JSON into the JSON.
        try:
            engine = json.loads(engine)
        except (ValueError, RecursionError):
            engine = {"detail": engine}
    engine = engine if isinstance(engine, dict) else {}
    number = int(key) if key.isascii() and key.isdecimal() else raw.get("host-id")
    stopped = raw.get("stopped") is True
    return {
        "name": str(raw.get("hostname") or number or key),
        "id": key if number is None else number,
        "score": raw.get("score"),
        "vm": engine.get("vm"),
        "health": engine.get("health"),
        "detail": engine.get("detail"),
        "reason": engine.get("reason"),
        "maintenance": raw.get("maintenance") is True,
        "timestamp": raw.get("host-ts"),
        "stopped": stopped,
        "alive": raw.get("live-data") is True and not stopped,
    }


def living(watched: Collection[int] | None = None) -> tuple[Status, set[int]]:
    """
    HA's status, and the ids of the hosts (of ``watched``, else of all) whose agent works: this
    host's agent reports it, or their timestamp changes. Takes a minute for those that don't.

    Raises CommandExecutionError where HA doesn't answer.
    """
    first = read()
    numbers = set(first["hosts"]) if watched is None else set(watched) & set(first["hosts"])
    end = time.monotonic() + WATCH_SECONDS

    def look() -> tuple[Status, set[int]]:
        now = read()
        return now, {
            number
            for number in numbers
            if (host := now["hosts"].get(number))
            and (host["alive"] or host["timestamp"] != first["hosts"][number]["timestamp"])
        }

    return wait_for(
        "timestamps of HA's hosts to change",
        look,
        lambda found: found[1] == numbers or time.monotonic() > end,
        timeout=2 * WATCH_SECONDS,
    )


def may_run_engine(host: Host) -> bool:
    """
    Whether a host's last report was that the engine's VM is up on it.

    A stopped agent no longer reports a VM; one that died reports nothing.
    """
    return host["vm"] == "up" and not host["stopped"]


def claims_health(status: Status) -> bool:
    """
    Whether any host's last report, of any age, was that the engine is healthy, or that its vdsm
    didn't answer (``unknown``).
    """
    hosts = status["hosts"].values()
    return any(
        host["vm"] == "unknown" or (host["vm"], host["health"]) == ("up", "good") for host in hosts
    )


def by_id(status: Status, host_id: int) -> Host | None:
    """The host with that id; None: it never reported, or its metadata was cleaned."""
    return status["hosts"].get(host_id)


def health(status: Status) -> str:
    """``good`` where a live host has a healthy engine; else what the live hosts report."""
    alive = [host for host in status["hosts"].values() if host["alive"]]
    if any(host["vm"] == "up" and host["health"] == "good" for host in alive):
        return "good"
    return _reports(alive)


def summary(status: Status) -> str:
    """What each host reported of the engine, in one line."""
    return _reports(status["hosts"].values())


def _reports(hosts: Collection[Host]) -> str:
    reports = [
        f"{host['name']}: VM {host['vm'] or 'unknown'}, health {host['health'] or 'unknown'}"
        + "".join(f", {more}" for more in (host["detail"], host["reason"]) if more)
        for host in hosts
    ]
    return "; ".join(reports) or "no host reports"


def logs(settings: Mapping[str, Any]) -> str:
    """The last lines of the logs of agent, broker, and the engine's VM."""
    name = settings["vm"]["name"]
    paths = (LOGS / "agent.log", LOGS / "broker.log", Path(f"/var/log/libvirt/qemu/{name}.log"))
    return "\n".join(
        f"{path}:\n{safe(path.read_text(errors='replace'), lines=6)}"
        for path in paths
        if path.is_file()
    )
