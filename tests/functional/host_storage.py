"""The storage as this host sees it, without its engine: the simulator's table of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from ovirt_he.pillar import storage as kinds
from salt.exceptions import CommandExecutionError

from functional.engine_process import Engine

ADDRESS = "127.0.0.1"
UUID = "0b4c1a04-0000-4000-8000-00000000000f"
METHODS = ("getInfo", "getImages", "connectStorageServer")


class HostStorage:
    """``after_look``: what happens on the storage right after the product's look at it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.connected: list[dict[str, Any]] = []
        self.unanswered = 0
        self.after_look: Callable[[], None] = lambda: None
        self.looked = True

    def inspect(self, storage: Any) -> dict[str, Any]:
        """As the probe answers."""
        facts = {"storage": kinds.where(storage), "looked": self.looked, "why_not": ""}
        if not self.looked:
            return facts | {"why_not": "mount.nfs isn't installed yet"}
        place = self._memory()["storage"].get(kinds.server_path(storage)) or {"domain": None}
        there = [{"id": place["domain"], "name": place.get("name", ""), "pool": "", "problem": ""}]
        self.after_look()
        usable = {"writable": True, "write_problem": "", "block_size": 512, "qemu_problem": ""}
        usable |= {"free": 500 * 2**30, "size": 500 * 2**30}
        return facts | usable | {"domains": there if place["domain"] else [], "others": []}

    def put(self, path: str, name: str = "hosted_storage", **facts: Any) -> str:
        """Somebody makes a domain there."""
        with self._changed() as memory:
            memory["storage"][path] = {
                "domain": UUID, "name": name, "size": 500 * 2**30, "volumes": {}, **facts,
            }  # fmt: skip
        return UUID

    def does(self, arguments: tuple[str, ...]) -> bool:
        return arguments[1] == "-f" or arguments[2] in METHODS

    def call(self, arguments: tuple[str, ...], stdin: Any) -> Any:
        """As vdsm-client: what it prints, or its error."""
        if self.unanswered:
            self.unanswered -= 1
            raise CommandExecutionError("vdsm-client: exit code 1: Connection refused")
        if "connectStorageServer" in arguments:
            told: Any = self._connect(json.loads(stdin))
        else:
            identifier = arguments[3].partition("=")[2]
            told = self._told(arguments[2], identifier)
        return subprocess.CompletedProcess(arguments, 0, json.dumps(told), "")

    def _told(self, method: str, identifier: str) -> Any:
        memory = self._memory()
        # One host, by whichever address the engine knows it.
        mounted = [place for places in memory.get("mounted", {}).values() for place in places]
        sessions = any(memory.get("sessions", {}).values())
        for place, storage in memory["storage"].items():
            if storage["domain"] != identifier:
                continue
            if place in mounted or place in self._fibre() or (":" not in place and sessions):
                if method == "getImages":
                    return sorted({volume["image"] for volume in storage["volumes"].values()})
                return {"name": storage["name"], "pool": storage.get("pool", [])}
        raise CommandExecutionError(
            f"vdsm-client StorageDomain {method}: exit code 1: vdsm-client: Command "
            f"StorageDomain.{method} with args {{}} failed:\n(code=358, message=Storage domain "
            f"does not exist: ('{identifier}',))"
        )

    def _fibre(self) -> list[str]:
        """LUNs that need no session, as the simulator's storage network has them."""
        described = self._engine.folder / "faults.json"
        san = json.loads(described.read_text()).get("san") if described.exists() else None
        return list((san or {}).get("fcp", []))

    def _connect(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        self.connected.append(wanted)
        with self._changed() as memory:
            for each in wanted["connectionParams"]:
                if "iqn" in each:
                    session = [each["iqn"], each["connection"], int(each["port"])]
                    memory.setdefault("sessions", {}).setdefault(ADDRESS, []).append(session)
                elif "connection" in each:
                    memory.setdefault("mounted", {}).setdefault(ADDRESS, []).append(
                        each["connection"]
                    )
        return [{"id": each["id"], "status": 0} for each in wanted["connectionParams"]]

    def _memory(self) -> dict[str, Any]:
        memory: dict[str, Any] = self._engine.state()["memory"]
        memory.setdefault("storage", {})
        return memory

    def _changed(self) -> Any:
        return self._engine.changed_memory()
