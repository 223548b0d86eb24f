"""What the engine knows: a JSON file, replaced whole, so a power cut leaves old or new."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Entity = dict[str, Any]
Data = dict[str, Any]

BLANK = "00000000-0000-0000-0000-000000000000"
CLUSTER_LEVELS = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8")
OPTIONS = {
    "HostedEngineConfigurationImageGuid": "",
    "OvfUpdateIntervalInMinutes": "60",
    "DisableFenceAtStartupInSec": "300",
    "AllowEditingHostedEngine": "true",
}


def new_id() -> str:
    return str(uuid.uuid4())


class Store:
    """The state of one engine; every reader and writer goes through ``change``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.json"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._saved = ""
        if self.path.exists():
            self._saved = self.path.read_text(encoding="utf-8")
            self._data: Data = json.loads(self._saved)
        else:
            self._data = fresh()

    @contextmanager
    def change(self) -> Iterator[Data]:
        """The data, for this thread alone; saved at the outermost block's end if it differs."""
        with self._lock:
            self._depth += 1
            try:
                yield self._data
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._save()

    @contextmanager
    def look(self) -> Iterator[Data]:
        """The data, for this thread alone, to read only: nothing is compared and saved."""
        with self._lock:
            yield self._data

    def _save(self) -> None:
        text = json.dumps(self._data, indent=1)
        if text == self._saved:
            return
        write_atomically(self.path, text)
        self._saved = text


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that a reader never sees half of it; readable by its owner only."""
    # One writer thread at a time may use a name, and several threads write different files.
    temporary = path.with_name(f".{path.name}.{threading.get_ident()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def alone(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the state folder against other processes; TimeoutError after ``seconds``."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with (folder / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as err:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"another process holds {folder}") from err
                time.sleep(0.05)
        yield


def fresh() -> Data:
    """What a new engine knows: the Default data center and cluster, and what belongs to them."""
    data: Data = {
        kind: {}
        for kind in (
            "datacenters",
            "clusters",
            "networks",
            "vnicprofiles",
            "cpuprofiles",
            "diskprofiles",
            "hosts",
            "storagedomains",
            "disks",
            "vms",
            "templates",
            "jobs",
            "memory",
        )
    }
    data |= {"events": [], "tasks": [], "options": {}}
    data["templates"][BLANK] = {"id": BLANK, "name": "Blank", "status": "ok"}
    data["options"] = {name: {"general": value} for name, value in OPTIONS.items()}
    datacenter = add_datacenter(data, {"name": "Default", "description": "The default Data Center"})
    add_cluster(
        data,
        {
            "name": "Default",
            "description": "The default server cluster",
            "data_center": {"id": datacenter["id"]},
        },
    )
    return data


def add_datacenter(data: Data, wanted: Entity) -> Entity:
    """A data center with its management network."""
    entity = {
        "id": new_id(),
        "local": False,
        "status": "uninitialized",
        "storage_format": "v5",
        "version": {"major": 4, "minor": 7},
        "quota_mode": "disabled",
        **wanted,
    }
    data["datacenters"][entity["id"]] = entity
    network: Entity = {
        "id": new_id(),
        "name": "ovirtmgmt",
        "description": "Management Network",
        "data_center": {"id": entity["id"]},
        "mtu": 0,
        "stp": False,
        "usages": ["vm"],
    }
    data["networks"][network["id"]] = network
    profile = {"id": new_id(), "name": "ovirtmgmt", "network": {"id": network["id"]}}
    data["vnicprofiles"][profile["id"]] = profile
    return entity


def add_cluster(data: Data, wanted: Entity) -> Entity:
    """A cluster of a data center, with its CPU profile; the version is the data center's."""
    entity = {
        "id": new_id(),
        "cpu": {"architecture": "undefined", "type": ""},
        "virt_service": True,
        "gluster_service": False,
        "ballooning_enabled": True,
        "bios_type": "q35_sea_bios",
        "firewall_type": "firewalld",
        "version": dict(data["datacenters"][wanted["data_center"]["id"]]["version"]),
        **wanted,
    }
    data["clusters"][entity["id"]] = entity
    profile = {"id": new_id(), "name": entity["name"], "cluster": {"id": entity["id"]}}
    data["cpuprofiles"][profile["id"]] = profile
    return entity


def named(data: Data, kind: str, name: str | None) -> Entity | None:
    """The entity of that name, or None."""
    return next((e for e in data[kind].values() if e.get("name") == name), None)


def event(data: Data, code: int, severity: str, description: str, **about: Entity | None) -> None:
    """Note what happened, as the engine's audit log would: newest last, the last 500 kept."""
    number = data["events"][-1]["index"] + 1 if data["events"] else 1
    entry: Entity = {
        "id": str(number),
        "index": number,
        "code": code,
        "severity": severity,
        "description": description,
        "origin": "oVirt",
        "custom_id": -1,
        "flood_rate": 30,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime()),
    }
    for key, entity in about.items():
        if entity:
            entry[key] = {"id": entity["id"], "name": entity["name"]}
    data["events"].append(entry)
    del data["events"][:-500]
