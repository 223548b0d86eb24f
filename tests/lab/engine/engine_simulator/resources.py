"""Everything that the API serves: importing this registers all routes and tasks."""

from __future__ import annotations

from . import (
    attachments,
    block,
    devices,
    disks,
    events,
    host_life,
    host_network,
    hosts,
    infrastructure,
    ovf_stores,
    storage,
    vms,
)
from .engine import Engine

__all__ = [
    "attachments",
    "block",
    "devices",
    "disks",
    "events",
    "host_network",
    "hosts",
    "infrastructure",
    "ovf_stores",
    "storage",
    "vms",
]


def load() -> None:
    """Import what the first call would wait for."""
    from ovirtsdk4 import readers, writers

    assert readers and writers


def recover(engine: Engine) -> None:
    """What the engine does at its start: give up what it was in the middle of, watch its hosts."""
    host_life.recover(engine)
    ovf_stores.schedule_updates(engine)
