"""What only a deployment in progress may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from salt.exceptions import CommandExecutionError


def refuse_if_deployed(salt: Mapping[str, Callable[..., Any]], what: str) -> None:
    """
    Refuse on a deployed host, whoever asks: a second bootstrap there ends in two engines.

    Raises CommandExecutionError with what was asked for, and when it cannot be determined whether
    the host is deployed.
    """
    if salt["hosted_engine.deployed"]():
        raise CommandExecutionError(
            f"{what}: refused, this host runs a deployed hosted engine. "
            "salt-call --local hosted_engine.status shows it"
        )
