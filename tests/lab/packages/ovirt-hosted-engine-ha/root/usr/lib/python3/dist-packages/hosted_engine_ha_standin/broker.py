"""ovirt-ha-broker: the only one that reads and writes the shared metadata."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

import sanlock
from vdsm_standin import rpc

from . import archive, configuration, log, metadata, notifications, storage

SOCKET = str(configuration.RUN / "broker.socket")
POLL_SECONDS = 1.0
FRESH_SECONDS = 0.3
# What the local agent said of who is alive holds that long; without it nobody is.
LIVE_SECONDS = 60
START_SECONDS, CONNECT_SECONDS = 2, 20
LOCKSPACE = b"hosted-engine"
NOTHING = {"vm": "unknown", "health": "unknown", "detail": "unknown"}


class Broker:
    """Metadata of all hosts, and which of them the local agent calls alive."""

    def __init__(self, values: dict[str, str], paths: dict[str, str]) -> None:
        self.values, self.paths = values, paths
        self.lock, self.id_lock = threading.Lock(), threading.Lock()
        self.host_id: int | None = None
        self.hosts: dict[int, dict[str, Any]] = {}
        self.alive: set[int] = set()
        self.told = -float(LIVE_SECONDS)
        self.flags: dict[str, bool] = {}
        self.polled = 0.0
        self.poll()

    def poll(self) -> None:
        """Read all blocks. Raises UnicodeDecodeError for bytes of some other use."""
        blocks = metadata.read(self.paths["metadata"])
        found = {}
        for host_id, block in enumerate(blocks[1:], 1):
            try:
                if facts := metadata.parse_host(host_id, block):
                    found[host_id] = facts
            except (metadata.MetadataError, ValueError) as err:
                logging.error("%s", err)
        with self.lock:
            self.hosts, self.flags = found, metadata.parse_global(blocks[0])
            self.polled = time.monotonic()

    def get_stats(self) -> dict[str, Any]:
        """Every host's facts, with ``live-data``, and the global flags."""
        if time.monotonic() - self.polled > FRESH_SECONDS:
            self.poll()
        with self.lock:
            known = self.alive if time.monotonic() - self.told < LIVE_SECONDS else set()
            hosts = {
                str(host_id): facts | {"live-data": host_id in known}
                for host_id, facts in sorted(self.hosts.items())
            }
            return {"hosts": hosts, "global": self.flags}

    def set_alive(self, hosts: list[int]) -> None:
        """The local agent's word of who is alive: nobody else's counts."""
        with self.lock:
            self.alive, self.told = set(hosts), time.monotonic()

    def put_stats(self, facts: dict[str, Any]) -> None:
        """Write a host's block."""
        self._write(facts["host-id"], metadata.pack_host(facts))

    def clean_host(self, host_id: int) -> None:
        """Forget a host."""
        self._write(host_id, b"")
        self.poll()

    def set_global_maintenance(self, value: bool) -> None:
        """Write block 0."""
        self._write(0, metadata.pack_global(value))
        self.poll()

    def _write(self, number: int, block: bytes) -> None:
        """Write a block. Without a host id the broker ends itself, whatever the block."""
        # Not while the id is being taken.
        with self.id_lock:
            if self.host_id is None:
                logging.error("Host id is not set, terminating")
                os.kill(os.getpid(), signal.SIGTERM)
                raise RuntimeError("HostIdNotLockedError: Host id is not set")
            # An id that was lost meanwhile: nothing but block 0 is written.
            if self._owns(self.host_id) or number == 0:
                metadata.write(self.paths["metadata"], number, block)

    def _owns(self, host_id: int) -> bool:
        return sanlock.inq_lockspace(LOCKSPACE, host_id, self.paths["lockspace"])

    def lock_host_id(self, host_id: int) -> None:
        """Own a host id, giving another one back first. That it failed is logged, and not said."""
        with self.id_lock:
            if host_id != self.host_id:
                self._release()
            self.host_id = host_id
            try:
                if not self._owns(host_id):
                    sanlock.add_lockspace(LOCKSPACE, host_id, self.paths["lockspace"])
            except sanlock.SanlockException as err:
                logging.error("Failed to lock host id %s: %s", host_id, err)
                self.host_id = None

    def release_host_id(self) -> None:
        """Give the host id back."""
        with self.id_lock:
            self._release()

    def _release(self) -> None:
        if self.host_id is not None:
            sanlock.rem_lockspace(LOCKSPACE, self.host_id, self.paths["lockspace"])
            self.host_id = None

    def set_local_maintenance(self, value: bool) -> None:
        """Write this host's own flag."""
        configuration.set_local_flags(local_maintenance=value, local_maintenance_manual=value)

    def reset_lockspace(self, force: bool = False) -> None:
        """Initialise the lockspace. Raises RuntimeError unless all agents are stopped."""
        stats = self.get_stats()
        if not force and not stats["global"].get("maintenance"):
            raise RuntimeError("Lockfile reset can be performed in global maintenance mode only.")
        if not force and not all(host["stopped"] for host in stats["hosts"].values()):
            raise RuntimeError("Lockfile reset cannot be performed with an active agent.")
        sanlock.write_lockspace(LOCKSPACE, self.paths["lockspace"])

    def get_paths(self) -> dict[str, str]:
        """Paths of the prepared images."""
        return self.paths

    def local_stats(self) -> dict[str, Any]:
        """What the engine shows of this host."""
        stats = self.get_stats()
        mine = stats["hosts"].get(self.values["host_id"])
        active = bool(mine and mine["live-data"] and not mine["stopped"])
        return {
            "configured": True,
            "active": active,
            "score": mine["score"] if mine and active else 0,
            "globalMaintenance": stats["global"].get("maintenance", False),
            "localMaintenance": configuration.in_local_maintenance(),
        }

    def get_archive(self) -> dict[str, str]:
        """The members of the configuration archive."""
        return archive.read(self.paths["conf"])

    def set_archive(self, name: str, text: str) -> None:
        """Write one member of the configuration archive."""
        archive.replace(self.paths["conf"], name, text)

    def notify(self, event: str, hostname: str) -> bool:
        """Whether a mail about the event went out, by broker.conf as it is now."""
        return notifications.notify(self.get_archive()["broker.conf"], event, hostname)


VERBS = (
    "get_stats", "put_stats", "clean_host", "set_global_maintenance", "set_local_maintenance",
    "reset_lockspace", "set_alive", "get_paths", "local_stats", "get_archive", "set_archive",
    "notify", "lock_host_id", "release_host_id",
)  # fmt: skip


def _connect() -> Broker:
    values = configuration.read()
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            storage.connect(values)
            return Broker(values, storage.prepare(values))
        except RuntimeError as err:
            if time.monotonic() > deadline:
                raise
            logging.warning("Can't connect vdsm storage: %s", err)
            time.sleep(2)


def main(_arguments: list[str]) -> int:
    """Serve until systemd says stop; 1 where storage or its content can't be used."""
    logger = log.to_file("broker")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logger.info("%s broker started", "2.5.2")
    # As the real one, whose unit is up before that.
    time.sleep(START_SECONDS)
    try:
        broker = _connect()
    except (RuntimeError, OSError, configuration.ConfigurationError, metadata.MetadataError) as err:
        logger.error("Failed initializing the broker: %s", err)
        return 1
    except UnicodeDecodeError as err:
        logger.error("Failed initializing the broker: metadata: %s", err)
        return 1

    def handle(verb: str, arguments: dict[str, Any]) -> Any:
        if verb not in VERBS:
            raise RuntimeError(f"no such verb: {verb}")
        return getattr(broker, verb)(**arguments)

    rpc.listen(SOCKET, handle, mode=0o755)
    try:
        while True:
            broker.poll()
            time.sleep(POLL_SECONDS)
    except (OSError, UnicodeDecodeError, metadata.MetadataError) as err:
        logger.error("Failed to read metadata from %s: %s", broker.paths["metadata"], err)
        return 1
    finally:
        with contextlib.suppress(sanlock.SanlockException):
            broker.release_host_id()
