"""A bootstrap guest that answers to ssh as a test says, with its network, VM and ids given."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from ovirt_he.core import command, wait
from ovirt_he.guest import channel

from functional.bootstrap_host import Host

SET_UP, PREPARED = "hosted_engine_guest.set_up", "hosted_engine_guest.prepared"
PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
DISK = "6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f"
MODULES = {
    "hosted_engine_network": "def address():\n    return '192.0.2.10'\n",
    "hosted_engine_deployment": "def ids():\n    return {'disks': {'configuration': {'image': "
    f"'{DISK}'}}}}}}\n",
    "hosted_engine_bootstrap": """
import json, pathlib
FILE = pathlib.Path({vm!r})
def get(name):
    return json.loads(FILE.read_text())
def state(name):
    return get(name)["state"]
def fail(reason):
    FILE.write_text(json.dumps(get("") | {"failed": reason}))
""",
}


class Guest:
    """A guest that answers to ssh: what is asked, by the first words of the command."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host, self.asked = host, list[tuple[str, ...]]()
        self.answers: dict[str, Callable[..., tuple[int, str]]] = {}
        for name in ("known_hosts", "client_key", "disk.qcow2"):
            (host.directory / name).touch()
        self.vm = host.folder / "vm.json"
        self.put(state="running", setup="open")
        for name, text in MODULES.items():
            module = host.folder / "modules" / f"{name}.py"
            module.write_text(text.replace("{vm!r}", repr(str(self.vm))))
        self.listens = True
        monkeypatch.setattr(channel, "listens", lambda _: self.listens)
        monkeypatch.setattr(wait, "FIRST", 0.01)
        run = command.run

        def replaced(*arguments: str, **more: Any) -> Any:
            if arguments[0] != "ssh":
                return run(*arguments, **more)
            code, said = self._answer(arguments, more.get("stdin"))
            if code and more.get("check", True):
                raise command.CommandExecutionError(f"exit code {code}: {said}")
            return subprocess.CompletedProcess(arguments, code, said, "" if code == 0 else said)

        monkeypatch.setattr(command, "run", replaced)

    def put(self, **facts: Any) -> None:
        """What the bootstrap VM's module answers."""
        self.vm.write_text(json.dumps(facts))

    def _answer(self, arguments: tuple[str, ...], stdin: str | None) -> tuple[int, str]:
        self.asked.append(arguments)
        words = shlex.split(arguments[-1])
        for start, answer in self.answers.items():
            if " ".join(words).startswith(start):
                return answer(words, stdin)
        return 0, ""


@pytest.fixture
def guest(host, monkeypatch) -> Guest:
    host.pillar["timeouts"] = {"boot": 1, "setup": 1, "engine": 1}
    made = Guest(host, monkeypatch)
    host.with_pillar()
    return made


def says(code: int = 0, text: str = "") -> Callable[..., tuple[int, str]]:
    return lambda *_: (code, text)


class Flaky:
    """ssh of a guest under load: fails as often as said, then answers."""

    def __init__(self, times: int, answer: Callable[..., tuple[int, str]], code: int = 255) -> None:
        self.times, self.answer, self.code = times, answer, code

    def __call__(self, words: list[str], stdin: str | None) -> tuple[int, str]:
        self.times -= 1
        if self.times >= 0:
            return self.code, "ssh: connect to host 192.0.2.10 port 22: Connection timed out"
        return self.answer(words, stdin)
