"""Why a deployed engine doesn't answer, as HA reports it: paused, starting, or down."""

from __future__ import annotations

from collections.abc import Callable

from salt.exceptions import CommandExecutionError

from ovirt_he.core.errors import Paused, Unreachable
from ovirt_he.core.wait import wait_for
from ovirt_he.ha import status
from ovirt_he.host import systemd


def wait_for_ha_or_raise(
    error: Unreachable, fqdn: str, check_health: Callable[[], None], *, timeout: float
) -> None:
    """
    Return once HA has brought the engine up, within ``timeout`` seconds.

    Raises Paused under global maintenance, else ``error`` with HA's report: at once when no agent
    runs here that could start the engine, or without a ``timeout``.
    """
    report = _report(fqdn)
    if not timeout or systemd.active_state(status.AGENT) != "active":
        raise type(error)(f"{error}. HA reports: {report}") from error

    def look() -> str:
        try:
            check_health()
        except Unreachable as refusal:
            return f"{refusal}. HA reports: {_report(fqdn)}"
        return ""

    wait_for(
        f"the engine {fqdn}, which HA keeps running",
        look,
        lambda refusal: refusal == "",
        timeout=timeout,
    )


def _report(fqdn: str) -> str:
    """HA's report of the engine on each host. Raises Paused under global maintenance."""
    try:
        found = status.read()
    except CommandExecutionError as error:
        return str(error)
    if found["global_maintenance"]:
        raise Paused(f"The engine {fqdn} is down under global maintenance: nothing is checked")
    return status.summary(found)
