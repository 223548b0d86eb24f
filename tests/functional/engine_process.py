"""An engine simulator of a test's own: a process, its state, its faults, and a look by curl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PACKAGE = Path(__file__).parents[1] / "lab" / "engine"
# curl and the SDK know *.localhost by themselves; a name without a dot is no engine's.
FQDN = "engine.localhost"
USER = "admin@internal"
PASSWORD = "engine-password"


def run_module(*arguments: str, text: str | None = None) -> str:
    """Run one of the simulator's commands; its standard output."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        input=text,
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


class Engine:
    """A simulator on 127.0.0.1, ten times as fast as it is in the lab unless told otherwise."""

    def __init__(self, folder: Path, pki: Path) -> None:
        self.folder = folder
        self.pki = pki
        self.fqdn = FQDN
        self.user = USER
        self.password = PASSWORD
        self.ca_file = pki / "ca.pem"
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        run_module("engine_simulator.sso", "--state", str(folder), text=f"{PASSWORD}\n")

    @property
    def url(self) -> str:
        return f"https://{self.fqdn}:{self.port}/ovirt-engine/api"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def start(self, **options: str) -> None:
        """Start the simulator, on the port that it had before if it had one."""
        options = {"hosts": "memory", "speed": "0.05", "port": str(self.port)} | options
        command = [sys.executable, "-m", "engine_simulator", "--address", "127.0.0.1"]
        command += ["--state", str(self.folder), "--pki", str(self.pki), "--fqdn", self.fqdn]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", value]
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                command,
                env=os.environ | {"PYTHONPATH": str(PACKAGE), "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), f"the simulator didn't start: {self.log}"
        self.port = int(line.split()[-1])

    @property
    def runs(self) -> bool:
        return self._process is not None

    def stop(self) -> None:
        """End the simulator as a power cut would: nothing is saved on the way."""
        if self._process:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None

    def cut_power(self) -> None:
        """
        Of the host that the engine's VM runs on, too: its storage isn't connected after the boot.

        The engine is started again, and believes what it knew.
        """
        # An activation that was cut off would begin again, and connect it.
        self.wait(lambda: all(each["name"] != "domain_active" for each in self.state()["tasks"]))
        with self.changed_memory() as memory:
            for connected in ("mounted", "sessions"):
                memory.pop(connected, None)

    @contextmanager
    def changed_memory(self) -> Iterator[dict[str, Any]]:
        """What lies outside of the engine, to be changed while it doesn't run."""
        self.stop()
        state = self.state()
        state["memory"].setdefault("storage", {})
        yield state["memory"]
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        self.start()

    def faults(self, **wanted: Any) -> None:
        """Replace all faults by these; none: no faults."""
        temporary = self.folder / "faults.new"
        temporary.write_text(json.dumps(wanted), encoding="utf-8")
        temporary.replace(self.folder / "faults.json")

    def state(self) -> dict[str, Any]:
        """The engine's state as it lies on the disk."""
        return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))

    def sql(self, statement: str) -> str:
        """What engine-psql.sh would print, rows only."""
        return run_module(
            "engine_simulator.sql", "--state", str(self.folder), "-tA", "-c", statement
        )

    def curl(
        self, path: str, *, method: str = "GET", body: str | None = None, status: int = 200
    ) -> ElementTree.Element:
        """The XML that curl gets from the API, by basic authentication and with the CA checked."""
        answer = self.curl_raw(f"/ovirt-engine/api{path}", method=method, body=body)
        text, _, code = answer.rpartition("\n")
        assert int(code) == status, f"{method} {path}: {code}, not {status}: {text}"
        return ElementTree.fromstring(text)

    def curl_raw(self, path: str, *, method: str = "GET", body: str | None = None) -> str:
        """Body and, on a last line of its own, the status that curl gets for a path."""
        command = ["curl", "--silent", "--show-error", "--config", "-", "--request", method]
        command += ["--noproxy", "*"]
        command += ["--cacert", str(self.ca_file), "--write-out", "\\n%{http_code}"]
        if body is not None:
            command += ["--header", "Content-Type: application/xml", "--data-binary", body]
        done = subprocess.run(
            [*command, f"https://{self.fqdn}:{self.port}{path}"],
            input=f'user = "{self.user}:{self.password}"',
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"curl {path}: {done.stderr}"
        return done.stdout

    def wait(self, seen: Callable[[], Any], seconds: float = 10) -> Any:
        """Wait until ``seen`` is true, and give what it saw; fail with the log's end otherwise."""
        deadline = time.monotonic() + seconds
        while not (value := seen()):
            assert time.monotonic() < deadline, f"not seen in {seconds} s; {self.log[-2000:]}"
            time.sleep(0.05)
        return value
