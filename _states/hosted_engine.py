"""The pillar is valid and the host is fit: all problems at once, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ovirt_he.core import state
from ovirt_he.preflight import check as checks
from salt.exceptions import CommandExecutionError


def valid(name: str) -> dict[str, Any]:
    """
    Ensure that the pillar is one that the formula can work with.

    .. code-block:: yaml

        Hosted engine pillar is valid:
          hosted_engine.valid

    Fails with every problem at once, in test mode too.
    """
    return _without_problems(name, __salt__["hosted_engine.problems"])


def fit(name: str) -> dict[str, Any]:
    """
    Ensure that this host can be deployed as the pillar says.

    .. code-block:: yaml

        Host is fit for the hosted engine:
          hosted_engine.fit:
            - unless:
              - fun: hosted_engine.deployed

    Fails with every problem at once, in test mode too. Those of checks that ``preflight:ignore``
    names are in the comment, and what couldn't be looked at from this host.
    """
    return _fits(name)


def joinable(name: str) -> dict[str, Any]:
    """
    Ensure that this host can join a running engine, and that the engine answers and is the one.

    .. code-block:: yaml

        Further host can join the engine:
          hosted_engine.joinable:
            - unless:
              - fun: hosted_engine.deployed

    Fails with every problem at once, in test mode too. Those of checks that ``preflight:ignore``
    names are in the comment.
    """
    return _fits(name, joins=True)


def _fits(name: str, joins: bool = False) -> dict[str, Any]:
    more: list[str] = []

    def problems() -> list[dict[str, str]]:
        found = __salt__["hosted_engine.examined"](joins)
        more[:] = filter(None, [checks.as_text(found["ignored"], checks.IGNORED), *found["notes"]])
        return list(found["problems"])

    result = _without_problems(name, problems)
    result["comment"] = "\n".join([result["comment"], *more])
    return result


def _without_problems(name: str, problems: Callable[[], list[dict[str, str]]]) -> dict[str, Any]:
    def step(now: state.Facts | None) -> state.Step:
        raise CommandExecutionError(checks.as_text(now["problems"] if now else []))

    return state.converge(
        name,
        {"problems": []},
        read=lambda: {"problems": problems()},
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
