"""A host for the bootstrap's states: our files in a folder, libvirt's test driver, no systemd."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.core import command, records
from ovirt_he.host import hypervisor as libvirt_host

FQDN = "engine.example.com"
# Whether a host is deployed isn't this phase's affair: a file says so.
MODULE = """
import pathlib
from ovirt_he.pillar.settings import merge

def settings():
    return merge(__pillar__, __grains__)

def deployed():
    return pathlib.Path({flag!r}).exists()
"""


class Host:
    """What the product sees of its host, and what a test lets it see."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **pillar: Any) -> None:
        self.folder = folder
        self.directory = folder / "bootstrap"
        self.directory.mkdir(mode=0o711)
        self.records = folder / "records"
        (folder / "modules").mkdir()
        module = MODULE.format(flag=str(folder / "deployed"))
        (folder / "modules" / "hosted_engine.py").write_text(module)
        self.commands: list[tuple[str, ...]] = []
        # Answers of commands that aren't to run here, by their first words.
        self.answers: dict[tuple[str, ...], str] = {}
        self.pillar = {
            "engine": {"fqdn": FQDN},
            "host": {"address": "127.0.0.1"},
            "storage": {"address": "nas.example.com", "path": "/engine"},
            "bootstrap": {"directory": str(self.directory)},
            "secrets": {"admin_password": "not-to-be-seen-admin"},
        } | pillar
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(records, "DIRECTORY", self.records)
        monkeypatch.setattr(libvirt_host, "LOCAL", "test:///default")
        self._really = command.run
        monkeypatch.setattr(command, "run", self._run)
        self.minion = self.with_pillar()

    def with_pillar(self, **changes: Any) -> Minion:
        """A minion with a changed pillar: a later run by an operator who changed their mind."""
        number = len(list(self.folder.glob("minion*")))
        pillar = {"hosted_engine": self.pillar | changes}
        modules = [str(self.folder / "modules"), str(ROOT / "_modules")]
        self.minion = Minion(self.folder / f"minion{number}", pillar, module_dirs=modules)
        return self.minion

    def complete(self) -> None:
        """The setup of the disk that lies there was seen complete."""
        disk = self.directory / "disk.qcow2"
        disk.touch()
        uuid = self.minion("hosted_engine.settings")["bootstrap"]["uuid"]
        self.records.mkdir(exist_ok=True)
        setup = {"domain": uuid, "overlay": disk.stat().st_ino}
        (self.records / "setup.json").write_text(json.dumps(setup))

    def deploy(self) -> None:
        """From now on the host counts as deployed."""
        (self.folder / "deployed").touch()

    def _run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(arguments)
        for words, answer in self.answers.items():
            if arguments[: len(words)] == words:
                return subprocess.CompletedProcess(arguments, 0, answer, "")
        return self._really(*arguments, **more)
