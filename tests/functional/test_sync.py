"""How the formula reaches a minion: by gitfs and sync_all, by salt-ssh; and an upgrade of it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from minion import ROOT

SERVED = ("hosted_engine", "_modules", "_states", "_utils")
PILLAR = yaml.safe_load((Path(__file__).parent / "pillars" / "static.yaml").read_text())
# Nothing is waited for, and no package index is asked.
PILLAR["hosted_engine"] |= {"network": {"test": "none"}, "python": {"wheelhouse": "/nowhere"}}
# A module and the code of the package that it calls, which change together.
RELEASES = {
    "_modules/release_probe.py": (
        "from ovirt_he.core import release\n"
        "def answer():\n    return ['module {0}', release.NAME]\n"
    ),
    "_utils/ovirt_he/core/release.py": "NAME = 'package {0}'\n",
}


def git(formula: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=formula, check=True, capture_output=True)


class Formula:
    """A git repository that holds the formula, and a probe of which release runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in SERVED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, directory / name, ignore=ignored)
        git(directory, "init", "-q", "-b", "main")
        self.release("1")

    def release(self, name: str) -> None:
        self.name = name
        for path, text in RELEASES.items():
            (self.directory / path).write_text(text.replace("{0}", name))
        git(self.directory, "add", "-A")
        git(self.directory, "commit", "-q", "-m", name)


@pytest.fixture(scope="module")
def formula(tmp_path_factory) -> Formula:
    return Formula(tmp_path_factory.mktemp("formula"))


@pytest.fixture(scope="module")
def pillars(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("pillar")
    (directory / "top.sls").write_text("base: {'*': [site]}")
    (directory / "site.sls").write_text("#!json\n" + json.dumps(PILLAR))
    return directory


@pytest.fixture(scope="module")
def master(salt_factories, formula, pillars) -> Iterator[Any]:
    options = {
        "fileserver_backend": ["gitfs"],
        "gitfs_provider": "gitpython",
        "gitfs_base": "main",
        "gitfs_remotes": [f"file://{formula.directory}"],
        "pillar_roots": {"base": [str(pillars)]},
    }
    factory = salt_factories.salt_master_daemon("sync-master", overrides=options)
    with factory.started():
        yield factory


@pytest.fixture(scope="module", params=[True, False], ids=["processes", "threads"])
def minion(request, master) -> Iterator[Any]:
    """A minion whose jobs run in processes of their own, and one that is a single process."""
    name = f"minion-{request.param}".lower()
    factory = master.salt_minion_daemon(name, overrides={"multiprocessing": request.param})
    with factory.started():
        yield lambda *call: master.salt_cli().run(*call, minion_tgt=name).data


def test_sync_all_brings_the_package_with_its_rooms(minion):
    synced = minion("saltutil.sync_all")

    assert "modules.hosted_engine" in synced["modules"]
    assert "utils.ovirt_he.core.state" in synced["utils"]
    assert minion("hosted_engine.problems") == []
    applied = minion("state.single", "hosted_engine.valid", "engine", "test=True")
    (state,) = applied.values()
    assert (state["result"], state["changes"]) == (True, {})


def test_an_upgrade_leaves_no_old_code_in_a_minion_that_stays_up(minion, master, formula):
    for _ in range(2):
        name = f"{formula.name}+"
        formula.release(name)
        assert master.salt_run_cli().run("fileserver.update").returncode == 0
        minion("saltutil.sync_all")

        assert minion("release_probe.answer") == [f"module {name}", f"package {name}"]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory) -> Iterator[dict[str, Any]]:
    """A target of salt-ssh: a real sshd on this machine's loopback."""
    directory = tmp_path_factory.mktemp("sshd")
    for name in ("host", "client"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name]
        subprocess.run(command, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "client.pub",
        "StrictModes": "no",
        "Subsystem": "sftp internal-sftp",
        "PidFile": "none",
    }
    (directory / "config").write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", directory / "config"])
    yield {"host": "127.0.0.1", "port": port, "user": "root", "priv": str(directory / "client"),
           "thin_dir": str(directory / "thin"), "set_path": "/usr/bin:/bin"}  # fmt: skip
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def salt_ssh(sshd, formula, pillars, tmp_path_factory) -> Any:
    """``salt-ssh target …`` with the master's options of docs/master.md."""
    directory = tmp_path_factory.mktemp("ssh")
    # No root_dir: Salt would put it before utils_dirs as well.
    options: dict[str, Any] = {
        name: str(directory / name) for name in ("cachedir", "pki_dir", "sock_dir", "ssh_log_file")
    } | {
        "file_roots": {"base": [str(formula.directory)]},
        "pillar_roots": {"base": [str(pillars)]},
        "utils_dirs": [str(formula.directory / "_utils")],
        "thin_extra_mods": "ovirt_he",
        "extra_filerefs": "salt://hosted_engine/files/requirements.txt",
    }
    (directory / "master").write_text(yaml.safe_dump(options))
    (directory / "roster").write_text(yaml.safe_dump({"target": sshd}))

    def run(*arguments: str) -> Any:
        script = Path(sys.executable).with_name("salt-ssh")
        command = [script, "-c", directory, "-i", "--out=json", "--static", "target", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        return json.loads(done.stdout)["target"]

    return run


def test_salt_ssh_runs_preflight_with_what_it_needs(salt_ssh):
    """The command of docs/master.md, on a target that has nothing of the formula."""
    applied = salt_ssh("state.apply", "hosted_engine.preflight")
    valid, fit = sorted(applied.values(), key=lambda state: state["__run_num__"])

    assert (valid["result"], valid["changes"]) == (True, {})
    assert (fit["result"], fit["changes"]) == (False, {})
    assert "/nowhere holds no files" in fit["comment"], "the list of libraries has come along"
    assert "couldn't be checked" not in fit["comment"]


def test_salt_ssh_brings_an_upgrade_of_the_package_by_a_new_thin(salt_ssh, formula):
    formula.release("by salt-ssh")

    answer = salt_ssh("--regen-thin", "release_probe.answer")

    assert answer == ["module by salt-ssh", "package by salt-ssh"]
