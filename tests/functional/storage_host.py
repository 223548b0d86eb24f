"""A host with its storage connected: real files, direct I/O as vdsm; its engine is a table."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.core import command, records
from ovirt_he.ha import conf, status
from ovirt_he.host import stage, volume
from unit.configured import DOMAIN, IDS, PILLAR

MIB = 1024**2
SIZES_MIB = {"configuration": 1024, "metadata": 128, "lockspace": 1024, "vm": 8}
wants_root = pytest.mark.skipif(os.geteuid() != 0, reason="writes as vdsm: wants root")


# In place of what asks the engine and vdsm: what a test wrote down in a file.
MODULES = {
    "hosted_engine_deployment": "def ids():\n    return answers()['ids']\n",
    "pkg": "def version(name):\n    return '1:2.5.2-1.el9'\n",
    "vdsm": (
        "def prepare_image(domain, image, volume):\n"
        "    if image not in answers()['paths']:\n"
        "        raise salt.exceptions.CommandExecutionError('code=201, Volume does not exist')\n"
        "    return answers()['paths'][image]\n"
        "def connect_storage(storage=None):\n"
        "    if 'mount' not in answers():\n"
        "        raise salt.exceptions.CommandExecutionError('vdsm does not answer')\n"
        "    subprocess.run(['mount', '--bind', *answers()['mount']], check=True)\n"
    ),
}
# Of states that there are once, whose name isn't the engine's.
NAMES = {
    "hosted_engine_disk.copied": "HostedEngine",
    "hosted_engine_disk.cleared": "metadata",
    "hosted_engine_ha.lockspace_initialised": "hosted-engine",
    "hosted_engine_ha.agent_enabled": "ovirt-ha-agent",
    "hosted_engine_appliance.removed": "ovirt-engine-appliance",
}
HEAD = """import json, pathlib, subprocess, salt.exceptions
def answers():
    return json.loads(pathlib.Path({path!r}).read_text())
"""


# Of systemd: what is enabled and active is what a test wrote down; what else is asked is kept.
SYSTEMCTL = """#!/bin/sh
case "$1" in
is-enabled | is-active) cat "{folder}/$1"; grep -qxE 'enabled|active' "{folder}/$1" ;;
*) echo "$@" >> {folder}/systemctl ;;
esac
"""


class StorageHost:
    """Folder of a host; ``say`` is what engine and vdsm answer, ``ha`` what HA does."""

    def __init__(
        self, folder: Path, minions: dict[bool, Minion], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self.minions = folder, minions
        opts = minions[False].opts
        self.pillar, self.module_dirs = opts["pillar"], opts["module_dirs"]
        self.answers = minions[False].directory / "answers"
        self.settings = minions[False]("hosted_engine.settings")
        self.bootstrap = Path(self.settings["bootstrap"]["directory"])
        patch.setattr(conf, "CONFIGURATION", folder / "etc" / "hosted-engine.conf")
        patch.setattr(conf, "RUN_VM_CONF", folder / "run" / "vm.conf")
        patch.setattr(volume, "MOUNTS", folder / "rhev")
        patch.setattr(volume, "PREPARED", folder / "prepared")
        patch.setattr(records, "DIRECTORY", folder / "records")
        patch.setattr(stage, "DEFINED", folder / "defined")
        self.running = folder / "running"
        patch.setattr(stage, "RUNNING", self.running)
        patch.setattr(status, "read", lambda: self.ha)
        # Agents of a test write more often than each ten seconds.
        patch.setattr(status, "WATCH_SECONDS", 0.5)
        self.ha: dict[str, Any] = {"global_maintenance": False, "hosts": {}}
        (folder / "bin").mkdir()
        systemctl = folder / "bin" / "systemctl"
        systemctl.write_text(SYSTEMCTL.format(folder=folder))
        systemctl.chmod(0o755)
        patch.setitem(command.ENVIRONMENT, "PATH", f"{folder}/bin:{command.ENVIRONMENT['PATH']}")
        self.agent(enabled="disabled", active="inactive")
        for name, size in SIZES_MIB.items():
            self._make_disk(self.disk(name), size * MIB)
            self._prepare(self.disk(name))
        self.say()

    @staticmethod
    def _make_disk(path: Path, size: int) -> None:
        path.parent.mkdir(parents=True)
        path.touch()
        os.truncate(path, size)
        os.chown(path, 36, 36)
        path.chmod(0o600)

    @staticmethod
    def _prepare(disk: Path) -> None:
        """As vdsm: a link to the image's directory, wherever the pillar says that it lies."""
        link = volume.PREPARED / DOMAIN / disk.parent.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(disk.parent)

    def say(self, **others: Any) -> None:
        paths = {IDS["disks"][name]["image"]: str(self.disk(name)) for name in SIZES_MIB}
        self.answers.write_text(json.dumps({"ids": IDS, "paths": paths} | others))

    def agent(self, **states: str) -> None:
        """What systemctl answers of HA's agent."""
        for asked, state in states.items():
            (self.folder / f"is-{asked}").write_text(f"{state}\n")

    def systemctl(self) -> list[str]:
        """What systemd was asked to do."""
        path = self.folder / "systemctl"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, vm: str) -> None:
        """A VM of this name runs here, as libvirt's files have it."""
        self.running.mkdir(exist_ok=True)
        (self.running / f"{vm}.pid").write_text(str(os.getpid()))

    def wrap(self, command: str, lines: str) -> None:
        """A command before which lines of shell run, as root: with its arguments."""
        path = self.folder / "bin" / command
        path.write_text(f'#!/bin/sh\n{lines}\nexec {shutil.which(command)} "$@"\n')
        path.chmod(0o755)

    def configure(self) -> None:
        """HA's configuration, as the phase handover writes it."""
        conf.CONFIGURATION.parent.mkdir(exist_ok=True)
        text = conf.hosted_engine_conf(self.settings, IDS, "192.0.2.1")
        conf.CONFIGURATION.write_text(text)

    def deploy(self) -> None:
        """Past the point of no return, whoever deployed it."""
        self.configure()
        self.agent(enabled="enabled")

    def disk(self, name: str) -> Path:
        where = IDS["disks"][name]
        domain = volume.MOUNTS / "nas:_exports" / DOMAIN
        return domain / "images" / where["image"] / where["volume"]

    def start(self, name: str, length: int = MIB) -> bytes:
        """What a disk starts with."""
        with self.disk(name).open("rb") as disk:
            return disk.read(length)

    def with_pillar(self, changed: dict[str, dict[str, Any]]) -> Minion:
        """A minion as the others are, with some groups of the pillar changed."""
        pillar = copy.deepcopy(self.pillar)
        for group, values in changed.items():
            pillar["hosted_engine"][group] = pillar["hosted_engine"].get(group, {}) | values
        return Minion(self.folder / "minion", pillar, module_dirs=self.module_dirs)

    def state(self, function: str, test: bool = False, name: str = "") -> dict[str, Any]:
        """The result of a state; of one that there is once, under the name that it has here."""
        name = name or NAMES.get(function, "engine.example.com")
        result: dict[str, Any] = self.minions[test].states[function](name=name)
        return result

    def member(self, name: str) -> str:
        """As the agent reads it: dd into tar."""
        disk = ["dd", f"if={self.disk('configuration')}", "bs=4k", "status=none"]
        with subprocess.Popen(disk, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as read:
            tar = ["tar", "-xOf", "-", name]
            done = subprocess.run(
                tar, stdin=read.stdout, capture_output=True, text=True, check=True
            )
        return done.stdout


@pytest.fixture(scope="module")
def minions(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Minion]:
    """One that does, and one in test mode."""
    bootstrap = {"directory": str(tmp_path_factory.mktemp("guest") / "bootstrap")}
    own = {"bootstrap": bootstrap, "timeouts": {"ha": 3}}
    pillar = {"hosted_engine": PILLAR["hosted_engine"] | own}
    modules, folders = tmp_path_factory.mktemp("modules"), {}
    for test in (False, True):
        folders[test] = tmp_path_factory.mktemp("minion")
    for name, text in MODULES.items():
        head = HEAD.format(path=str(folders[False] / "answers"))
        (modules / f"{name}.py").write_text(head + text)
    dirs = [str(modules), str(ROOT / "_modules")]
    return {
        test: Minion(folder, pillar, test=test, module_dirs=dirs)
        for test, folder in folders.items()
    }


@pytest.fixture
def host(minions: dict[bool, Minion], monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageHost]:
    # Not pytest's own folder: vdsm can't pass it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield StorageHost(Path(name), minions, monkeypatch)


@pytest.fixture
def configured(host: StorageHost) -> StorageHost:
    host.configure()
    return host


@pytest.fixture
def overlay(configured: StorageHost) -> Path:
    """A guest's disk as it lies after its shutdown: an overlay on an image, both root's alone."""
    folder = configured.bootstrap
    folder.mkdir(mode=0o700, exist_ok=True)
    base, disk = folder / "appliance.qcow2", folder / "disk.qcow2"
    for path in (base, disk):
        path.unlink(missing_ok=True)
    create, io = ["qemu-img", "create", "-q", "-f", "qcow2"], ["qemu-io", "-c"]
    subprocess.run([*create, base, "6M"], check=True)
    subprocess.run([*io, "write -P 1 0 1M", "-c", "write -P 2 4M 64k", base], check=True)
    subprocess.run([*create, "-F", "qcow2", "-b", base, disk], check=True)
    subprocess.run([*io, "write -P 3 1M 512k", "-c", "write -z 0 64k", disk], check=True)
    for path in (base, disk):
        path.chmod(0o600)
    return disk


def identical(overlay: Path, target: Path) -> bool:
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", overlay, target]
    return subprocess.run(compare, capture_output=True, check=False).returncode == 0
