"""A minion whose pillar names the test's engine, on a host where nothing real is touched."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.core import command, records
from ovirt_he.engine import connection
from ovirt_he.ha import conf
from ovirt_he.host import authorized_keys, storage_probe, volume

from functional.engine_process import PACKAGE, Engine
from functional.host_storage import HostStorage

MODULES = {
    # The guest's ssh channel ends in the simulator's own engine-psql.sh.
    "hosted_engine_guest": """
import subprocess
def sql(statement):
    done = subprocess.run({sql!r} + [statement], capture_output=True, text=True, check=True)
    return [line.split("|") for line in done.stdout.splitlines() if line]
""",
    "hosted_engine": """
import pathlib
from ovirt_he.pillar.settings import merge
def deployed():
    return pathlib.Path({configuration!r}).exists()
def settings():
    return merge(__pillar__, __grains__)
""",
}


class Host:
    """This host as the product sees it: files in a folder of the test, vdsm as the engine's."""

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        patch: pytest.MonkeyPatch,
        known: dict[str, Any] | None = None,
    ) -> None:
        self.folder, self.engine, self._patch = folder, engine, patch
        self.keys = folder / "root" / ".ssh" / "authorized_keys"
        self.configuration = folder / "hosted-engine.conf"
        self.records = folder / "records"
        self.commands: list[tuple[str, ...]] = []
        self.ha_status: dict[str, Any] | None = None
        self.agent_runs = False
        self.storage = HostStorage(engine)
        self.machines: Any = ["pc-i440fx-2.12", "pc-q35-4.1"]
        self.records.mkdir(parents=True)
        self._replace()
        records.write("setup", {"keycloak": False})
        (self.records / "engine-ca.pem").write_bytes(engine.ca_file.read_bytes())
        self.minion = Minion(
            folder / "minion",
            known or pillar(engine),
            module_dirs=[str(self._modules()), str(ROOT / "_modules")],
        )

    def _replace(self) -> None:
        resolve = socket.getaddrinfo

        def resolved(host: Any, *arguments: Any, **options: Any) -> Any:
            return resolve("127.0.0.1" if host == self.engine.fqdn else host, *arguments, **options)

        run = command.run

        def replaced(*arguments: str, **options: Any) -> Any:
            self.commands.append(arguments)
            if arguments[0] == "vdsm-client" and self.storage.does(arguments):
                return self.storage.call(arguments, options.get("stdin"))
            if arguments[0] == "vdsm-client":
                return subprocess.CompletedProcess(arguments, 0, self._vdsm(*arguments[1:]), "")
            if arguments[0] == "hosted-engine":
                said = "" if self.ha_status is None else json.dumps(self.ha_status)
                return subprocess.CompletedProcess(arguments, 0, said, "")
            if arguments[0] == "systemctl":
                said = "active\n" if self.agent_runs else "inactive\n"
                return subprocess.CompletedProcess(arguments, 0, said, "")
            return run(*arguments, **options)

        self._patch.setattr(socket, "getaddrinfo", resolved)
        self._patch.setattr(command, "run", replaced)
        self._patch.setattr(records, "DIRECTORY", self.records)
        self._patch.setattr(authorized_keys, "FILE", self.keys)
        self._patch.setattr(conf, "CONFIGURATION", self.configuration)
        self._patch.setattr(connection, "VDSM_CA", self.folder / "none.pem")
        self._patch.setattr(storage_probe, "inspect", self.storage.inspect)
        self._patch.setattr(volume, "find", self._volume)
        self._patch.setattr(volume, "AS_VDSM", ("env",))

    def _modules(self) -> Path:
        folder = self.folder / "modules"
        folder.mkdir()
        sql = ["env", f"PYTHONPATH={PACKAGE}", sys.executable, "-m", "engine_simulator.sql"]
        sql += ["--state", str(self.engine.folder), "-tA", "-c"]
        for name, template in MODULES.items():
            text = template.replace("{sql!r}", repr(sql))
            text = text.replace("{configuration!r}", repr(str(self.configuration)))
            (folder / f"{name}.py").write_text(text)
        return folder

    def _vdsm(self, namespace: str, method: str, *pairs: str) -> str:
        values = dict(pair.split("=", 1) for pair in pairs)
        if (namespace, method) == ("Image", "prepare"):
            path = self._write(**values)
            return json.dumps({"path": str(path)})
        if (namespace, method) == ("Host", "getCapabilities"):
            return json.dumps({"emulatedMachines": self.machines})
        return ""

    def _write(self, storagedomainID: str, volumeID: str, **_: str) -> Path:
        """A volume of the engine's memory as a file, as it is now."""
        for storage in self.engine.state()["memory"]["storage"].values():
            if storage["domain"] == storagedomainID:
                path = self.folder / "volumes" / volumeID
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(base64.b64decode(storage["volumes"][volumeID]["data"]))
                return path
        raise AssertionError(f"no storage domain {storagedomainID}")

    def _volume(
        self, storage_domain: str, image: str, volume: str, storage: Any = None
    ) -> Path | None:
        if not (self.folder / "volumes" / volume).exists():
            return None
        return self._write(storage_domain, volume)

    def deploy(self) -> None:
        """From now on this host is a deployed one."""
        self.configuration.write_text("host_id=1\n")

    def called(self, *words: str) -> bool:
        return any(words == command[: len(words)] for command in self.commands)


def pillar(engine: Engine) -> dict[str, Any]:
    """The pillar of these tests; short waits, so that a failure is seen soon."""
    return {
        "hosted_engine": {
            "engine": {"fqdn": engine.fqdn, "port": engine.port},
            "host": {"name": "node1.example.com", "address": "127.0.0.1"},
            "storage": {"address": "nas.example.com", "path": "/exports/engine"},
            "vm": {"memory_mib": 4096, "cpus": 2, "disk_gib": 10, "mac": "00:16:3E:00:00:01"},
            "timeouts": {"host": 20, "storage": 20, "ovf": 20, "engine": 10, "shutdown": 5},
            "secrets": {"admin_password": engine.password},
        }
    }


@pytest.fixture
def host(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Host:
    """This host before the engine phase: the engine set up, the host not in it yet."""
    return Host(tmp_path / "host", engine, monkeypatch)
