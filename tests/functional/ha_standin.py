"""HA of a host in a test: the stand-ins' commands and broker in this process, on real files."""

from __future__ import annotations

import contextlib
import io
import subprocess
import traceback
from typing import Any

import pytest
from ovirt_he.core import command, wait
from ovirt_he.ha import conf, modes
from ovirt_he.ha import status as ha_status

from functional.lab.standins import PACKAGES, facts, standin
from functional.storage_host import StorageHost

main = standin("hosted_engine_setup_standin.__main__")
status = standin("hosted_engine_setup_standin.status")
shared_config = standin("hosted_engine_setup_standin.shared_config")
cleanup = standin("hosted_engine_ha_standin.cleanup")
broker = standin("hosted_engine_ha_standin.broker")
configuration = standin("hosted_engine_ha_standin.configuration")
metadata = standin("hosted_engine_ha_standin.metadata")
sanlock = standin("sanlock")
storage = standin("hosted_engine_ha_standin.storage")
monitor_rpc = standin("vdsm_standin.rpc")

SCRIPT = PACKAGES / "ovirt-hosted-engine-setup/root/usr/sbin/hosted-engine"
PASSED_ON = 87
PASS_ON = f"printf '%s\\0' \"$@\"; exit {PASSED_ON}"

READ = ha_status.read
DOWN = {"vm": "down", "health": "bad", "detail": "unknown"}
UP = {"vm": "up", "health": "good", "detail": "Up"}


class StandinHa:
    """What ``hosted-engine`` does on this host, with HA's other hosts as blocks of metadata."""

    def __init__(self, host: StorageHost, read_status: Any, patch: pytest.MonkeyPatch) -> None:
        self.host, self.ran, self.reporting = host, [], {}
        self.vms: list[dict[str, str]] = []
        self.time = 0
        assert host.state("hosted_engine_config.present")["result"] is True
        names = {"conf": "configuration", "metadata": "metadata", "lockspace": "lockspace"}
        paths = {name: str(host.disk(disk)) for name, disk in names.items()}
        patch.setattr(configuration, "HOSTED_ENGINE_CONF", conf.CONFIGURATION)
        patch.setattr(configuration, "HA_CONF", host.folder / "ha.conf")
        configuration.set_local_flags(local_maintenance=False)
        types = shared_config.TYPES | {
            "he_local": conf.CONFIGURATION, "ha": configuration.HA_CONF,
        }  # fmt: skip
        patch.setattr(shared_config, "TYPES", types)
        self.broker = broker.Broker(configuration.parse(conf.CONFIGURATION.read_text()), paths)
        read = configuration.read
        patch.setattr(configuration, "read", lambda: read(conf.CONFIGURATION))
        for module in (main, status, shared_config, cleanup):
            patch.setattr(module, "broker", self._ask)
        patch.setattr(monitor_rpc, "call", lambda verb: self.vms)
        for name in ("connect", "prepare"):
            patch.setattr(storage, name, lambda values: None)
        self.owned: int | None = None
        patch.setattr(sanlock, "inq_lockspace", lambda _space, host_id, _path: self._owns(host_id))
        patch.setattr(sanlock, "add_lockspace", lambda _space, host_id, _path: self._own(host_id))
        patch.setattr(sanlock, "rem_lockspace", lambda *_: self._own(None))
        self.locked = True
        patch.setattr(broker.os, "kill", lambda pid, number: self.killed.append(number))
        self.killed: list[int] = []
        patch.setattr(ha_status, "read", read_status)
        patch.setattr(modes, "HA_CONF", configuration.HA_CONF)
        # Ten cycles of these hosts, which report at each look.
        patch.setattr(ha_status, "WATCH_SECONDS", 0.3)
        patch.setattr(command, "run", self._command(command.run))

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return getattr(self.broker, verb)(**arguments)

    @property
    def locked(self) -> bool:
        """Whether sanlock holds a host id of HA's for this host."""
        return self.owned is not None

    @locked.setter
    def locked(self, value: bool) -> None:
        if value:
            self.broker.lock_host_id(1)
        else:
            self.broker.release_host_id()

    def _owns(self, host_id: int) -> bool:
        return self.owned == host_id

    def _own(self, host_id: int | None) -> None:
        """Nobody else can have the id of a host that renews it."""
        if host_id in self.reporting and host_id != 1:
            raise sanlock.SanlockException(-262, "Sanlock lockspace add failure", "busy")
        self.owned = host_id

    def report(
        self, host_id: int, vm: dict[str, str] = DOWN, alive: bool = True, **more: Any
    ) -> None:
        """What a host's agent writes: now, and again and again while it is alive."""
        self.reporting[host_id] = (vm, more)
        self._write(host_id)
        if not alive:
            del self.reporting[host_id]

    def _write(self, host_id: int) -> None:
        self.time += 1
        local = host_id == 1 and configuration.local_flags().get("local_maintenance", False)
        vm, more = self.reporting[host_id]
        told = {"host-ts": self.time, "engine-status": vm, "maintenance": local} | more
        # As another host does it: not by this one's broker.
        block = metadata.pack_host(facts(host_id, **told))
        metadata.write(self.broker.paths["metadata"], host_id, block)
        self.broker.polled = 0
        # Who is alive the broker knows from this host's own agent alone.
        if 1 in self.reporting:
            self.broker.set_alive(list(self.reporting))

    def _command(self, run: Any) -> Any:
        def command_run(*arguments: str, **options: Any) -> Any:
            if arguments == ("sanlock", "client", "status"):
                output = "s hosted-engine:1:/lockspace:0\n" if self.locked else ""
                return subprocess.CompletedProcess(arguments, 0, output, "")
            if arguments[0] != "hosted-engine":
                return run(*arguments, **options)
            self.ran.append(arguments[1:])
            done = self._run(*arguments[1:])
            for host_id in self.reporting:
                self._write(host_id)
            if options.get("check", True) and done.returncode not in options.get("codes", (0,)):
                # As the product's own: through a real command that fails in that way.
                script = 'echo "$1" >&2; exit "$2"'
                failing = ("sh", "-c", script, "sh", done.stderr, str(done.returncode))
                return run(*failing, **options)
            return done

        return command_run

    def _run(self, *arguments: str) -> Any:
        """The stand-in's own script, up to the program that it would become: that runs here."""
        words = self._script(*arguments)
        if isinstance(words, subprocess.CompletedProcess):
            return words
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                if words[0] == "cleanup":
                    code = cleanup.cleanup(words[1:])
                else:
                    code = main.COMMANDS[words[0]](*words[1:])
            except (RuntimeError, KeyError):
                code = 1
                traceback.print_exc()
        return subprocess.CompletedProcess(words, code, output.getvalue(), errors.getvalue())

    def _script(self, *arguments: str) -> Any:
        """Words of the program; where the script refuses by itself, how it ended."""
        text = SCRIPT.read_text()
        for old, new in {
            "/etc/ovirt-hosted-engine/hosted-engine.conf": str(conf.CONFIGURATION),
            '! -r "${conf}"': f"! -r {conf.RUN_VM_CONF}",
            'exec python3 -m hosted_engine_setup_standin "$@"': PASS_ON,
            'exec /usr/libexec/ovirt-hosted-engine-ha/ovirt-ha-agent --cleanup "$@"': (
                f'set -- cleanup "$@"; {PASS_ON}'
            ),
        }.items():
            assert old in text
            text = text.replace(old, new)
        run = ["bash", "-c", text, "hosted-engine", *arguments]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        return done.stdout.split("\0")[:-1] if done.returncode == PASSED_ON else done


@pytest.fixture
def ha(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> StandinHa:
    monkeypatch.setattr(wait, "FIRST", 0.01)
    return StandinHa(host, READ, monkeypatch)


def state(ha: StandinHa, function: str, name: str, test: bool = False, **arguments: Any) -> Any:
    return ha.host.minions[test].states[function](name=name, **arguments)


def verb(ha: StandinHa, function: str, *arguments: Any) -> Any:
    return ha.host.minions[False](function, *arguments)
