"""Statuses of a host in the engine, in the groups that states distinguish."""

from __future__ import annotations

MAINTENANCE = {"maintenance", "preparing_for_maintenance"}
# The engine is busy with the host, or has briefly lost contact: another status follows by itself.
PASSING = {
    "installing",
    "initializing",
    "unassigned",
    "connecting",
    "reboot",
    "non_responsive",
    "preparing_for_maintenance",
}
