"""ovirt-ha-agent: starts the engine's VM where it should run, and tells the others."""

from __future__ import annotations

import configparser
import logging
import signal
import socket
import time
from typing import Any

from vdsm_standin import rpc

from . import archive, configuration, log, monitor, ovf, score, states, storage, vm_conf
from .broker import LIVE_SECONDS
from .cleanup import cleanup
from .engine_health import MISSING, EngineHealth
from .link import broker

CYCLE_SECONDS = 1.0
VM_CONF = configuration.RUN / "vm.conf"
REFRESH_SECONDS = 30
STOPPED = "AgentStopped"
# What ends the agent; systemd starts it again.
FATAL = (
    RuntimeError, OSError, TypeError, UnicodeDecodeError, rpc.RemoteError,
    configparser.Error, configuration.ConfigurationError, archive.ArchiveError, vm_conf.VmConfError,
)  # fmt: skip
logger = logging.getLogger("ovirt_hosted_engine_ha.agent.hosted_engine.HostedEngine")


class Agent:
    """The state machine with its hands."""

    def __init__(self) -> None:
        self.values = configuration.read()
        self.host_id = int(self.values["host_id"])
        self.state, self.since = "StartState", time.monotonic()
        self.parameters: dict[str, Any] = {}
        self.conf_timestamp = 0
        self.refreshed = 0.0
        self.failed_starts, self.tried = 0, 0.0
        self.timestamps: dict[int, int] = {}
        self.moved: dict[int, float] = {}
        self.engine = EngineHealth()

    def start(self) -> None:
        """Everything that must be right before the first look."""
        # The broker's socket is there once it has connected the storage.
        paths = broker("get_paths")
        storage.connect(self.values)
        storage.prepare(self.values)
        logger.info("Acquiring a lock on host id %s", self.host_id)
        # Both at once: each takes as long as a host may need to show that it lives.
        storage.start_monitoring(self.values)
        self._lock_host_id()
        storage.wait_for_monitoring(self.values)
        logger.info("Acquired lock on host id %s", self.host_id)
        self.refresh(paths["conf"])
        self.health = monitor.Watch(self._probe_engine, (False, ""), seconds=1)
        self.monitors = monitor.Monitors(self.values)

    def _lock_host_id(self) -> None:
        """Have the broker own our host id: nothing happens while it does."""
        broker("lock_host_id", host_id=self.host_id)

    def _probe_engine(self) -> tuple[bool, str]:
        return monitor.engine_is_up(self.values["fqdn"])

    def refresh(self, path: str) -> None:
        """Read the archive, and the VM's definition from the OVF store, else from vm.conf."""
        logger.info("Reloading vm.conf from the shared storage domain")
        members = archive.read(path)
        shared = configuration.parse(members["hosted-engine.conf"])
        configuration.check(shared)
        if shared["vmid"] != self.values["vmid"] or shared["sdUUID"] != self.values["sdUUID"]:
            raise configuration.ConfigurationError("the configuration disk is another deployment's")
        parameters, source = vm_conf.parse(members["vm.conf"]), "vm.conf"
        vm_conf.check(parameters, self.values["vmid"])
        if text := storage.find_ovf(self.values):
            try:
                parameters, source = ovf.parameters(text), "OVF_STORE"
                vm_conf.check(parameters, self.values["vmid"])
                logger.info("Got vm.conf from OVF_STORE")
            except (ovf.OvfError, vm_conf.VmConfError, ValueError) as err:
                logger.error("OVF of the engine VM can't be used: %s", err)
                parameters, source = vm_conf.parse(members["vm.conf"]), "vm.conf"
        else:
            logger.warning("Unable to find OVF_STORE, falling back to initial vm.conf")
        vm_conf.write(VM_CONF, parameters, source)
        self.parameters, self.conf_timestamp = parameters, int(time.monotonic())
        self.refreshed = time.monotonic()

    def look(self) -> states.View:
        """See the world."""
        self._notice(broker("get_stats")["hosts"])
        stats = broker("get_stats")
        others = {int(key): facts for key, facts in stats["hosts"].items()}
        others.pop(self.host_id, None)
        vm_status = self._vm_status()
        local = configuration.in_local_maintenance()
        here = vm_status not in (None, MISSING, "Down")
        taken = self._penalties("LocalMaintenance" if local else self.state)
        return states.View(
            host_id=self.host_id,
            score=score.score(taken, "LocalMaintenance" if local else self.state),
            load_penalty=taken.get("cpu load", 0),
            vm_here=here,
            engine=self.engine.report(vm_status, bool(self.health.value[0])),
            healthy=here and bool(self.health.value[0]),
            others=others,
            global_maintenance=stats["global"].get("maintenance", False),
            local_maintenance=local,
            seconds=time.monotonic() - self.since,
        )

    def _vm_status(self) -> str | None:
        """Vdsm's status of the VM, ``missing`` where it knows none, None where it can't say."""
        try:
            return storage.vdsm("VM.getStats", vmID=self.values["vmid"])["status"]
        except RuntimeError as err:
            if "code=1," in str(err):
                return MISSING
            if "code=" not in str(err):
                raise
            logger.error("%s", err)
            return None

    def _penalties(self, state: str) -> dict[str, int]:
        memory = int(self.parameters["memSize"])
        if time.monotonic() - self.tried > score.FAILED_START_SECONDS:
            self.failed_starts = 0
        taken = score.penalties(self.monitors.measured(), state, memory, self.failed_starts)
        for reason, penalty in taken.items():
            logger.info("Penalizing score by %d due to %s", penalty, reason)
        return taken

    def _notice(self, hosts: dict[str, dict[str, Any]]) -> None:
        """Tell the broker which hosts' timestamps moved within the last minute."""
        now = time.monotonic()
        for key, facts in hosts.items():
            before = self.timestamps.get(int(key))
            if before not in (None, facts["host-ts"]):
                self.moved[int(key)] = now
            self.timestamps[int(key)] = facts["host-ts"]
        alive = [host_id for host_id, when in self.moved.items() if now - when < LIVE_SECONDS]
        broker("set_alive", hosts=alive)

    def publish(self, view: states.View) -> None:
        """Write this host's block."""
        broker("put_stats", facts={
            "host-id": self.host_id,
            "host-ts": int(time.monotonic()),
            "score": view.score,
            "engine-status": view.engine,
            "hostname": socket.getfqdn(),
            # One that stops publishes no maintenance.
            "maintenance": view.local_maintenance and self.state != STOPPED,
            "stopped": self.state == STOPPED,
            "conf_on_shared_storage": True,
            "local_conf_timestamp": self.conf_timestamp,
            "extra": self._extra(view),
        })  # fmt: skip

    def _extra(self, view: states.View) -> str:
        facts = {
            "metadata_parse_version": 1,
            "metadata_feature_version": 1,
            "timestamp": f"{int(time.monotonic())} ({time.asctime()})",
            "host-id": self.host_id,
            "score": view.score,
            "vm_conf_refresh_time": f"{self.conf_timestamp} ({time.asctime()})",
            "conf_on_shared_storage": True,
            "maintenance": view.local_maintenance and self.state != STOPPED,
            "state": self.state,
            "stopped": self.state == STOPPED,
        }
        return "".join(f"{key}={value}\n" for key, value in facts.items())

    def step(self) -> None:
        """One look, one state, what it asks for, and the news to the others."""
        view = self.look()
        state = states.next_state(self.state, view)
        entered = state != self.state
        if entered:
            logger.info("State transition: %s -> %s", self.state, state)
            self._notify(f"{self.state}-{state}")
            self.state, self.since = state, time.monotonic()
        logger.info("Current state %s (score: %s)", state, view.score)
        # Straight before: whoever cleans a host's metadata gives the id back meanwhile.
        self._lock_host_id()
        self.publish(view)
        if state == "EngineStart":
            self._start_vm()
        elif state == "EngineStop" and entered:
            self._vdsm("VM.shutdown")
        elif state == "EngineForceStop":
            self._vdsm("VM.destroy")
        if not view.vm_here and time.monotonic() - self.refreshed > REFRESH_SECONDS:
            self.refresh(broker("get_paths")["conf"])

    def _notify(self, event: str) -> None:
        try:
            broker("notify", event=event, hostname=socket.gethostname())
        except (OSError, rpc.RemoteError) as err:
            logger.warning("Could not send notification %s, ignoring that: %s", event, err)

    def _start_vm(self) -> None:
        logger.info("Starting vm using `/usr/sbin/hosted-engine --vm-start`")
        try:
            self.refresh(broker("get_paths")["conf"])
            parameters = vm_conf.for_vdsm(self.parameters)
            storage.vdsm("VM.create", vmID=self.values["vmid"], vmParams=parameters)
            logger.info("Engine VM started on localhost")
            self.failed_starts = 0
        except FATAL as err:
            logger.error("Failed to start the engine VM: %s", err)
            self.failed_starts += 1
        self.tried = time.monotonic()

    def _vdsm(self, verb: str) -> None:
        try:
            storage.vdsm(verb, vmID=self.values["vmid"])
        except RuntimeError as err:
            logger.error("%s", err)

    def leave(self) -> None:
        """Say that this agent stopped; its VM goes on."""
        self.state = STOPPED
        self.publish(self.look())
        broker("release_host_id")


def main(arguments: list[str]) -> int:
    """Watch until systemd says stop; 1 for what can't be worked with."""
    if arguments and arguments[0] == "--cleanup":
        return cleanup(arguments[1:])
    log.to_file("agent")
    logger.info("ovirt-hosted-engine-ha agent 2.5.2 started")
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    try:
        # In local maintenance nothing is published, and no host id taken, until the flag goes.
        while configuration.in_local_maintenance() and not ended:
            time.sleep(CYCLE_SECONDS)
        if ended:
            return 0
        agent = Agent()
        agent.start()
        while not ended:
            agent.step()
            time.sleep(CYCLE_SECONDS)
        agent.leave()
    except FATAL as err:
        logger.error("%s: %s", type(err).__name__, err)
        logger.error("Shutting down the agent because of previous errors")
        return 0 if ended else 1
    logger.info("Agent shutting down")
    return 0
