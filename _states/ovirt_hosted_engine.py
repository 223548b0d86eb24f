"""Which hosts of the engine may run its VM."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from ovirt_he.core.errors import NotYet
from ovirt_he.engine.host_status import PASSING
from salt.exceptions import CommandExecutionError

INSTALL = "ovirt_hosted_engine.install"


@state.converging
def deployed(name: str) -> state.Goal:
    """
    Ensure that a host may run the engine: HA on it is configured, and its agent active.

    .. code-block:: yaml

        HA is deployed on the additional host:
          ovirt_hosted_engine.deployed:
            - name: node2.example.com

    The engine configures HA on a host that it adds (``ovirt_host.up`` with ``hosted_engine``), or
    on one in maintenance, which is activated then. One that is up without HA is reported, not
    changed.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        host = _existing(name, now)
        if host["status"] in PASSING:
            return "ovirt_host.wait", name
        if host["ha"] == "none" and host["status"] == "maintenance":
            return INSTALL, name, "deploy"
        return "ovirt_hosted_engine.wait", name, "active"

    return _goal(name, "active", step)


@state.converging
def undeployed(name: str) -> state.Goal:
    """
    Ensure that a host no longer runs the engine; it stays a host of the engine.

    .. code-block:: yaml

        Old host no longer runs the engine:
          ovirt_hosted_engine.undeployed:
            - name: node2.example.com

    Refused for the host that runs the engine's VM, and for the last one that could. The host must
    be in maintenance, since its VMs are the operator's decision. It is activated afterwards.
    """

    def step(now: state.Facts | None, done: list[str]) -> state.Step:
        host = _existing(name, now)
        if host["status"] in PASSING:
            return "ovirt_host.wait", name
        if host["status"] == "up" and INSTALL in done:
            return "ovirt_hosted_engine.wait", name, "none"
        if why := __salt__["ovirt_hosted_engine.undeploy_blocked_by"](name):
            raise CommandExecutionError(why)
        return INSTALL, name, "undeploy"

    return _goal(name, "none", step)


def _existing(name: str, now: state.Facts | None) -> state.Facts:
    if now is None:
        raise NotYet(f"The engine has no host {name} yet: ovirt_host.up adds it")
    return now


def _goal(name: str, ha: str, step: Any) -> state.Goal:
    return state.Goal({"ha": ha}, read=lambda: __salt__["ovirt_hosted_engine.get"](name), step=step)
