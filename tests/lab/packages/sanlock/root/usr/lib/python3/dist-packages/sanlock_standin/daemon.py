"""
The daemon: keeps this host's ids in lockspaces alive and holds leases for processes.

A host id is a record that is renewed each second. A lease is a lock on its sector: of a lease file,
or of the LUN behind a domain's ``leases`` volume. All lab hosts share one kernel, so it excludes
between hosts, and a power cut lets go of it.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from . import locks, records
from .paths import escape
from .records import LeaseError, Record

SOCKET = "/run/sanlock/sanlock.sock"
RENEW_SECONDS = 1.0
# A record that doesn't change that long has a dead owner (80 s with the real one).
DEAD_SECONDS = 4.0
SANLK_HOSTID_BUSY = -262
SANLK_ACQUIRE_OWNED = -243


class Daemon:
    """Lockspaces and leases of this host."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.lock = threading.Lock()
        self.spaces: dict[str, dict[str, Any]] = {}
        self.leases: dict[str, dict[str, Any]] = {}

    def add_lockspace(self, name: str, host_id: int, path: str, offset: int = 0) -> None:
        """Own a host id. Raises LeaseError: not initialised, or owned by a host that lives."""
        if space := self.spaces.get(name):
            same = (space["host_id"], space["path"]) == (host_id, path)
            code, what = (errno.EEXIST, "File exists") if same else (errno.EINVAL, "another id")
            raise LeaseError(-code, what)
        seen = records.read(path, offset, name, host_id)
        if seen.timestamp and seen.owner != self.host:
            time.sleep(DEAD_SECONDS)
            if records.read(path, offset, name, host_id) != seen:
                raise LeaseError(SANLK_HOSTID_BUSY, f"Sanlock host id {host_id} is {seen.owner}'s")
        space = {
            "host_id": host_id,
            "path": path,
            "offset": offset,
            "generation": seen.generation + 1,
        }
        with self.lock:
            self._renew(name, space)
            self.spaces[name] = space

    def rem_lockspace(self, name: str) -> None:
        """Give the host id back."""
        with self.lock:
            if space := self.spaces.pop(name, None):
                self._renew(name, space, alive=False)

    def lockspaces(self) -> list[dict[str, Any]]:
        """Those in which this host has an id."""
        return [{"lockspace": name, **space} for name, space in self.spaces.items()]

    def acquire(self, resource: str, path: str, pid: int, offset: int = 0) -> None:
        """Hold a lease for a process. Raises LeaseError -243 while another host holds it."""
        self.tick()
        backing, start = locks.backing(path)
        descriptor = os.open(backing, os.O_RDWR)
        if not locks.take(descriptor, start + offset):
            owner = os.pread(descriptor, records.SECTOR, start + offset)
            os.close(descriptor)
            holder = owner.rstrip(b"\0").decode(errors="replace")
            message = f"Failed to acquire lock: lease of {resource} is held by {holder}"
            raise LeaseError(SANLK_ACQUIRE_OWNED, message)
        stamp = f"{self.host} pid {pid} since {time.monotonic():.0f}".encode()
        os.pwrite(descriptor, stamp.ljust(records.SECTOR, b"\0"), start + offset)
        lease = {"path": path, "offset": offset, "pid": pid}
        with self.lock:
            self.leases[resource] = lease | {"descriptor": descriptor, "at": start + offset}

    def release(self, resource: str) -> None:
        """Let go of a lease."""
        with self.lock:
            self._release(resource)

    def status(self) -> list[str]:
        """What ``client status`` prints."""
        lines = [f"daemon {self.host}", "p -1 helper", "p -1 listener"]
        lines += [f"p {lease['pid']} {name}" for name, lease in self.leases.items()]
        lines.append("p -1 status")
        for name, space in self.spaces.items():
            lines.append(f"s {name}:{space['host_id']}:{escape(space['path'])}:{space['offset']}")
        for name, lease in self.leases.items():
            place = f"{escape(lease['path'])}:{lease['offset']}"
            lines.append(f"r {name}:{place}:1 p {lease['pid']}")
        return lines

    def tick(self) -> None:
        """Renew what we own and drop the leases of processes that ended."""
        with self.lock:
            for name, space in list(self.spaces.items()):
                try:
                    self._renew(name, space)
                except OSError as err:
                    print(f"s {name} renewal error: {err}", flush=True)
                    del self.spaces[name]
            for resource in [name for name, at in self.leases.items() if not _alive(at["pid"])]:
                self._release(resource)

    def _renew(self, name: str, space: dict[str, Any], alive: bool = True) -> None:
        timestamp = int(time.monotonic()) or 1 if alive else 0
        record = Record(name, self.host, space["host_id"], space["generation"], timestamp)
        # Whoever initialised the lockspace anew took the id from us: renewal writes it back.
        records.write(space["path"], space["offset"], space["host_id"], record)

    def _release(self, resource: str) -> None:
        if lease := self.leases.pop(resource, None):
            os.pwrite(lease["descriptor"], bytes(records.SECTOR), lease["at"])
            os.close(lease["descriptor"])


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _answer(daemon: Daemon, connection: socket.socket) -> None:
    with connection, connection.makefile("rw") as stream:
        for line in stream:
            request = json.loads(line)
            try:
                if request["verb"].startswith("_") or request["verb"] == "tick":
                    raise LeaseError(-22, "unknown verb")
                result = getattr(daemon, request["verb"])(**request.get("arguments", {}))
                answer = {"result": result}
            except LeaseError as err:
                answer = {"error": {"code": err.code, "message": err.message}}
            except OSError as err:
                answer = {"error": {"code": -(err.errno or 5), "message": str(err)}}
            stream.write(json.dumps(answer) + "\n")
            stream.flush()


def _ticking(daemon: Daemon) -> None:
    while True:
        daemon.tick()
        time.sleep(RENEW_SECONDS)


def serve() -> None:
    """Run for ever."""
    machine = Path("/etc/machine-id").read_text().strip()[:8]
    daemon = Daemon(f"{machine}.{socket.gethostname()}"[: records.NAME_BYTES])
    Path(SOCKET).unlink(missing_ok=True)
    Path(SOCKET).parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET)
        # vdsm and HA's daemons are of its group.
        Path(SOCKET).chmod(0o660)
        listener.listen(8)
        threading.Thread(target=_ticking, args=(daemon,), daemon=True).start()
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_answer, args=(daemon, connection), daemon=True).start()
