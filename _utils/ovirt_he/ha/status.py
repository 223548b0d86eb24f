"""Output of ``hosted-engine --vm-status --json``, parsed and checked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError, CommandNotFoundError, SaltInvocationError

from ovirt_he.core import command
from ovirt_he.core.wait import wait
from ovirt_he.ha import conf, lockspace

Status = dict[str, Any]
# HA takes a host for dead whose timestamp stood still that long (HOST_ALIVE_TIMEOUT_SECS).
WATCH_SECONDS = 65
# This host's own flags, which its agent reads in each cycle.
HA_CONF = Path("/var/lib/ovirt-hosted-engine-ha/ha.conf")
# The command sets both for local maintenance, the engine the first; the agent waits for either.
LOCAL_FLAGS = ("local_maintenance", "local_maintenance_manual")
MODES = ("global", "local", "none")
MIGRATE = (
    "The engine's VM runs on this host: migrate it first, or put the host into maintenance in the "
    "engine, which does both"
)


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
    Data from what the command printed.

    Hosts are told apart by their id: a host that was installed anew may have an old entry under the
    same name. ``alive`` is certain only when true: that this host's own agent saw the other one
    report in the last minute, and it didn't say goodbye. ``living`` finds out about the others.

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


def _host(key: str, raw: dict[str, Any]) -> Status:
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
    HA's status, and the ids of the hosts (of ``watched``, else of all) whose agent is at work: this
    host's agent says so, or their timestamp moves. Takes a minute for those that don't.

    Raises CommandExecutionError where HA doesn't answer.
    """
    first = read()
    known = set(first["hosts"]) if watched is None else set(watched) & set(first["hosts"])
    end = time.monotonic() + WATCH_SECONDS

    def look() -> tuple[Status, set[int]]:
        now = read()
        return now, {
            number
            for number in known
            if (host := now["hosts"].get(number))
            and (host["alive"] or host["timestamp"] != first["hosts"][number]["timestamp"])
        }

    return wait(
        "timestamps of HA's hosts to move",
        look,
        lambda found: found[1] == known or time.monotonic() > end,
        timeout=2 * WATCH_SECONDS,
    )


def may_run_engine(host: Status) -> bool:
    """
    Whether a host's last word was that the engine's VM is up on it.

    An agent that stopped has handed the VM's state over to nobody; one that died says no more.
    """
    return host["vm"] == "up" and not host["stopped"]


def running_on(status: Status) -> list[str]:
    """Names of the hosts whose last report was that the engine's VM is up on them."""
    return [host["name"] for host in status["hosts"].values() if may_run_engine(host)]


def claims_health(status: Status) -> bool:
    """
    Whether any host's last word was a healthy engine, however long ago it was, or that its vdsm
    couldn't say (``unknown``).
    """
    hosts = status["hosts"].values()
    return any(
        host["vm"] == "unknown" or (host["vm"], host["health"]) == ("up", "good") for host in hosts
    )


def by_id(status: Status, host_id: int) -> Status | None:
    """What HA says of the host with that id; None: it never reported, or was cleaned away."""
    return status["hosts"].get(host_id)


def host_id() -> int:
    """
    This host's id in HA, as hosted-engine.conf has it.

    Raises CommandExecutionError where it has none.
    """
    found = conf.read().get("host_id", "")
    if not found.isdecimal():
        raise CommandExecutionError(f"{conf.CONFIGURATION} has no host_id: the agent needs it")
    return int(found)


def local_maintenance() -> bool:
    """
    Whether this host is in local maintenance, by its ha.conf.

    Not by its metadata: an agent that stops writes False there, and one that starts in local
    maintenance writes nothing at all.
    """
    try:
        lines = HA_CONF.read_text().splitlines()
    except FileNotFoundError:
        return False
    pairs = dict(line.partition("=")[::2] for line in lines)
    return any(pairs.get(flag, "").strip().lower() in ("true", "1", "yes") for flag in LOCAL_FLAGS)


def end_local_maintenance() -> None:
    """Clear this host's own flags: an agent that started in local maintenance waits for that."""
    for flag in LOCAL_FLAGS:
        command.run("hosted-engine", "--set-shared-config", flag, "False", "--type=ha")


def holds_host_id() -> bool:
    """Whether sanlock holds a host id in HA's lockspace: then this host's agent is at work."""
    output = command.run("sanlock", "client", "status", codes=(0, 1)).stdout
    return any(line.startswith(f"s {lockspace.NAME}:") for line in output.splitlines())


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
    return summary({**status, "hosts": {host["id"]: host for host in alive}})


def summary(status: Status) -> str:
    """What each host reported of the engine, in one line."""
    reports = [
        f"{host['name']}: VM {host['vm'] or 'unknown'}, health {host['health'] or 'unknown'}"
        + "".join(f", {host[key]}" for key in ("detail", "reason") if host[key])
        for host in status["hosts"].values()
    ]
    return "; ".join(reports) or "no host reports"
