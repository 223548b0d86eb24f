"""How agent and commands ask the broker."""

from __future__ import annotations

from typing import Any

from vdsm_standin import rpc

from .broker import SOCKET

SECONDS = 30
# The real sanlock watches the storage before it gives a host id away.
LOCK_SECONDS = 300


def broker(verb: str, **arguments: Any) -> Any:
    """Ask the broker. Raises OSError where it is down, RemoteError where it refuses."""
    seconds = LOCK_SECONDS if verb == "lock_host_id" else SECONDS
    return rpc.call(verb, arguments, path=SOCKET, timeout=seconds)
