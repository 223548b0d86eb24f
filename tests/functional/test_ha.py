"""HA's states with the real loader; its commands answer as hosted-engine and systemctl do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT
from ovirt_he.core import command, records, wait
from ovirt_he.core.errors import Unreachable
from ovirt_he.engine import connection
from ovirt_he.guest import address
from ovirt_he.ha import conf, modes, status
from salt.exceptions import CommandExecutionError
from unit.configured import DOMAIN, VM

from functional.storage_host import StorageHost, host, minions, wants_root

__all__ = ["host", "minions"]
pytestmark = wants_root
PACKAGES = ROOT / "tests" / "lab" / "packages"
SANLOCK = PACKAGES / "sanlock" / "root" / "usr"
PYTHONPATH = ":".join(
    str(PACKAGES / name / "root/usr/lib/python3/dist-packages") for name in ("sanlock", "vdsm")
)
LOCKSPACE, OFF = "hosted_engine_ha.lockspace_initialised", "hosted_engine_ha.maintenance_off"
HEALTHY, ENABLED = "hosted_engine_ha.healthy", "hosted_engine_ha.agent_enabled"
MAC = "00:16:3e:00:00:01"


class Ha:
    """What HA and systemd of a host do; ``polls`` looks until something is as it is wanted."""

    def __init__(self, host: StorageHost) -> None:
        self.host = host
        self.broker_answers = True
        self.maintenance = False
        self.locked = True
        self.agent = "disabled"
        self.health: dict[str, Any] | None = {"vm": "up", "health": "good", "detail": "Up"}
        self.page = ""
        self.neighbour = MAC
        self.ran: list[tuple[str, ...]] = []

    def read(self) -> dict[str, Any]:
        if not self.broker_answers:
            raise CommandExecutionError("HA doesn't tell its status: no broker.socket")
        engine = self.health or {}
        node = {
            "name": "node1",
            "id": 1,
            "alive": True,
            "maintenance": False,
            "stopped": False,
            **dict.fromkeys(("vm", "health")),
        }
        node |= {"detail": "", "reason": ""}
        return {"global_maintenance": self.maintenance, "hosts": {1: node | engine}}

    def run(self, *arguments: str, **options: Any) -> Any:
        self.ran.append(arguments)
        output = ""
        if arguments[:2] == ("systemctl", "is-enabled"):
            output = f"{self.agent}\n"
        elif arguments[:2] == ("systemctl", "enable"):
            self.agent = "enabled"
        elif arguments[:2] == ("systemctl", "restart"):
            self.broker_answers = True
            # The broker's RuntimeDirectory.
            shutil.rmtree(conf.RUN_VM_CONF.parent, ignore_errors=True)
        elif arguments[:2] == ("hosted-engine", "--set-maintenance"):
            self.maintenance = arguments[2] == "--mode=global"
        elif arguments[:2] == ("systemctl", "is-active"):
            output = "inactive\n"
        elif arguments[0] == "ip":
            output = f'[{{"dst": "192.0.2.77", "lladdr": "{self.neighbour}"}}]'
        elif arguments == ("sanlock", "client", "status"):
            output = "s hosted-engine:1:/lockspace:0\n" if self.locked else ""
        elif arguments[:2] == ("hosted-engine", "--set-shared-config"):
            flag, value = arguments[2:4]
            text = modes.HA_CONF.read_text()
            modes.HA_CONF.write_text(text.replace(f"{flag}=True", f"{flag}={value}"))
        elif "sanlock" in arguments:
            tail = arguments[arguments.index("sanlock") + 1 :]
            done = subprocess.run(
                [sys.executable, SANLOCK / "sbin" / "sanlock", *tail],
                env={"PYTHONPATH": PYTHONPATH},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode in options.get("codes", (0,)), done.stdout
            return done
        else:
            raise AssertionError(arguments)
        return subprocess.CompletedProcess(arguments, 0, output, "")


@pytest.fixture
def ha(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ha]:
    made = Ha(host)
    host.configure()
    records.write("setup", {"keycloak": False})

    def check_health(site: connection.Site) -> None:
        if made.page:
            raise Unreachable(made.page)

    monkeypatch.setattr(status, "read", made.read)
    monkeypatch.setattr(modes, "HA_CONF", host.folder / "ha.conf")
    monkeypatch.setattr(command, "run", made.run)
    monkeypatch.setattr(connection.Site, "_ca_file", lambda site: Path("/ca.pem"))
    monkeypatch.setattr(connection.Site, "check_health", check_health)
    monkeypatch.setattr(status, "LOGS", host.folder)
    monkeypatch.setattr(wait, "FIRST", 0.01)
    answers = [(0, 0, 0, "", ("192.0.2.10", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    yield made


def dumped(path: Path) -> str:
    env = {"PYTHONPATH": PYTHONPATH}
    space = f"hosted-engine:1:{str(path).replace(':', chr(92) + ':')}:0"
    read = [sys.executable, SANLOCK / "sbin" / "sanlock", "direct", "read_leader", "-s", space]
    return subprocess.run(read, env=env, capture_output=True, text=True, check=False).stdout


def test_the_lockspace_is_made_once(ha: Ha) -> None:
    ha.health = None
    assert ha.host.state(LOCKSPACE, test=True)["result"] is None
    assert "read_leader done -" in dumped(ha.host.disk("lockspace"))

    ret = ha.host.state(LOCKSPACE)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["lockspace"] == {"old": None, "new": "hosted-engine"}
    assert "space_name hosted-engine\n" in dumped(ha.host.disk("lockspace"))
    again = ha.host.state(LOCKSPACE)
    assert (again["result"], again["changes"]) == (True, {})


def test_the_lockspace_on_storage_of_4096_byte_sectors(ha: Ha, tmp_path: Path) -> None:
    """sanlock takes a file for one of 512-byte sectors unless it's told: "init done -22"."""
    ha.health = None
    lockspace, image = ha.host.disk("lockspace"), tmp_path / "image"
    image.touch()
    os.truncate(image, 64 * 1024**2)
    losetup = ["losetup", "--find", "--show", "--sector-size", "4096", image]
    device = subprocess.run(losetup, capture_output=True, text=True, check=True).stdout.strip()
    try:
        subprocess.run(["mkfs.ext4", "-q", "-b", "4096", device], check=True)
        subprocess.run(["mount", device, lockspace.parent], check=True)
        # Written: what reads as a hole is never asked of the device.
        lockspace.write_bytes(b"x" * 8 * 1024**2)
        os.sync()
        for path in (lockspace.parent, lockspace):
            os.chown(path, 36, 36)

        ret = ha.host.state(LOCKSPACE)

        assert ret["result"] is True, ret["comment"]
        # The leader record's sector size, at 12.
        assert int.from_bytes(lockspace.read_bytes()[12:16], "little") == 4096
        again = ha.host.state(LOCKSPACE)
        assert (again["result"], again["changes"]) == (True, {})
    finally:
        subprocess.run(["umount", lockspace.parent], check=False)
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_lockspace_of_another_name_is_made_anew(ha: Ha) -> None:
    ha.health = None
    ha.host.state(LOCKSPACE)
    with ha.host.disk("lockspace").open("r+b") as disk:
        disk.seek(56)
        disk.write(b"other\0\0\0\0\0\0\0\0")

    ret = ha.host.state(LOCKSPACE)

    assert ret["changes"]["lockspace"] == {"old": "other", "new": "hosted-engine"}


def test_a_lockspace_disk_that_is_too_small_is_refused(ha: Ha) -> None:
    os.truncate(ha.host.disk("lockspace"), 8192)

    ret = ha.host.state(LOCKSPACE)

    assert ret["result"] is False
    assert "has 8192 bytes, a lockspace takes 1048576" in ret["comment"]
    assert not any(ha.host.start("lockspace"))


def test_a_broker_that_failed_its_start_is_restarted_once(ha: Ha) -> None:
    ha.broker_answers, ha.maintenance = False, True
    conf.RUN_VM_CONF.parent.mkdir()
    conf.RUN_VM_CONF.write_text(f"vmId={VM}\n")

    ret = ha.host.state(OFF)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == [
        "hosted_engine_ha.restart_broker",
        "hosted_engine_ha.set_maintenance",
    ]
    assert ha.maintenance is False
    assert conf.RUN_VM_CONF.read_text() == f"vmId={VM}\n", "it goes with the broker's directory"
    again = ha.host.state(OFF)
    assert (again["result"], again["changes"]) == (True, {})


def test_vm_conf_that_went_with_a_failed_broker_is_made_again(ha: Ha) -> None:
    """systemd takes the broker's directory below /run away when it fails: no status without it."""
    ha.broker_answers = False

    assert ha.host.state(OFF)["result"] is True

    assert f"vmId={VM}\n" in conf.RUN_VM_CONF.read_text()
    assert conf.RUN_VM_CONF.stat().st_uid == conf.RUN_VM_CONF.parent.stat().st_uid == 36


def test_local_maintenance_of_earlier_days_is_ended_before_the_agent_starts(ha: Ha) -> None:
    """An agent that finds it in ha.conf waits for ever, and the engine never comes up."""
    modes.HA_CONF.write_text("local_maintenance=True\nlocal_maintenance_manual=True\n")
    ha.locked = False

    ret = ha.host.state(OFF)

    assert ret["changes"].get("local_maintenance") == {"old": True, "new": False}, ret["comment"]


def test_enabling_the_agent_doesnt_start_it(ha: Ha) -> None:
    assert ha.host.state(ENABLED, test=True)["result"] is None
    assert ha.agent == "disabled"

    ret = ha.host.state(ENABLED)

    assert ret["changes"]["agent"] == {"old": "disabled", "new": "enabled"}
    assert ("systemctl", "enable", "ovirt-ha-agent.service") in ha.ran
    assert ha.host.state(ENABLED)["changes"] == {}


def test_health_is_waited_for_and_recorded(ha: Ha, monkeypatch: pytest.MonkeyPatch) -> None:
    ha.page = "no route to host"
    left = iter(range(3))

    def look(self: Any = None) -> dict[str, Any]:
        if next(left, None) is None:
            ha.page = ""
        return ha.read()

    monkeypatch.setattr(status, "read", look)

    ret = ha.host.state(HEALTHY)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == [
        "hosted_engine_ha.wait_for_health",
        "hosted_engine_ha.record_deployment",
    ]
    assert records.read("deployment") == {
        "fqdn": "engine.example.com", "vm_id": VM, "storage_domain": DOMAIN, "host_id": 1,
        "healthy": True,
    }  # fmt: skip
    again = ha.host.state(HEALTHY)
    assert (again["result"], again["changes"]) == (True, {})


def test_bad_health_is_explained(ha: Ha, monkeypatch: pytest.MonkeyPatch) -> None:
    ha.health = {"vm": "up", "health": "bad", "detail": "Up", "reason": "failed liveliness check"}
    ha.page = "The engine doesn't answer at https://engine.example.com"
    (ha.host.folder / "agent.log").write_text("old\n" * 9 + "\x1b[31mlast words\x1b[0m\n")
    neighbour = {**ha.host.settings["vm"], "mac": MAC}
    monkeypatch.setitem(ha.host.settings, "vm", neighbour)

    assert "resolves to 192.0.2.10, but the VM" in address.compared(ha.host.settings)[1]
    assert "has 192.0.2.77: correct the name in DNS" in address.compared(ha.host.settings)[1]
    tail = status.logs(ha.host.settings)
    assert tail.endswith("\nold\nlast words")
    assert tail.count("old") == 5
    assert ha.host.state(HEALTHY, test=True)["result"] is None
    ret = ha.host.state(HEALTHY)
    assert (ret["result"], ret["changes"].get("health")) == (False, None)
    for told in ("failed liveliness check", "engine.example.com resolves to", "last words"):
        assert told in ret["comment"]


@pytest.mark.feature("dhcp")
def test_a_healthy_engine_at_another_address_than_its_name_s_is_told(ha: Ha) -> None:
    ha.neighbour = str(ha.host.settings["vm"]["mac"])

    for test in (True, False):
        ret = ha.host.state(HEALTHY, test=test)
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "resolves to 192.0.2.10, but the VM" in ret["comment"]
        assert "has 192.0.2.77: correct the name in DNS" in ret["comment"]
    assert records.read("deployment") is None


def test_global_maintenance_of_an_engine_that_is_down_is_told(ha: Ha) -> None:
    ha.maintenance, ha.health, ha.page = True, {"vm": "down", "health": "bad"}, "refused"

    ret = ha.host.state(HEALTHY)

    assert (ret["result"], ret["changes"]) == (True, {})
    assert "--set-maintenance --mode=none" in ret["comment"]
    assert ha.maintenance is True, "an operator's intent"


def test_before_the_configuration_nothing_is_asked(host: StorageHost) -> None:
    for state in (LOCKSPACE, OFF, ENABLED, HEALTHY):
        ret = host.state(state, test=True)
        assert ret["result"] is None, ret
        assert host.state(state)["result"] is False


def test_global_maintenance_is_known_only_where_ha_answers(ha: Ha) -> None:
    def asked() -> Any:
        return ha.host.minions[False]("hosted_engine_ha.under_global_maintenance")

    assert asked() is False
    ha.maintenance = True
    assert asked() is True
    ha.broker_answers = False
    assert asked() is False
