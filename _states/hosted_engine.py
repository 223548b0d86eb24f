"""The pillar is valid and the host is ready: all problems at once, and nothing is changed."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.preflight import check
from salt.exceptions import CommandExecutionError


@state.converging
def valid(name: str) -> state.Goal:
    """
    Ensure that the pillar is one that the formula can work with.

    .. code-block:: yaml

        Hosted engine pillar is valid:
          hosted_engine.valid

    Fails with every problem at once, in test mode too.
    """

    def read() -> state.Facts:
        return {"problems": __salt__["hosted_engine.problems"]()}

    return state.Goal({"problems": []}, read, _refuse)


@state.converging
def host_ready(name: str) -> state.Goal:
    """
    Ensure that this host can be deployed as the pillar asks; a deployed one isn't examined.

    .. code-block:: yaml

        Host is ready for the hosted engine:
          hosted_engine.host_ready

    Fails with every problem at once, in test mode too. Those of checks that ``preflight:ignore``
    names are in the comment, and what couldn't be looked at from this host.
    """
    return _examined()


@state.converging
def joinable(name: str) -> state.Goal:
    """
    Ensure that this host can join a running engine, and that the engine answers and is the one.

    .. code-block:: yaml

        Additional host can join the engine:
          hosted_engine.joinable

    As ``hosted_engine.host_ready`` otherwise.
    """
    return _examined(joins=True)


def _examined(joins: bool = False) -> state.Goal:
    def read() -> state.Facts:
        if __salt__["hosted_engine.deployed"]():
            return {"problems": [], "ignored": [], "notes": []}
        return dict(__salt__["hosted_engine.examined"](joins))

    return state.Goal({"problems": []}, read, _refuse, remark=check.remark)


def _refuse(now: state.Facts | None, _: list[str]) -> state.Step:
    raise CommandExecutionError(check.as_text(now["problems"] if now else []))
