"""
The reconcile loop that every state of the formula goes through.

A state says which facts it wants, how to read them, and which verb comes next from what was read.
Test mode, true changes, the re-read after every verb, refusals and the error path are here, once.
"""

from __future__ import annotations

import functools
import logging
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError, SaltException

from ovirt_he.core.errors import NotYet, Paused
from ovirt_he.core.text import HIDDEN, Secret

log = logging.getLogger(__name__)

Facts = dict[str, Any]
Step = tuple[Any, ...]


def drift(now: Facts | None, wanted: Facts | None) -> dict[str, Any]:
    """
    What ``now`` lacks of ``wanted``: ``{fact: {"old": …, "new": …}}``. None is an absent thing.

    >>> drift({"status": "down", "id": 1}, {"status": "up"})
    {'status': {'old': 'down', 'new': 'up'}}
    """
    if wanted is None:
        return {} if now is None else {"exists": {"old": True, "new": False}}
    now = now or {}
    return {
        fact: {"old": _shown(now.get(fact)), "new": _shown(value)}
        for fact, value in wanted.items()
        if now.get(fact) != value
    }


class Goal(NamedTuple):
    """
    What a state declares.

    ``wanted``: facts, or None where absence is wanted, or a function that makes them from what was
    read first. ``step``: the next verb and its arguments, or a function that chooses them from what
    was read last and the verbs of this run, and raises where we must not go on: in test mode too.
    ``remark``: what else a person should know of what was read last; empty where there is nothing.
    """

    wanted: Facts | Callable[[Facts | None], Facts] | None
    read: Callable[[], Facts | None]
    step: Step | Callable[[Facts | None, list[str]], Step]
    remark: Callable[[Facts], str] = lambda _: ""


def converging(declare: Callable[..., Goal]) -> Callable[..., dict[str, Any]]:
    """
    Make a state of a function that declares its goal. Salt sees the function's own signature.

    >>> @converging
    ... def opened(name):
    ...     return Goal({"gate": "open"}, read=__salt__["gate.get"], step=("gate.release",))
    """
    return _state_of(declare, refuse=lambda *_: None)


def converging_own(key: str) -> Callable[[Callable[..., Goal]], Callable[..., dict[str, Any]]]:
    """
    As ``converging``, of a state that there is once in a deployment: its ``name`` is what the
    pillar has at ``key``, such as engine:fqdn, and any other is refused.
    """

    def refuse(name: str, run: Mapping[str, Callable[..., Any]]) -> None:
        own = run["hosted_engine.settings"]()
        for part in key.split(":"):
            own = own[part]
        refuse_other(name, own, f"hosted_engine:{key}")

    return functools.partial(_state_of, refuse=refuse)


def _state_of(
    declare: Callable[..., Goal], refuse: Callable[[str, Mapping[str, Any]], None]
) -> Callable[..., dict[str, Any]]:
    run = converge

    def state(name: str, *arguments: Any, **facts: Any) -> dict[str, Any]:
        def goal() -> Goal:
            refuse(name, __salt__)
            return declare(name, *arguments, **facts)

        return run(name, goal, test=__opts__["test"], run=__salt__)

    # With its module's globals, in which Salt keeps its dunders, and finds the module's docs.
    own = types.FunctionType(state.__code__, declare.__globals__, closure=state.__closure__)
    return functools.wraps(declare)(own)


def converge(
    name: str,
    declare: Callable[[], Goal],
    *,
    test: bool,
    run: Mapping[str, Callable[..., Any]],
) -> dict[str, Any]:
    """
    Bring what is read to what is wanted, one verb at a time, and prove it by reading again.

    ``declare`` returns the goal, or raises as its parts may. ``run`` is ``__salt__``.
    """
    outcome = Outcome(name)
    try:
        goal = outcome.goal = declare()
        outcome.before = outcome.now = goal.read()
        outcome.wanted = goal.wanted(outcome.now) if callable(goal.wanted) else goal.wanted
        while lacking := drift(outcome.now, outcome.wanted):
            verb, *arguments = _next(goal, outcome)
            if test:
                return outcome.result(None, f"next would be {verb}", lacking)
            if (verb, outcome.now) in outcome.done:
                raise CommandExecutionError(f"{verb} changed nothing: still lacking {lacking}")
            # What a person sees while a run works (salt-call -l info): no arguments, no facts.
            log.info("%s: %s", name, verb)
            outcome.done.append((verb, outcome.now))
            run[verb](*arguments)
            outcome.now = goal.read()
        return outcome.result(True, ", ".join(outcome.verbs()) or "in the wanted state")
    except Paused as error:
        return outcome.result(True, str(error))
    except SaltException as error:
        if test and isinstance(error, NotYet):
            return outcome.result(None, str(error), {})
        return outcome.result(False, f"{error}{outcome.read_again()}")


def refuse_other(name: str, own: str, what: str) -> None:
    """Refuse a ``name`` other than that of the one thing, ``what``, which a state works on."""
    if name != own:
        raise CommandExecutionError(
            f"{name} isn't this deployment's: {what} is {own}. Nothing was changed"
        )


def _next(goal: Goal, outcome: Outcome) -> Step:
    return goal.step(outcome.now, outcome.verbs()) if callable(goal.step) else goal.step


class Outcome:
    """What a run of the loop has seen and done so far, and what Salt gets to know of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.goal: Goal | None = None
        self.wanted: Facts | None = None
        self.before: Facts | None = None
        self.now: Facts | None = None
        self.done: list[tuple[str, Facts | None]] = []

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.done]

    def read_again(self) -> str:
        """After a failure: what became of what was done, or why that isn't known."""
        if not (self.goal and self.done):
            return ""
        try:
            self.now = self.goal.read()
        except SaltException as error:
            return f"\nReading it afterwards failed too: {error}"
        return ""

    def changes(self) -> dict[str, Any]:
        if not self.done:
            return {}
        if self.wanted is None:
            changed = drift(self.before, None) if self.now is None else {}
        else:
            after = self.now or {}
            changed = drift(self.before, {fact: after.get(fact) for fact in self.wanted})
        return changed | {"done": self.verbs()}

    def result(
        self, result: bool | None, comment: str, changes: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        remark = self.goal.remark(self.now) if self.goal and self.now is not None else ""
        return {
            "name": self.name,
            "result": result,
            "comment": "\n".join(filter(None, [f"{self.name}: {comment}", remark])),
            "changes": self.changes() if changes is None else changes,
        }


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return HIDDEN if isinstance(value, Secret) else value
