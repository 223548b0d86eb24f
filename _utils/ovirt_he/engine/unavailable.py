"""Why a deployed engine doesn't answer, as HA sees it: paused, on its way up, or down."""

from __future__ import annotations

from collections.abc import Callable

from salt.exceptions import CommandExecutionError

from ovirt_he.core.errors import Paused, Unreachable
from ovirt_he.core.wait import wait_for
from ovirt_he.ha import status as ha_status
from ovirt_he.host import systemd


def wait_for_ha_or_raise(
    error: Unreachable, fqdn: str, check_health: Callable[[], None], *, timeout: float
) -> None:
    """
    Return once HA has brought the engine up, within ``timeout`` seconds.

    Raises Paused under global maintenance, else ``error`` with what HA says: at once when no agent
    runs here that could start the engine, or without a ``timeout``.
    """
    status = _ha(fqdn)
    if not timeout or systemd.active_state(ha_status.AGENT) != "active":
        raise type(error)(f"{error}. HA says: {status}") from error

    def look() -> str:
        try:
            check_health()
        except Unreachable as refusal:
            return f"{refusal}. HA says: {_ha(fqdn)}"
        return ""

    wait_for(
        f"the engine {fqdn}, which HA keeps running",
        look,
        lambda refusal: refusal == "",
        timeout=timeout,
    )


def _ha(fqdn: str) -> str:
    """What HA knows of the engine on each of its hosts; Paused where it isn't to run anywhere."""
    try:
        status = ha_status.read()
    except CommandExecutionError as error:
        return str(error)
    if status["global_maintenance"]:
        raise Paused(f"The engine {fqdn} is down under global maintenance: nothing is checked")
    return ha_status.summary(status)
