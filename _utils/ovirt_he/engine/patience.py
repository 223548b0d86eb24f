"""Reads that tolerate an outage of the engine's API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ovirt_he.core.errors import NotUpYet, Unreachable
from ovirt_he.core.wait import wait_for

T = TypeVar("T")


def patient(read: Callable[[], T], outage: float) -> Callable[[], T]:
    """
    ``read``, repeated for ``outage`` seconds while the engine doesn't answer.

    A connection may break at any time, and while the management address moves onto its bridge the
    engine is unreachable for some seconds. After the outage its Unreachable is raised.
    """

    def look() -> T:
        end = time.monotonic() + outage
        failures: list[Unreachable] = []

        def ask() -> list[T]:
            try:
                return [read()]
            except NotUpYet:
                # Test mode waits for nothing.
                raise
            except Unreachable as error:
                failures.append(error)
                return []

        answers = ask() or wait_for(
            "an answer of the engine",
            ask,
            lambda found: bool(found) or time.monotonic() > end,
            timeout=2 * outage,
        )
        if not answers:
            raise failures[-1]
        return answers[0]

    return look
