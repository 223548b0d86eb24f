"""A host that a test takes through the stages of a deployment; what is around it stands in."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest
from minion import ROOT, Minion
from ovirt_he.bootstrap import image, vm_files
from ovirt_he.core import command, records
from ovirt_he.guest import channel, hosts_file
from ovirt_he.guest.files import GATE, MARKER, RESTORE
from ovirt_he.guest.restore_script import FENCING
from ovirt_he.ha import conf
from ovirt_he.host import firewalld, hypervisor, stage, volume
from salt.exceptions import CommandExecutionError

from functional import ovirt
from functional.engine_process import Engine

GIB = 2**30
NETWORK = "hosted-engine"
NOWHERE = "qemu+unix:///system?socket=/nowhere"
# Of the product, with the paths of this test.
REAL = ("hosted_engine", "hosted_engine_deployment", "hosted_engine_clean")
# A stage is about what deployments make; whether the host is fit is preflight's own test.
FIT = "def problems(): return []\n"
FIT += "def examined(_): return dict.fromkeys(('problems', 'ignored', 'notes'), [])\n"
PKG = "def version(name):\n    return '2.5.2-1.el9'\n\ndef owner(path):\n    return 'appliance'\n"
# Of a chunk of low data: Salt's own, not the state's arguments.
SALTS = {"state", "fun", "name", "order", "require", "require_in", "unless", "onlyif"}


class StagedHost(ovirt.Host):
    """``tried`` is what test mode says; all other methods bring the host further."""

    def __init__(
        self, folder: Path, engine: Engine, patch: pytest.MonkeyPatch, **pillar: Any
    ) -> None:
        folder.mkdir()
        self.directory = folder / "bootstrap"
        self.directory.mkdir(mode=0o711)
        self.guest_files: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.rules: list[dict[str, Any]] = []
        known = ovirt.pillar(engine)["hosted_engine"]
        own = {
            "bootstrap": {"directory": str(self.directory)},
            "host": known["host"] | {"emulation": True},
            "network": {"gateway": "192.0.2.1"},
        }
        super().__init__(folder / "host", engine, patch, {"hosted_engine": known | own | pillar})
        records.remove("setup")
        (self.records / "engine-ca.pem").unlink()
        patch.setattr(hypervisor, "LOCAL", NOWHERE)
        opts = self.minion.opts
        self._trying = Minion(
            folder / "trying",
            {"hosted_engine": opts["pillar"]["hosted_engine"]},
            module_dirs=opts["module_dirs"],
            test=True,
        )
        self.low = {sls: self.minion.low(f"hosted_engine.{sls}") for sls in ("ha", "clean")}

    def tried(self, sls: str) -> dict[str, dict[str, Any]]:
        """
        Results of test mode by state, each by itself: no failed requisite hides the next failure.

        Core's states aren't ours to judge, and would look at this machine.
        """
        self._trying.functions.pack["__context__"].clear()
        results = {}
        for chunk in self.low[sls]:
            if chunk["state"].startswith(("hosted_engine", "ovirt")) and self._applies(chunk):
                results[chunk["__id__"]] = self._run(self._trying, chunk)
        return results

    def _applies(self, chunk: dict[str, Any]) -> bool:
        stops = [self._trying(one["fun"]) for one in chunk.get("unless", [])]
        wants = [self._trying(one["fun"]) for one in chunk.get("onlyif", [])]
        return not any(stops) and all(wants)

    def _run(self, minion: Minion, chunk: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in chunk.items() if key not in SALTS}
        own = {key: value for key, value in given.items() if not key.startswith("__")}
        result: dict[str, Any] = minion.states[f"{chunk['state']}.{chunk['fun']}"](
            name=chunk["name"], **own
        )
        return result

    def state(self, identifier: str) -> None:
        """Apply one state of the formula, as it stands there."""
        chunk = next(one for one in self.low["ha"] if one["__id__"] == identifier)
        result = self._run(self.minion, chunk)
        assert result["result"] is True, result

    # Stages, in their order

    def install_packages(self) -> None:
        """What the appliance phase leaves, and libvirtd is running."""
        source = self.folder / "package.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", source, "32M"], check=True)
        image.PACKAGES.mkdir()
        (image.PACKAGES / "10-appliance.conf").write_text(f"path={source}\n")
        self.state("Appliance is extracted")
        self._patch.setattr(hypervisor, "LOCAL", "test:///default")

    def start_network(self) -> None:
        self.minion("hosted_engine_network.define", NETWORK)
        self.minion("hosted_engine_network.start", NETWORK)
        subnet = self.libvirt().networkLookupByName(NETWORK).XMLDesc()
        address = subnet.partition("<ip address='")[2].partition("'")[0].rpartition(".")[0]
        for key, priority in (("dst", 100), ("src", 101)):
            net = {key: f"{address}.0", f"{key}len": 24}
            self.rules.append({"priority": priority, "table": "main"} | net)

    def set_up_engine(self) -> None:
        """engine-setup is through: the engine answers, in the bootstrap VM."""
        self.guest_files |= {MARKER: "", GATE: "", RESTORE: "", FENCING: "300\n"}
        self.guest_files["/etc/pki/ovirt-engine/ca.pem"] = self.engine.ca_file.read_text()
        self.engine.start()

    def shut_down(self) -> None:
        """The bootstrap VM is off, and with it the engine."""
        self.engine.stop()
        if domain := self._bootstrap_vm():
            domain.destroy()

    def record_copy(self) -> None:
        """As after the copy of the disk, which takes qemu-img and time."""
        ids = self.minion("hosted_engine_config.ids")
        disk = vm_files.identity(self.directory / "disk.qcow2")
        copied = {"source": disk, "storage_domain": ids["storage_domain"], **ids["disks"]["vm"]}
        records.write("copied", copied)

    def start_ha(self) -> None:
        """The point of no return is passed; the engine isn't up yet on shared storage."""
        self.enabled.add("ovirt-ha-agent")
        self.agent_runs = True
        self.ha_status = {"1": self._status("down", "bad"), "global_maintenance": False}

    def arrive(self) -> None:
        """HA has started the engine: this host is deployed."""
        self.engine.start()
        self.ha_status = {"1": self._status("up", "good"), "global_maintenance": False}
        records.write("deployment", {"healthy": True, "host_id": 1, "fqdn": self.engine.fqdn})

    def tidy_up(self) -> None:
        """Nothing of the bootstrap is left, as the end of the ha phase and ``clean`` leave it."""
        for identifier in ("Bootstrap VM is removed", "Bootstrap network is removed"):
            self.state(identifier)
        for path in (*self.directory.glob("*"), self.records / "setup.json"):
            path.unlink(missing_ok=True)

    def clean(self) -> None:
        """As ``hosted_engine.clean`` leaves it: packages and vdsm's certificates stay."""
        self.shut_down()
        self.tidy_up()
        for path in (self.configuration, *self.records.iterdir()):
            path.unlink(missing_ok=True)
        for flags in (self.enabled, self.guest_files):
            flags.clear()
        self.agent_runs, self.ha_status = False, None

    @contextlib.contextmanager
    def power_cut(self) -> Iterator[None]:
        """Whatever ran is off; the rest is as it lay there."""
        engine, domain, agent = self.engine.runs, self._bootstrap_vm(), self.agent_runs
        self.shut_down()
        self.agent_runs = False
        yield
        self.agent_runs = agent
        if domain:
            domain.create()
        if engine:
            self.engine.start()

    @staticmethod
    def libvirt() -> Any:
        return libvirt.open("test:///default")

    @staticmethod
    def _status(vm: str, health: str) -> dict[str, Any]:
        engine = {"vm": vm, "health": health, "detail": vm}
        return {"hostname": "node1", "host-id": 1, "live-data": True, "engine-status": engine}

    # What stands in

    def _replace(self) -> None:
        super()._replace()
        patch, folder = self._patch, self.folder
        run = command.run

        def answered(*arguments: str, **options: Any) -> Any:
            if arguments[0] == "systemctl":
                said = "" if arguments[1] == "list-unit-files" else self._systemctl(*arguments[1:])
                return subprocess.CompletedProcess(arguments, 0 if said else 1, said, "")
            if arguments[0] == "ip" and "rule" in arguments:
                return subprocess.CompletedProcess(arguments, 0, json.dumps(self.rules), "")
            return run(*arguments, **options)

        patch.setattr(command, "run", answered)
        patch.setattr(channel, "run", self._ssh)
        patch.setattr(channel, "listens", lambda _: self._guest_runs())
        patch.setattr(firewalld, "runs", lambda: False)
        patch.setattr(hosts_file, "HOSTS", folder / "hosts")
        patch.setattr(image, "PACKAGES", folder / "packages")
        patch.setattr(conf, "CONFIGURATION", self.configuration)
        patch.setattr(conf, "RUN_VM_CONF", folder / "run" / "vm.conf")
        for name in ("DEFINED", "RUNNING"):
            patch.setattr(stage, name, folder / name.lower())
        for flag in ("UNDEFINE_NVRAM", "SHUTDOWN_ACPI"):
            patch.setattr(hypervisor, flag, 0)
        patch.setattr(volume, "MOUNTS", folder / "rhev")

    def _systemctl(self, verb: str, unit: str) -> str:
        if verb == "is-enabled":
            return "enabled\n" if unit.removesuffix(".service") in self.enabled else "disabled\n"
        return "active\n" if self.agent_runs else "inactive\n"

    def _modules(self) -> Path:
        folder = super()._modules()
        (folder / "hosted_engine_guest.py").unlink()
        for name in REAL:
            text = (ROOT / "_modules" / f"{name}.py").read_text()
            for path in ("/etc/ovirt-hosted-engine/hosted-engine.conf", "/etc/libvirt"):
                text = text.replace(path, str(self.folder / path.rpartition("/")[2]))
            text += FIT if name == "hosted_engine" else ""
            (folder / f"{name}.py").write_text(text)
        (folder / "pkg.py").write_text(PKG)
        return folder

    def _write(self, storagedomainID: str, volumeID: str, **more: str) -> Path:
        """The engine writes its OVF stores; what else lies there is the host's to write."""
        path = super()._write(storagedomainID, volumeID, **more)
        ours = self.folder / "disks" / volumeID
        if path.stat().st_size:
            return path
        ours.parent.mkdir(exist_ok=True)
        with ours.open("ab") as disk:
            disk.truncate(GIB)
        return ours

    def _bootstrap_vm(self) -> Any:
        """Where it runs."""
        with contextlib.suppress(libvirt.libvirtError):
            domain = self.libvirt().lookupByName("HostedEngineLocal")
            return domain if domain.isActive() else None

    def _guest_runs(self) -> bool:
        return self._bootstrap_vm() is not None

    def _ssh(
        self, settings: Any, address: str, *arguments: str, check: bool = True, **more: Any
    ) -> Any:
        """The guest, as its sshd answers it: not at all while it is off."""
        code, said = (255, "No route to host") if not self._guest_runs() else (0, "")
        if not code:
            code, said = self._in_guest(*arguments, stdin=more.get("stdin"))
        if check and code:
            raise CommandExecutionError(f"ssh root@{address} {shlex.join(arguments)}: {said}")
        return subprocess.CompletedProcess(arguments, code, said, said)

    def _in_guest(self, program: str, *arguments: str, stdin: Any = None) -> tuple[int, str]:
        held = self.guest_files
        code, said = 0, ""
        match program, *arguments:
            case "test" | "cat", *_, path:
                code, said = int(path not in held), held.get(path, "") if program == "cat" else ""
            case "sha256sum", path:
                code = int(path not in held)
            case "install", *_, path:
                held[path] = stdin
            case "systemctl", "enable", unit:
                self.enabled.add(unit)
            case "systemctl", "is-enabled", unit:
                code, said = (0, "enabled") if unit in self.enabled else (1, "disabled")
            case "sh", "-c", _, "look", _:
                code = int(GATE not in held)
            case "otopi-config-query", *_:
                said = "False"
            case path, *_, statement if path.endswith("engine-psql.sh"):
                code, said = 127, f"{path}: No such file or directory"
                if MARKER in held:
                    code, said = 0, self.engine.sql(statement)
        return code, said
