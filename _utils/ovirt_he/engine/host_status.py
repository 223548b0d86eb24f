"""Statuses of a host in the engine, as far as states have to tell them apart."""

from __future__ import annotations

MAINTENANCE = {"maintenance", "preparing_for_maintenance"}
# The engine is at work, or hasn't heard of the host for a moment: another status follows by itself.
PASSING = {
    "installing",
    "initializing",
    "unassigned",
    "connecting",
    "reboot",
    "non_responsive",
    "preparing_for_maintenance",
}
