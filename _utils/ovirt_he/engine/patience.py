"""Reads of the engine that a single unanswered request doesn't fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ovirt_he.core.errors import NotUpYet, Unreachable
from ovirt_he.core.wait import wait_for

T = TypeVar("T")


def patient(read: Callable[[], T], gap: float) -> Callable[[], T]:
    """
    ``read``, which is asked again for ``gap`` seconds while the engine doesn't answer.

    A connection may break at any time, and while the management address moves onto its bridge the
    engine isn't heard for some seconds. After the gap its Unreachable is raised.
    """

    def look() -> T:
        until = time.monotonic() + gap
        unheard: list[Unreachable] = []

        def ask() -> list[T]:
            try:
                return [read()]
            except NotUpYet:
                # Test mode waits for nothing.
                raise
            except Unreachable as error:
                unheard.append(error)
                return []

        answers = ask() or wait_for(
            "an answer of the engine",
            ask,
            lambda seen: bool(seen) or time.monotonic() > until,
            timeout=2 * gap,
        )
        if not answers:
            raise unheard[-1]
        return answers[0]

    return look
