"""A guest of the appliance: its tools as programs, below a root of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab"
APPLIANCE = LAB / "appliance"
SHIPPED = APPLIANCE / "root/root/ovirt-engine-answers"
PASSWORD = "s3cret=%: ü"
ANSWERS = {
    "OVESETUP_CONFIG/adminPassword": f"str:{PASSWORD}",
    "OVESETUP_CONFIG/fqdn": "str:engine1.lab.test",
    "OVESETUP_CONFIG/keycloakEnable": "bool:False",
    "OVESETUP_DB/password": "str:s3cret-db",
    "OVESETUP_DWH_DB/password": "str:s3cret-dwh",
    "OVESETUP_PKI/renew": "bool:False",
}
# What the guest's surroundings answer; systemctl writes down what it was asked.
SURROUNDINGS = {
    "getent": 'grep " $2$" "$APPLIANCE_ROOT/etc/hosts" | sed "s/ .*/ STREAM/"',
    "ip": """echo '[{"addr_info": [{"local": "192.168.222.10", "scope": "global"}]}]'""",
    "hostname": "echo engine1.lab.test",
    "systemctl": 'echo "$*" >> "$APPLIANCE_ROOT/systemctl"; [ "$1" != is-active ]',
}


class Guest:
    """A root with the tools' surroundings, and a way to run them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "bin"
        for made in (self.root / "etc", self.root / "proc", self.programs):
            made.mkdir(parents=True)
        self.memory(16384)
        (self.root / "etc/hosts").write_text("192.168.222.10 engine1.lab.test\n")
        for name, script in SURROUNDINGS.items():
            self.program(name, script)
        self.answers = self.root / "answers"
        self.answer()

    def program(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def memory(self, mebibytes: int) -> None:
        (self.root / "proc/meminfo").write_text(
            f"MemTotal:  {mebibytes * 1024} kB\nMemFree: 1 kB\n"
        )

    def answer(self, **changes: str | None) -> None:
        """Write the answers, some of them otherwise or not at all."""
        wanted = {**ANSWERS, **{key.replace("__", "/"): value for key, value in changes.items()}}
        lines = [f"{key}={value}" for key, value in wanted.items() if value is not None]
        self.answers.write_text("\n".join(["[environment:default]", *lines, ""]))

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = APPLIANCE / "root/usr" / tool
        interpreter = [] if tool.endswith(".sh") else [sys.executable]
        environment = {
            "APPLIANCE_ROOT": str(self.root),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHONPATH": f"{APPLIANCE}:{LAB / 'engine'}",
            "LC_ALL": "C.UTF-8",
        }
        return subprocess.run(
            [*interpreter, str(path), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def setup(self, *before: Path) -> subprocess.CompletedProcess[str]:
        appended = [f"--config-append={path}" for path in (*before, self.answers)]
        return self.run("bin/engine-setup", "--accept-defaults", "--offline", *appended)

    @property
    def log(self) -> str:
        """All that engine-setup wrote to its logs."""
        files = (self.root / "var/log/ovirt-engine/setup").glob("ovirt-engine-setup-*.log")
        return "".join(file.read_text() for file in files)

    def files(self) -> dict[str, bytes]:
        """All files of PKI, state and configuration, by path."""
        folders = ("etc/pki", "etc/ovirt-engine", "var/lib/ovirt-engine")
        found = [path for folder in folders for path in (self.root / folder).rglob("*")]
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in [*found, self.root / "etc/ovirt-engine-setup.conf"]
            if path.is_file()
        }


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """A guest whose set-up is complete; tests mustn't change it but in its options."""
    guest = Guest(tmp_path_factory.mktemp("engine"))
    assert guest.setup().returncode == 0
    return guest


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(
        ["openssl", *arguments], check=True, capture_output=True, text=True
    ).stdout
