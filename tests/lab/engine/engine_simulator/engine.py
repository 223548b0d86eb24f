"""One running engine: its state, its hosts, and what happens in time."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from .faults import Faults
from .pki import Pki
from .sso import Sessions
from .state import Data, Entity, Store, event

Task = Callable[["Engine", str], None]
TASKS: dict[str, tuple[str, Task]] = {}


class Unreachable(Exception):
    """The host doesn't answer."""


class Forbidden(Unreachable):
    """The host answers, and refuses the engine's key."""


class VerbFailed(Exception):
    """The host refused or failed a verb."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Hosts(Protocol):
    """How the engine reaches hosts; each method may raise Unreachable."""

    def fingerprint(self, address: str) -> str:
        """Sign in once (Forbidden if the key isn't authorised); the host key's fingerprint."""

    def install(self, address: str) -> None:
        """Make the host a hypervisor of this engine; VerbFailed with what failed."""

    def reboot(self, address: str) -> None: ...

    def verb(self, host: str, verb: str, /, **arguments: Any) -> Any:
        """One of vdsm's verbs; VerbFailed with its code and message."""

    def poll(self, address: str) -> Entity:
        """``{"stats", "vms", "hosted_engine"}`` of a host, in one go."""

    def deploy_hosted_engine(self, source: str, target: str, host_id: int) -> None:
        """Configure and start HA on target with source's configuration."""

    def undeploy_hosted_engine(self, address: str) -> None:
        """Stop HA on a host, and take its configuration away."""


class Engine:
    def __init__(
        self,
        folder: Path,
        pki: Pki,
        fqdn: str,
        hosts: Callable[[Engine], Hosts],
        *,
        speed: float = 1.0,
        token_lifetime: float = 1800.0,
    ) -> None:
        self.folder = folder
        self.pki = pki
        self.fqdn = fqdn
        self.speed = speed
        self.store = Store(folder)
        self.faults = Faults(folder)
        self.sessions = Sessions(folder, token_lifetime)
        self.hosts = hosts(self)
        self.ready = threading.Event()
        self._running: set[str] = set()

    def change(self) -> AbstractContextManager[Data]:
        """The state, for this thread alone. Never talk to a host inside: others wait."""
        return self.store.change()

    def look(self) -> AbstractContextManager[Data]:
        """The state, to read only: cheaper, since the whole state isn't compared."""
        return self.store.look()

    def later(self, data: Data, seconds: float, name: str, identifier: str) -> None:
        """Run a task in ``seconds`` (shortened by the speed), once, even across a restart."""
        data["tasks"] = [t for t in data["tasks"] if (t["name"], t["id"]) != (name, identifier)]
        at = time.time() + seconds * self.speed
        data["tasks"].append({"at": at, "name": name, "id": identifier})

    def run(self) -> None:
        """Run tasks as they fall due, each in a thread of its own. Never returns."""
        while True:
            stuck = self.faults.get("stuck")
            with self.look() as data:
                due = [
                    t
                    for t in data["tasks"]
                    if t["at"] <= time.time()
                    and TASKS[t["name"]][0] != stuck
                    and f"{t['name']} {t['id']}" not in self._running
                ]
            for task in due:
                self._running.add(f"{task['name']} {task['id']}")
                threading.Thread(target=self._one, args=(task,), daemon=True).start()
            time.sleep(max(0.02, min(0.25, self.speed / 4)))

    def _one(self, task: Entity) -> None:
        try:
            TASKS[task["name"]][1](self, task["id"])
        except Exception as err:  # a broken task must show, and not stop the others
            traceback.print_exc(file=sys.stderr)
            with self.change() as data:
                event(data, 9999, "error", f"The simulator failed in {task['name']}: {err!r}")
        finally:
            with self.change() as data:
                # The task may have asked to run again: that entry has another time and stays.
                data["tasks"] = [t for t in data["tasks"] if t != task]
            self._running.discard(f"{task['name']} {task['id']}")


def task(name: str, group: str) -> Callable[[Task], Task]:
    """Register a task; ``group`` is what the fault ``stuck`` names."""

    def register(function: Task) -> Task:
        TASKS[name] = (group, function)
        return function

    return register
