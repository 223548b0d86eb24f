"""A real master, two hypervisors, two sites: `salt 'hv*' state.apply hosted_engine`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .site import ADMIN_PASSWORD, FOLDER, MINUTES, ROOT_PASSWORD, Site, lab

CHECKOUT = Path(__file__).parents[2]
IN_LAB_NETWORK = ("nsenter", f"--net=/run/netns/{FOLDER.name}")
# A lab host is masterless as it stands, with the checkout as its folders of modules.
MINION = {"file_client": "remote", "module_dirs": [], "states_dirs": [], "utils_dirs": []}
SITES = {"hv1": "hv1.lab.test", "hv2": "hv2.lab.test"}


class Master:
    """salt-master on the lab's network, fed with three layers of pillar."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "top").mkdir()
        (directory / "top" / "top.sls").write_text(
            yaml.safe_dump({"base": {"hv*": ["hosted_engine"]}})
        )
        self._write_pillar(directory / "pillar")
        # Only what Salt serves: a checkout's virtual environment would be listed at each look.
        for served in ("hosted_engine", "_modules", "_states", "_utils"):
            (directory / "top" / served).symlink_to(CHECKOUT / served)
        configuration = {
            "interface": "10.77.0.1",
            "auto_accept": True,
            "root_dir": str(directory),
            "pki_dir": str(directory / "pki"),
            "file_roots": {"base": [str(directory / "top")]},
            "pillar_roots": {"base": [str(directory / "pillar")]},
            "user": "root",
        }
        (directory / "master").write_text(yaml.safe_dump(configuration))
        self._process = subprocess.Popen(
            [*IN_LAB_NETWORK, self._script("salt-master"), "-c", str(directory), "-l", "warning"],
            stdout=(directory / "log").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @staticmethod
    def _write_pillar(pillar: Path) -> None:
        """Defaults for all, then the site, then the host: what docs/master.md describes."""
        pillar.mkdir()
        layers: dict[str, Any] = {
            "top": {
                "base": {
                    "hv*": ["defaults"],
                    **{minion: [f"site_{name}"] for name, minion in SITES.items()},
                }
            },
            "defaults": {
                "hosted_engine": {
                    "host": {"emulation": True},
                    "storage": {"address": "nas.lab.test"},
                    "vm": {
                        "memory_mib": 1024,
                        "cpus": 2,
                        "disk_gib": 3,
                        "firmware": "bios",
                        "dns": ["10.77.0.1"],
                    },
                    "python": {"wheelhouse": "/srv/wheelhouse"},
                    "secrets": {
                        "admin_password": ADMIN_PASSWORD,
                        "root_password": ROOT_PASSWORD,
                    },
                }
            },
        }
        for number, name in enumerate(SITES, start=1):
            layers[f"site_{name}"] = {
                "hosted_engine": {
                    "engine": {"fqdn": f"engine{number}.lab.test"},
                    "storage": {"path": f"/exports/engine{number}"},
                    "vm": {"address": f"10.77.0.{100 + number}/24"},
                }
            }
        for name, layer in layers.items():
            (pillar / f"{name}.sls").write_text(yaml.safe_dump(layer))

    @staticmethod
    def _script(name: str) -> str:
        return str(Path(sys.executable).with_name(name))

    def salt(self, *arguments: str, timeout: float = 25 * MINUTES) -> dict[str, Any]:
        """``salt 'hv*' …``: what each minion returned."""
        command = [
            *IN_LAB_NETWORK, self._script("salt"), "-c", str(self.directory), "--static",
            "--out=json", f"--timeout={timeout:.0f}", "--no-color", "hv*", *arguments,
        ]  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout + MINUTES, check=False
        )
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            log = (self.directory / "log").read_text()[-2000:]
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr[-2000:]}{log}") from error

    def wait_for_minions(self) -> None:
        """Until both answer: a master takes seconds to start, a minion's first key some more."""
        deadline = time.monotonic() + 2 * MINUTES
        while True:
            with contextlib.suppress(AssertionError):
                if set(self.salt("test.ping", timeout=5)) == set(SITES.values()):
                    return
            assert time.monotonic() < deadline, (self.directory / "log").read_text()[-2000:]
            time.sleep(1)

    def stop(self) -> None:
        # Its workers outlive a master that is ended alone, and keep its ports.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    lab("destroy")
    lab("up", "--hosts", "2")
    master = Master(tmp_path_factory.mktemp("master"))
    try:
        for name in SITES:
            configuration = ["tee", "/etc/salt/minion.d/master.conf"]
            Site(name).run(["mkdir", "-p", "/etc/salt/minion.d"])
            Site(name).run(configuration, input=json.dumps(MINION))
            lab("exec", name, "systemctl", "start", "salt-minion")
        master.wait_for_minions()
        yield master
    finally:
        master.stop()
        for name in SITES:
            lab("exec", name, "systemctl", "stop", "salt-minion")


@pytest.mark.feature("fleet")
def test_both_sites_are_deployed_by_one_command(master: Master) -> None:
    synced = master.salt("saltutil.sync_all")
    assert set(synced) == set(SITES.values())

    returned = master.salt("state.apply", "hosted_engine")

    for name, minion in SITES.items():
        assert isinstance(returned[minion], dict), returned[minion]
        wrong = [state["comment"] for state in returned[minion].values() if not state["result"]]
        assert wrong == []
        site = Site(name)
        assert "Welcome to Health Status" in site.engine().health()


def test_a_second_run_changes_nothing(master: Master) -> None:
    returned = master.salt("state.apply", "hosted_engine")

    for minion in SITES.values():
        assert {key: s["changes"] for key, s in returned[minion].items() if s["changes"]} == {}
        assert all(state["result"] is True for state in returned[minion].values())


def test_preflight_of_all_hosts_at_once(master: Master) -> None:
    found = master.salt("hosted_engine.stage")

    assert set(found) == set(SITES.values())
