"""Why a deployed engine doesn't answer, as HA sees it: paused, on its way up, or down."""

from __future__ import annotations

import json
from typing import Any, Protocol

import hosted_engine_command as command
from hosted_engine_state import Paused
from hosted_engine_wait import wait
from salt.exceptions import CommandExecutionError, CommandNotFoundError

AGENT = "ovirt-ha-agent.service"


class Site(Protocol):
    """What is asked: hosted_engine_connection.Site."""

    fqdn: str
    settings: dict[str, Any]

    def check_health(self) -> None: ...


def explain_or_wait(site: Site, error: CommandExecutionError, *, test: bool) -> None:
    """
    Return once HA has brought the engine up.

    Raises Paused under global maintenance, else ``error`` with what HA says: at once when no agent
    runs here that could start the engine, or when ``test`` forbids to wait.
    """
    seen = _ha(site)
    if test or not _agent_runs():
        raise type(error)(f"{error}. HA says: {seen}") from error

    def look() -> str:
        try:
            site.check_health()
        except type(error) as refusal:
            return f"{refusal}. HA says: {_ha(site)}"
        return ""

    wait(
        f"the engine {site.fqdn}, which HA keeps running",
        look,
        lambda refusal: refusal == "",
        timeout=site.settings["timeouts"]["engine"],
    )


def _ha(site: Site) -> str:
    """What HA knows of the engine on each of its hosts; Paused where it isn't to run anywhere."""
    status = ha_status()
    if status is None:
        return "nothing (systemctl status ovirt-ha-broker ovirt-ha-agent)"
    if status.get("global_maintenance"):
        raise Paused(f"The engine {site.fqdn} is down under global maintenance: nothing is checked")
    hosts = [host for host in status.values() if isinstance(host, dict)]
    return ", ".join(f"{host.get('hostname')}: {host.get('engine-status')}" for host in hosts)


def _agent_runs() -> bool:
    # Any code but 0: inactive, failed, activating after a failure, or no such unit.
    answer = command.run("systemctl", "is-active", AGENT, codes=tuple(range(256)))
    return answer.stdout.strip() == "active"


def ha_status() -> dict[str, Any] | None:
    """What ``hosted-engine --vm-status --json`` says, or None where it says nothing readable."""
    try:
        # Broker down: exit code 1 and a traceback; not deployed: plain text.
        said = command.run("hosted-engine", "--vm-status", "--json", codes=(0, 1))
        status = json.loads(said.stdout)
    except (CommandNotFoundError, ValueError):
        return None
    return status if isinstance(status, dict) else None
