"""Which hosts of the engine may run its VM."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from salt.exceptions import CommandExecutionError

PASSING = {"installing", "initializing", "unassigned", "connecting", "reboot"}


def deployed(name: str) -> dict[str, Any]:
    """
    Ensure that a host may run the engine: HA on it is configured, and its agent active.

    .. code-block:: yaml

        Further host may run the engine:
          ovirt_hosted_engine.deployed:
            - name: node2.example.com

    The engine configures HA on a host that it adds (``ovirt_host.up`` with ``hosted_engine``), or
    on one in maintenance, which is activated then. One that is up without HA is told, not changed.
    """

    def step(now: state.Facts | None) -> state.Step:
        seen = _known(name, now)
        if seen["status"] in PASSING:
            return "ovirt_host.wait", name
        if seen["ha"] == "none" and seen["status"] == "maintenance":
            return "ovirt_hosted_engine.install", name, "deploy"
        return "ovirt_hosted_engine.wait", name, "active"

    return _converge(name, "active", step)


def undeployed(name: str) -> dict[str, Any]:
    """
    Ensure that a host no longer runs the engine; it stays a host of the engine.

    .. code-block:: yaml

        Old host no longer runs the engine:
          ovirt_hosted_engine.undeployed:
            - name: node2.example.com

    Refused for the host that runs the engine's VM, and for the last one that could. The host must
    be in maintenance: what becomes of its VMs is an operator's choice. It is activated afterwards.
    """

    def step(now: state.Facts | None) -> state.Step:
        seen = _known(name, now)
        if seen["status"] in PASSING:
            return "ovirt_host.wait", name
        if seen["status"] == "up" and installed:
            return "ovirt_hosted_engine.wait", name, "none"
        if why := __salt__["ovirt_hosted_engine.kept"](name):
            raise CommandExecutionError(why)
        installed.append(name)
        return "ovirt_hosted_engine.install", name, "undeploy"

    installed: list[str] = []
    return _converge(name, "none", step)


def _known(name: str, now: state.Facts | None) -> state.Facts:
    if now is None:
        raise state.NotYet(f"The engine knows no host {name} yet: ovirt_host.up adds one")
    return now


def _converge(name: str, ha: str, step: Any) -> dict[str, Any]:
    return state.converge(
        name,
        {"ha": ha},
        read=lambda: __salt__["ovirt_hosted_engine.get"](name),
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
