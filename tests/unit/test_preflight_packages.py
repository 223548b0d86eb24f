"""Whether repositories offer what will be installed: dnf as it answers, apt on a real one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.pillar import settings
from ovirt_he.preflight import check, packages
from salt.exceptions import CommandExecutionError

SLS = Path(__file__).parents[2] / "hosted_engine" / "appliance.sls"
INSTALLED: dict[str, Any] = {"pkg.version": lambda _: ""}
SETUP, APPLIANCE = "ovirt-hosted-engine-setup", "ovirt-engine-appliance"


def problems(
    family: str, installed: tuple[str, ...] = (), storage: str = "nfs", **appliance: str
) -> dict[str, str]:
    pillar = {"hosted_engine": {"appliance": appliance, "storage": {"type": storage}}}
    grains = {"os_family": family, "fqdn": "node1.example.com"}
    run = {"pkg.version": lambda name: "1" if name in installed else ""}
    host = check.Host(settings.merge(pillar, grains), grains, run)
    found = check.found(packages.CHECKS, host)
    return {one["key"].removeprefix("hosted_engine:"): one["problem"] for one in found}


class Rpm:
    """rpm and dnf of a host with some packages, each with the names that it provides."""

    def __init__(self) -> None:
        self.installed: dict[str, set[str]] = {}
        self.offered: dict[str, set[str]] = {}
        self.timeouts: list[Any] = []
        self.fails = ""

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        assert arguments[-2] == "--whatprovides"
        if arguments[0] == "dnf":
            self.timeouts.append(options["timeout"])
            if self.fails:
                raise CommandExecutionError(self.fails)
        known = self.installed if arguments[0] == "rpm" else self.offered
        found = [name for name, provided in known.items() if arguments[-1] in {name, *provided}]
        # rpm says on its standard output that nothing provides it, and ends with 1.
        missing = f"no package provides {arguments[-1]}\n" if arguments[0] == "rpm" else ""
        text = "".join(f"{name}\n" for name in found) or missing
        return subprocess.CompletedProcess(arguments, int(not found and bool(missing)), text, "")


@pytest.fixture
def rpm(monkeypatch) -> Rpm:
    made = Rpm()
    monkeypatch.setattr(command, "run", made.run)
    return made


def test_packages_that_are_offered_or_installed(rpm):
    rpm.offered = {SETUP: set(), APPLIANCE: set()}
    assert problems("RedHat") == {}
    assert rpm.timeouts == [120, 120]

    rpm.timeouts.clear()
    assert problems("RedHat", installed=(SETUP, APPLIANCE)) == {}
    assert rpm.timeouts == [], "nothing is asked"


def test_gluster_needs_its_command_line_tool(rpm):
    """The engine answers 409 to a Gluster domain while its host has no glusterfs-cli."""
    rpm.offered = {SETUP: set(), APPLIANCE: set()}

    assert "glusterfs-cli" in problems("RedHat", storage="glusterfs")["storage:type"]
    rpm.installed = {"glusterfs-cli": set()}
    assert problems("RedHat", storage="glusterfs") == {}


def test_packages_that_no_repository_offers_are_named(rpm):
    rpm.offered = {SETUP: set()}

    assert problems("RedHat") == {
        "appliance:package": "no repository of this host offers the package ovirt-engine-appliance"
    }
    rpm.offered = {APPLIANCE: set()}
    assert SETUP in problems("RedHat")["host"]


def test_with_a_source_the_appliance_s_package_is_not_asked_for(rpm):
    rpm.offered = {SETUP: set()}

    assert problems("RedHat", source="/srv/engine.qcow2") == {}


@pytest.mark.parametrize("where", ["offered", "installed"])
def test_a_name_that_is_only_provided_is_none_that_salt_installs(rpm, where):
    """The appliance's real packages are called by their distribution."""
    rpm.offered[SETUP] = set()
    getattr(rpm, where)["ovirt-engine-appliance-centos9"] = {APPLIANCE}

    told = problems("RedHat")["appliance:package"]

    assert "only provided, by ovirt-engine-appliance-centos9" in told
    assert problems("RedHat", package="ovirt-engine-appliance-centos9") == {}


def test_the_advice_names_a_key_only_where_one_helps(rpm):
    """appliance:package doesn't choose another package's name."""
    rpm.offered = {"setup-of-a-distribution": {SETUP}, "appliance-centos9": {APPLIANCE}}
    grains = {"os_family": "RedHat", "fqdn": "node1.example.com"}
    host = check.Host(settings.merge({}, grains), grains, INSTALLED)

    advice = {one["key"]: one["advice"] for one in check.found(packages.CHECKS, host)}

    assert advice == {
        "hosted_engine:host": "Install one of these",
        "hosted_engine:appliance:package": "Set appliance:package to one of these",
    }


def test_repositories_that_cannot_be_asked_are_told(rpm):
    rpm.fails = "dnf --quiet repoquery: timed out after 120 s"

    assert "packages are offered: dnf" in problems("RedHat")["preflight"]


def test_on_another_system_it_says_that_it_does_not_know(rpm):
    host = check.Host(settings.merge({}, {}), {"os_family": "Suse"}, INSTALLED)

    assert check.found(packages.CHECKS, host) == []
    assert host.notes == [
        "Whether repositories offer ovirt-hosted-engine-setup, ovirt-engine-appliance isn't known: "
        "how Suse asks them isn't"
    ]


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dpkg-deb"), reason="apt's own state is root's"
)
def test_apt_asks_repositories_and_leaves_its_lists_alone(tmp_path, monkeypatch):
    control = tmp_path / "build" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        f"Package: {SETUP}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.com>\n"
        "Description: x\n"
    )
    repository = tmp_path / "repository"
    repository.mkdir()
    deb = repository / "setup.deb"
    subprocess.run(["dpkg-deb", "-b", control.parent.parent, deb], check=True, capture_output=True)
    (repository / "Packages").write_text(
        control.read_text() + f"Filename: ./setup.deb\nSize: {deb.stat().st_size}\n"
    )
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "-";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    before = {path: path.stat().st_mtime_ns for path in Path("/var/lib/apt/lists").rglob("*")}

    told = problems("Debian")

    assert list(told) == ["appliance:package"]
    assert {p: p.stat().st_mtime_ns for p in Path("/var/lib/apt/lists").rglob("*")} == before
    assert problems("Debian", package=SETUP) == {}


def test_the_names_are_those_that_the_phase_installs():
    text = SLS.read_text()
    installed = re.findall(r"pkg\.installed:\n\s+- name: (\S.*)", text)
    (block,) = re.findall(r"    - pkgs:\n(?:.*\n)*?    - require", text)

    assert installed == ["{{ hosted_engine.appliance.package | json }}"]
    assert re.findall(r"^      - (\S+)$", block, re.M) == [packages.SETUP, packages.GLUSTER]
