"""The only wait: polls, gives up at once where success is impossible, reports what it saw."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from salt.exceptions import CommandExecutionError

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST, LONGEST = 0.2, 2.0  # seconds between two looks: quick at first, then gentle


def wait_for(
    what: str,
    read: Callable[[], T],
    done: Callable[[T], bool],
    *,
    timeout: float,
    failed: Callable[[T], str | bool | None] = lambda _: None,
    explain: Callable[[], str] = lambda: "",
) -> T:
    """
    Look until ``done`` and return what was seen last.

    ``timeout`` is in seconds. ``failed`` returns a reason, or True, when waiting can't help.
    ``explain`` is asked once, on failure, for more (events, a console's last lines).

    Raises CommandExecutionError with what was waited for, what was seen last, and the explanation.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST
    log.info("Waiting for %s, %g s at most", what, timeout)
    while True:
        seen = read()
        if done(seen):
            return seen
        if reason := failed(seen):
            why = f"failed: {reason}" if isinstance(reason, str) else "it failed"
        elif time.monotonic() + pause > deadline:
            why = f"not within {timeout:g} s"
        else:
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST)
            continue
        raise CommandExecutionError(
            f"Waiting for {what}: {why}. Seen last: {seen}.{_paragraph(explain())}"
        )


def last_seen(read: Callable[[], T], done: Callable[[T], bool], *, timeout: float) -> T:
    """Look until ``done``, for ``timeout`` seconds at most, and return what was seen last."""
    deadline = time.monotonic() + timeout
    pause = FIRST
    while not done(seen := read()) and time.monotonic() + pause <= deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
    return seen


def _paragraph(text: str) -> str:
    return f"\n{text}" if text else ""
