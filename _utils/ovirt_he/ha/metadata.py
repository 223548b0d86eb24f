"""
The HA metadata disk: which hosts write to it, determined from the disk alone.

One block of 4096 bytes per host, at 4096 * host id; block 0 is global. A host's block
starts with ``version|version|timestamp|host id|score|engine status|host name|maintenance|…`` in 512
bytes (ovirt-hosted-engine-ha). Each agent rewrites its block every ten seconds.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.core.wait import wait_for
from ovirt_he.ha import status
from ovirt_he.host import volume

BLOCK = 4096
SUMMARY_BYTES = 512
# The broker decodes the first 2001 blocks as text, and old bytes would stop it.
BYTES = 2001 * BLOCK


def is_zero(data: bytes) -> bool:
    return data.count(0) == len(data)


def in_use(path: Path) -> list[str]:
    """
    Why the disks beside this metadata must not be written to; empty: nothing prevents it.

    In addition to ``writers``: hosts whose last report was that the engine's VM is up on them.
    Raises CommandExecutionError where the disk is too small or can't be read.
    """
    if (length := volume.size(path)) < BYTES:
        raise CommandExecutionError(f"{path} has {length} bytes, HA's metadata takes {BYTES}")
    reasons = writers(path)
    last = volume.read(path, BYTES)
    for number in range(1, BYTES // BLOCK):
        if name := _claims_engine(_block(last, number)):
            reasons.append(
                f"{name} (host {number}) reported last that the engine's VM is up there. If "
                "that host is gone, or this is what an earlier deployment left on the LUN, clear "
                f"its block: {' '.join(volume.AS_VDSM)} dd if=/dev/zero of={path} bs={BLOCK} "
                f"seek={number} count=1 conv=notrunc oflag=direct"
            )
    return reasons


def writers(path: Path) -> list[str]:
    """
    A sentence for each host that writes to it. Watches it for longer than HA takes to consider a
    host dead (65 s).

    Zeros mean that no host has ever reported, so none can have started the engine: no wait.
    Raises CommandExecutionError where it can't be read.
    """
    first = volume.read(path, BYTES)
    if is_zero(first):
        return []
    end = time.monotonic() + status.WATCH_SECONDS
    last = wait_for(
        "HA's hosts to write their metadata",
        lambda: _Data(volume.read(path, BYTES)),
        lambda now: now.data != first or time.monotonic() > end,
        timeout=2 * status.WATCH_SECONDS,
    ).data
    return [_writer(number) for number in _changed(first, last)]


class _Data:
    """8 MiB whose repr is short."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "no change"


def _writer(number: int) -> str:
    if number == 0:
        return "HA's global maintenance is being changed on the metadata disk"
    return (
        f"the HA agent of host {number} writes to the metadata disk: stop ovirt-ha-agent there "
        "(hosted-engine --vm-status on it names the hosts)"
    )


def _block(data: bytes, number: int) -> bytes:
    return data[number * BLOCK : (number + 1) * BLOCK]


def _changed(first: bytes, last: bytes) -> list[int]:
    if first == last:
        return []
    numbers = range(BYTES // BLOCK)
    return [number for number in numbers if _block(first, number) != _block(last, number)]


def _claims_engine(block: bytes) -> str:
    """Name of the host whose block reports the VM as up; empty: none, or it isn't a block."""
    summary = block[:SUMMARY_BYTES].rstrip(b"\0").decode("utf-8", errors="replace")
    fields = summary.split("|")
    try:
        engine = json.loads(fields[5])
        return fields[6] if engine["vm"] == "up" else ""
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
