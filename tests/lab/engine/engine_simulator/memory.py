"""Hosts without an outside: they come up, and their storage is a table in the state."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from typing import Any

from .engine import Engine, Forbidden, Unreachable, VerbFailed
from .san import San
from .state import Entity

BLOCK = ("iscsi", "fcp")
GIB = 1024**3
# Seconds: a client must see the host being installed.
INSTALLATION = 3.0
NOT_EMPTY = (
    "Error in creating a Storage Domain. The selected storage path is not empty (probably "
    "contains another Storage Domain). Either remove the existing Storage Domain from this path, "
    "or change the Storage path)."
)


class MemoryHosts:
    """Every address is a host, but for those that ``unreachable``, ``forbidden`` list."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fingerprint(self, address: str) -> str:
        self._reach(address)
        digest = base64.b64encode(hashlib.sha256(address.encode()).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    def install(self, address: str) -> None:
        self._reach(address)
        time.sleep(INSTALLATION * self._engine.speed)

    def reboot(self, address: str) -> None:
        self._reach(address)
        with self._engine.change() as data:
            forget_connections(data["memory"], address)

    def deploy_hosted_engine(self, source: str, target: str, host_id: int) -> None:
        self._reach(target)
        ha = {"configured": True, "active": True, "score": 3400}
        with self._engine.change() as data:
            data["memory"].setdefault("hosted_engine", {})[target] = ha

    def undeploy_hosted_engine(self, address: str) -> None:
        self._reach(address)
        with self._engine.change() as data:
            data["memory"].setdefault("hosted_engine", {})[address] = {}

    def poll(self, address: str) -> Entity:
        """
        ``vms`` and ``hosted_engine`` come from the faults of the same names: the same for all
        hosts, or those of ``vms_on`` and ``hosted_engine_on``; what was deployed here goes first.
        """
        self._reach(address)
        with self._engine.look() as data:
            deployed = data["memory"].get("hosted_engine", {}).get(address)
        everywhere = self._engine.faults.get("vms") or []
        hosted_engine = self._engine.faults.get("hosted_engine") or {}
        hosted_engine = (self._engine.faults.get("hosted_engine_on") or {}).get(
            address, hosted_engine
        )
        return {
            "stats": {"network_ok": True},
            "vms": (self._engine.faults.get("vms_on") or {}).get(address, everywhere),
            "hosted_engine": hosted_engine if deployed is None else deployed,
        }

    def verb(self, host: str, verb: str, /, **arguments: Any) -> Any:
        self._reach(host)
        method = getattr(self, "_" + verb.replace(".", "_").lower(), None)
        if method is None:
            raise VerbFailed(-32601, f"The method {verb} does not exist / is not available")
        with self._engine.change() as data:
            return method(data["memory"], host, **arguments)

    def _reach(self, address: str) -> None:
        if address in (self._engine.faults.get("unreachable") or []):
            raise Unreachable(f"ssh: connect to host {address} port 22: No route to host")
        if address in (self._engine.faults.get("forbidden") or []):
            raise Forbidden(f"root@{address}: Permission denied (publickey).")

    def _host_getcapabilities(self, _memory: Entity, host: str) -> Entity:
        bare = host in (self._engine.faults.get("without_gluster_cli") or [])
        return {
            "packages2": {} if bare else {"glusterfs-cli": {"version": "6.0", "release": "56.4"}},
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, host)),
            "cpuCores": 4,
            "cpuModel": "Memory",
            "memSize": 16384,
        }

    def _host_setsafenetworkconfig(self, _memory: Entity, host: str) -> Entity:
        return {}

    def _host_getdevicelist(self, memory: Entity, host: str) -> list[Entity]:
        return self._san(memory).devices(host)

    def _iscsiconnection_discoversendtargets(
        self, memory: Entity, _address: str, /, **iscsi: Any
    ) -> list[Entity]:
        return self._san(memory).discover(**iscsi)

    def _san(self, memory: Entity) -> San:
        return San(self._engine.faults.get("san"), memory)

    def _storagedomain_connect(self, memory: Entity, host: str, **connection: Any) -> Entity:
        storage = memory.setdefault("storage", {})
        kind = connection.pop("type")
        if kind == "iscsi":
            self._san(memory).login(host, **connection)
        if kind in BLOCK:
            return {}
        place = _place(connection)
        if kind == "glusterfs" and not connection.get("vfs_type"):
            raise VerbFailed(477, "Problem while trying to mount target: no file system type")
        if place in (self._engine.faults.get("unmountable") or []):
            raise VerbFailed(477, "Problem while trying to mount target")
        storage.setdefault(place, {"domain": None, "size": 500 * GIB, "volumes": {}})
        mounted = memory.setdefault("mounted", {}).setdefault(host, [])
        if place not in mounted:
            mounted.append(place)
        return {}

    def _storagedomain_disconnect(self, memory: Entity, host: str, **connection: Any) -> Entity:
        if connection["type"] == "iscsi":
            self._san(memory).logout(host, connection)
        elif connection["type"] not in BLOCK:
            mounted = memory.setdefault("mounted", {}).setdefault(host, [])
            memory["mounted"][host] = [one for one in mounted if one != _place(connection)]
        return {}

    def _host_getstoragedomains(
        self, memory: Entity, host: str, connection: Entity
    ) -> list[Entity]:
        """The domains on a mounted export, known to the engine or not."""
        place = _place(connection)
        if place not in memory.get("mounted", {}).get(host, []):
            return []
        storage = memory["storage"][place]
        return [{"id": storage["domain"], "name": storage["name"]}] if storage["domain"] else []

    def _storagedomain_create(
        self, memory: Entity, host: str, storagedomainID: str, name: str, connection: Entity
    ) -> Entity:
        place = _place(connection)
        if connection["type"] in BLOCK:
            size = self._san(memory).take(host, connection["devices"])
            empty = {"domain": None, "size": size, "volumes": {}}
            memory.setdefault("storage", {})[place] = empty
        storage = memory["storage"][place]
        if storage["domain"]:
            raise VerbFailed(361, NOT_EMPTY)
        storage |= {"domain": storagedomainID, "name": name, "volumes": {}}
        return {}

    def _storagedomain_format(self, memory: Entity, host: str, storagedomainID: str) -> Entity:
        self._domain(memory, host, storagedomainID).update({"domain": None, "volumes": {}})
        return {}

    def _storagedomain_getstats(self, memory: Entity, host: str, storagedomainID: str) -> Entity:
        domain = self._domain(memory, host, storagedomainID)
        used = GIB + sum(v["size"] for v in domain["volumes"].values() if v["preallocate"])
        return {"available": domain["size"] - used, "used": used}

    def _volume_create(
        self,
        memory: Entity,
        host: str,
        storagedomainID: str,
        imageID: str,
        volumeID: str,
        **volume: Any,
    ) -> Entity:
        volumes = self._domain(memory, host, storagedomainID)["volumes"]
        if volumeID in volumes:
            raise VerbFailed(212, "Volume already exists")
        volumes[volumeID] = volume | {"image": imageID, "data": ""}
        return {}

    def _volume_write(
        self, memory: Entity, host: str, storagedomainID: str, **volume_and_data: str
    ) -> Entity:
        identifier = volume_and_data["volumeID"]
        volume = self._domain(memory, host, storagedomainID)["volumes"].get(identifier)
        if volume is None or volume["image"] != volume_and_data["imageID"]:
            raise VerbFailed(201, "Volume does not exist")
        if volume["content_type"] != "ovf_store":
            raise VerbFailed(1000, f"Invalid parameter: volume {identifier} is no OVF store")
        volume["data"] = volume_and_data["data"]
        return {}

    def _image_delete(
        self, memory: Entity, host: str, storagedomainID: str, imageID: str, discard: bool
    ) -> Entity:
        domain = self._domain(memory, host, storagedomainID)
        kept = {k: v for k, v in domain["volumes"].items() if v["image"] != imageID}
        if len(kept) == len(domain["volumes"]):
            raise VerbFailed(268, "Image does not exist in domain")
        domain["volumes"] = kept
        return {}

    def _domain(self, memory: Entity, host: str, identifier: str) -> Entity:
        """A domain whose storage the host has connected."""
        devices = {device["GUID"] for device in self._san(memory).devices(host)}
        seen = {*memory.get("mounted", {}).get(host, []), *devices}
        for place, storage in memory.get("storage", {}).items():
            if storage["domain"] == identifier and not seen.isdisjoint({place, *place.split(",")}):
                return storage
        raise VerbFailed(358, "Storage domain does not exist")

    def _vm_destroy(self, _memory: Entity, host: str, vmID: str) -> Entity:
        return {}


def _place(connection: Entity) -> str:
    """The key of a storage in the state: its devices, or where it is mounted from."""
    if "devices" in connection:
        return ",".join(sorted(connection["devices"]))
    return f"{connection['address']}:{connection['path']}"


def forget_connections(memory: Entity, host: str) -> None:
    """What a boot does: nothing is mounted any more, and nothing logged in to."""
    for connected in ("mounted", "sessions"):
        memory.get(connected, {}).pop(host, None)
