"""HA and systemd of a host, as states and verbs see them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT
from ovirt_he.core import command, records, wait
from ovirt_he.core.errors import Unreachable
from ovirt_he.engine import connection
from ovirt_he.ha import conf, modes, status
from salt.exceptions import CommandExecutionError

from functional.storage_host import StorageHost

PACKAGES = ROOT / "tests" / "lab" / "packages"


SANLOCK = PACKAGES / "sanlock" / "root" / "usr"


PYTHONPATH = ":".join(
    str(PACKAGES / name / "root/usr/lib/python3/dist-packages") for name in ("sanlock", "vdsm")
)


MAC = "00:16:3e:00:00:01"


class Ha:
    """What HA and systemd of a host do; ``ran`` is what was called."""

    def __init__(self, host: StorageHost) -> None:
        self.host = host
        self.broker_answers = True
        self.maintenance = False
        self.locked = True
        self.agent = "disabled"
        self.health: dict[str, Any] | None = {"vm": "up", "health": "good", "detail": "Up"}
        self.page = ""
        self.neighbour = MAC
        self.ran: list[tuple[str, ...]] = []

    def read(self) -> dict[str, Any]:
        if not self.broker_answers:
            raise CommandExecutionError("HA doesn't tell its status: no broker.socket")
        engine = self.health or {}
        node = {
            "name": "node1",
            "id": 1,
            "alive": True,
            "maintenance": False,
            "stopped": False,
            **dict.fromkeys(("vm", "health")),
        }
        node |= {"detail": "", "reason": ""}
        return {"global_maintenance": self.maintenance, "hosts": {1: node | engine}}

    def run(self, *arguments: str, **options: Any) -> Any:
        self.ran.append(arguments)
        output = ""
        if arguments[:2] == ("systemctl", "is-enabled"):
            output = f"{self.agent}\n"
        elif arguments[:2] == ("systemctl", "enable"):
            self.agent = "enabled"
        elif arguments[:2] == ("systemctl", "restart"):
            self.broker_answers = True
            # The broker's RuntimeDirectory.
            shutil.rmtree(conf.RUN_VM_CONF.parent, ignore_errors=True)
        elif arguments[:2] == ("hosted-engine", "--set-maintenance"):
            self.maintenance = arguments[2] == "--mode=global"
        elif arguments[:2] == ("systemctl", "is-active"):
            output = "inactive\n"
        elif arguments[0] == "ip":
            output = f'[{{"dst": "192.0.2.77", "lladdr": "{self.neighbour}"}}]'
        elif arguments == ("sanlock", "client", "status"):
            output = "s hosted-engine:1:/lockspace:0\n" if self.locked else ""
        elif arguments[:2] == ("hosted-engine", "--set-shared-config"):
            flag, value = arguments[2:4]
            text = modes.HA_CONF.read_text()
            modes.HA_CONF.write_text(text.replace(f"{flag}=True", f"{flag}={value}"))
        elif "sanlock" in arguments:
            tail = arguments[arguments.index("sanlock") + 1 :]
            done = subprocess.run(
                [sys.executable, SANLOCK / "sbin" / "sanlock", *tail],
                env={"PYTHONPATH": PYTHONPATH},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode in options.get("codes", (0,)), done.stdout
            return done
        else:
            raise AssertionError(arguments)
        return subprocess.CompletedProcess(arguments, 0, output, "")


@pytest.fixture
def ha(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ha]:
    made = Ha(host)
    host.configure()
    records.write("setup", {"keycloak": False})

    def check_health(site: connection.Site) -> None:
        if made.page:
            raise Unreachable(made.page)

    monkeypatch.setattr(status, "read", made.read)
    monkeypatch.setattr(modes, "HA_CONF", host.folder / "ha.conf")
    monkeypatch.setattr(command, "run", made.run)
    monkeypatch.setattr(connection.Site, "_ca_file", lambda site: Path("/ca.pem"))
    monkeypatch.setattr(connection.Site, "check_health", check_health)
    monkeypatch.setattr(status, "LOGS", host.folder)
    monkeypatch.setattr(wait, "FIRST", 0.01)
    answers = [(0, 0, 0, "", ("192.0.2.10", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    yield made
