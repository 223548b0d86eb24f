"""The interface of python3-sanlock to the stand-in's daemon, as far as vdsm and HA call it."""

from __future__ import annotations

import errno
import os
import time
from typing import Any

from sanlock_standin import client, records
from sanlock_standin.daemon import DEAD_SECONDS
from sanlock_standin.records import LeaseError

Disks = list[tuple[str, int]]
LSFLAG_ADD, LSFLAG_REM = 1, 2
HOST_UNKNOWN, HOST_FREE, HOST_LIVE, HOST_FAIL, HOST_DEAD = 1, 2, 3, 4, 5
# From here on down the codes are sanlock's own, and stay negative.
OWN_CODES = -200


class SanlockException(Exception):
    """(code, what was tried, reason): the system's codes are positive, sanlock's negative."""

    @property
    def errno(self) -> int:
        return int(self.args[0])


def _call(failure: str, verb: str, **arguments: Any) -> Any:
    try:
        return client.call(verb, **arguments)
    except LeaseError as err:
        raise _exception(err.code, failure, err.message) from err
    except OSError as err:
        raise _exception(-(err.errno or errno.EIO), failure, err.strerror) from err


def _exception(code: int, failure: str, reason: str | None) -> SanlockException:
    return SanlockException(code if code <= OWN_CODES else -code, failure, reason)


def write_lockspace(
    lockspace: bytes, path: str, offset: int = 0, *, align: int = 1048576, sector: int = 512
) -> None:
    """Initialise a lockspace. No daemon is asked, unlike by the real one."""
    try:
        records.initialise(path, offset, lockspace.decode(), sector)
    except OSError as err:
        raise SanlockException(err.errno, "Sanlock lockspace write failure", err.strerror) from err


def write_resource(lockspace: bytes, resource: bytes, disks: Disks) -> None:
    """Nothing: a lease of the stand-in is a lock, and what it leaves is written when it's taken."""
    for path, _offset in disks:
        if not os.access(path, os.R_OK | os.W_OK):
            raise SanlockException(errno.ENODEV, "Sanlock resource write failure", path)


def add_lockspace(
    lockspace: bytes, host_id: int, path: str, offset: int = 0, *, wait: bool = True
) -> None:  # fmt: skip
    """Own a host id; here one always waits for it."""
    place = {"host_id": host_id, "path": path, "offset": offset}
    _call("Sanlock lockspace add failure", "add_lockspace", name=lockspace.decode(), **place)


def inq_lockspace(
    lockspace: bytes, host_id: int, path: str, offset: int = 0, wait: bool = False
) -> bool:
    """Whether this host owns that id."""
    wanted = (lockspace, host_id, path, offset)
    return any(
        tuple(space[key] for key in ("lockspace", "host_id", "path", "offset")) == wanted
        for space in get_lockspaces()
    )


def rem_lockspace(lockspace: bytes, host_id: int, path: str, offset: int = 0) -> None:
    """Give a host id back."""
    _call("Sanlock lockspace remove failure", "rem_lockspace", name=lockspace.decode())


def get_lockspaces() -> list[dict[str, Any]]:
    """Lockspaces in which this host has an id."""
    found = _call("Sanlock get lockspaces failure", "lockspaces")
    return [space | {"lockspace": space["lockspace"].encode(), "flags": 0} for space in found]


def get_hosts(lockspace: bytes, host_id: int) -> list[dict[str, Any]]:
    """One host's state in a lockspace where this one has an id; here it's looked at twice."""
    (path,) = (at["path"] for at in get_lockspaces() if at["lockspace"] == lockspace)
    before = records.read(path, 0, lockspace.decode(), host_id)
    if not before.timestamp:
        return [{"host_id": host_id, "flags": HOST_FREE, "timestamp": 0}]
    time.sleep(DEAD_SECONDS)
    after = records.read(path, 0, lockspace.decode(), host_id)
    state = HOST_LIVE if after != before else HOST_DEAD
    return [{"host_id": host_id, "flags": state, "timestamp": after.timestamp}]


def acquire(lockspace: bytes, resource: bytes, disks: Disks, *, pid: int) -> None:
    """Take a lease for a process; the real one wants it registered."""
    name = f"{lockspace.decode()}:{resource.decode()}"
    ((path, offset),) = disks
    place = {"path": path, "offset": offset}
    _call("Sanlock resource not acquired", "acquire", resource=name, pid=pid, **place)
