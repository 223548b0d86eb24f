"""Errors that callers distinguish; every other failure is a CommandExecutionError of Salt's."""

from __future__ import annotations

from salt.exceptions import CommandExecutionError


class NotYet(CommandExecutionError):
    """What is read doesn't exist before an earlier state has made it: no failure in test mode."""


class Paused(CommandExecutionError):
    """What is read is down because an operator wants it so (global maintenance): no failure."""


class Unreachable(CommandExecutionError):
    """The engine doesn't answer: no connection, or one that breaks, or 503 while it starts."""


class NotUpYet(Unreachable, NotYet):
    """The same in test mode, where an earlier state, or HA, would bring the engine up."""
