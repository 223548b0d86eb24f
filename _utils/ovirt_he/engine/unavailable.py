"""Why a deployed engine doesn't answer, as HA sees it: paused, on its way up, or down."""

from __future__ import annotations

from typing import Any, Protocol

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.core.state import Paused
from ovirt_he.core.wait import wait
from ovirt_he.ha import status as ha_status

AGENT = "ovirt-ha-agent.service"


class Site(Protocol):
    """What is asked: ovirt_he.engine.connection.Site."""

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
    try:
        status = ha_status.read()
    except CommandExecutionError as error:
        return str(error)
    if status["global_maintenance"]:
        raise Paused(f"The engine {site.fqdn} is down under global maintenance: nothing is checked")
    return ha_status.summary(status)


def _agent_runs() -> bool:
    # Any code but 0: inactive, failed, activating after a failure, or no such unit.
    answer = command.run("systemctl", "is-active", AGENT, codes=command.ANY)
    return answer.stdout.strip() == "active"
