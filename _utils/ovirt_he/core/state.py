"""
The reconcile loop that every state of the formula goes through.

A state says which facts it wants, how to read them, and which verb comes next from what was read.
Test mode, true changes, the re-read after every verb, refusals and the error path are here, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from salt.exceptions import CommandExecutionError, SaltException

log = logging.getLogger(__name__)

Facts = dict[str, Any]
Step = tuple[Any, ...]

HIDDEN = "(hidden)"


class NotYet(CommandExecutionError):
    """What is read doesn't exist before an earlier state has made it: in test mode no error."""


class Paused(CommandExecutionError):
    """What is read is down because an operator wants it so (global maintenance)."""


class Secret:
    """
    A fact that takes part in comparisons but is never shown.

    >>> Secret("a") == Secret("a"), str(Secret("a"))
    (True, '(hidden)')
    """

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


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


def converge(
    name: str,
    wanted: Facts | Callable[[], Facts] | None,
    *,
    read: Callable[[], Facts | None],
    step: Callable[[Facts | None], Step],
    test: bool,
    run: Mapping[str, Callable[..., Any]],
) -> dict[str, Any]:
    """
    Bring what ``read`` sees to ``wanted``, one verb at a time, and prove it by reading again.

    ``wanted``: facts, or None where absence is wanted, or a callable that makes the facts from what
    exists only once the engine made it. ``step`` returns the next verb and its arguments, and
    raises where we must not go on: in test mode too. ``run`` is ``__salt__``.
    """
    before = now = None
    done: list[tuple[str, Facts | None]] = []
    facts: Facts | None = None
    try:
        facts = wanted() if callable(wanted) else wanted
        before = now = read()
        while lacking := drift(now, facts):
            verb, *arguments = step(now)
            if test:
                return _result(name, None, f"next would be {verb}", lacking)
            if (verb, now) in done:
                raise CommandExecutionError(f"{verb} changed nothing: still lacking {lacking}")
            # What a person sees while a run works (salt-call -l info): no arguments, no facts.
            log.info("%s: %s", name, verb)
            done.append((verb, now))
            run[verb](*arguments)
            now = read()
        comment = ", ".join(verb for verb, _ in done) or "in the wanted state"
        return _result(name, True, comment, _changes(before, now, facts, done))
    except Paused as error:
        return _result(name, True, str(error), _changes(before, now, facts, done))
    except SaltException as error:
        if test and isinstance(error, NotYet):
            return _result(name, None, str(error), {})
        comment = str(error)
        if done:
            try:
                now = read()
            except SaltException as again:
                comment += f"\nReading it afterwards failed too: {again}"
        return _result(name, False, comment, _changes(before, now, facts, done))


def _changes(
    before: Facts | None, now: Facts | None, facts: Facts | None, done: list[tuple[str, Any]]
) -> dict[str, Any]:
    if not done:
        return {}
    if facts is None:
        seen = drift(before, None) if now is None else {}
    else:
        seen = drift(before, {fact: (now or {}).get(fact) for fact in facts})
    return seen | {"done": [verb for verb, _ in done]}


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return HIDDEN if isinstance(value, Secret) else value


def _result(
    name: str, result: bool | None, comment: str, changes: dict[str, Any]
) -> dict[str, Any]:
    return {"name": name, "result": result, "comment": f"{name}: {comment}", "changes": changes}
