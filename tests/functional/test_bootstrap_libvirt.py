"""hosted_engine_libvirt and the way to libvirt: systemctl's answers by the test, errors by code."""

from __future__ import annotations

import socket
import subprocess
from typing import Any

import libvirt
import pytest
from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.host import hypervisor as libvirt_host
from salt.exceptions import CommandExecutionError

MONOLITHIC, REACHABLE = "hosted_engine_libvirt.monolithic", "hosted_engine_libvirt.reachable"
SETTINGS = {"host": {"address": "node1.example.com"}}


class Systemd:
    """Units and their states; masking is all that a test asks of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.units = {
            "virtqemud.service": "disabled",
            "virtqemud-ro.socket": "enabled",
            "virtproxyd-tls.socket": "disabled",
            "virtnetworkd.socket": "masked",
            "virtlogd.service": "enabled",
            "virtlockd.socket": "enabled",
            "virt-guest-shutdown.target": "static",
        }
        self.asked: list[tuple[str, ...]] = []
        self.broken: tuple[str, ...] = ()
        run = command.run

        def systemctl(*arguments: str, **more: Any) -> Any:
            if arguments[0] != "systemctl":
                return run(*arguments, **more)
            said = self.answer(arguments[1:])
            return subprocess.CompletedProcess(arguments, 0, said, "")

        monkeypatch.setattr(command, "run", systemctl)

    def answer(self, arguments: tuple[str, ...]) -> str:
        self.asked.append(arguments)
        if self.broken and arguments[: len(self.broken)] == self.broken:
            raise CommandExecutionError("systemctl: no")
        if arguments[0] == "mask":
            self.units |= dict.fromkeys(arguments[2:], "masked")
        return "".join(f"{unit} {state} enabled\n" for unit, state in self.units.items())


@pytest.fixture
def systemd(host, monkeypatch) -> Systemd:
    return Systemd(monkeypatch)


def test_the_modular_daemons_are_masked_and_no_others(host, hypervisor, systemd):
    tested = host.minion.state(MONOLITHIC, "libvirtd", test=True)
    assert tested["result"] is None
    assert systemd.units["virtqemud.service"] == "disabled"

    ret = host.minion.state(MONOLITHIC, "libvirtd")

    assert ret["result"] is True, ret
    masked = {unit for unit, state in systemd.units.items() if state == "masked"}
    assert masked == {
        "virtqemud.service",
        "virtqemud-ro.socket",
        "virtproxyd-tls.socket",
        "virtnetworkd.socket",
    }
    assert host.minion.state(MONOLITHIC, "libvirtd")["changes"] == {}


def test_a_login_without_a_tls_port_is_got_past(host, systemd, monkeypatch):
    systemd.units = {}
    monkeypatch.setattr(socket, "create_connection", Closed(systemd))

    def open_(uri: str) -> Any:
        if "tls" not in uri:
            raise error(45)
        if ("enable", "--now", "libvirtd-tls.socket") not in systemd.asked:
            raise error(38)
        return libvirt.openReadOnly("test:///default")

    monkeypatch.setattr(libvirt, "open", open_)

    ret = host.minion.state(MONOLITHIC, "libvirtd")

    assert ret["changes"]["answers"] == {"old": "login wanted", "new": True}
    assert ret["changes"]["done"] == ["hosted_engine_libvirt.enable_tls"]


def test_an_answer_on_the_tls_port_is_enough(host, systemd, monkeypatch):
    monkeypatch.setattr(libvirt, "open", lambda uri: libvirt.openReadOnly("test:///default"))
    monkeypatch.setattr(socket, "create_connection", lambda *_: socket.socket())

    ret = host.minion.state(REACHABLE, "127.0.0.1")

    assert (ret["result"], ret["changes"], systemd.asked) == (True, {}, [])


class Closed:
    """A TLS port that opens once its socket unit is started."""

    def __init__(self, systemd: Systemd) -> None:
        self.systemd = systemd

    def __call__(self, *_: Any) -> socket.socket:
        if ("enable", "--now", "libvirtd-tls.socket") in self.systemd.asked:
            return socket.socket()
        raise ConnectionRefusedError


def test_a_closed_port_is_opened_in_the_right_order(host, systemd, monkeypatch):
    monkeypatch.setattr(libvirt, "open", lambda uri: libvirt.openReadOnly("test:///default"))
    monkeypatch.setattr(socket, "create_connection", Closed(systemd))
    host.deploy()

    tested = host.minion.state(REACHABLE, "127.0.0.1", test=True)
    assert (tested["result"], systemd.asked) == (None, [])
    ret = host.minion.state(REACHABLE, "127.0.0.1")

    assert ret["changes"]["tls"] == {"old": False, "new": True}
    sockets = ("libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket")
    assert systemd.asked == [
        ("stop", *sockets, "libvirtd.service"),
        ("enable", "--now", "libvirtd-tls.socket"),
        ("start", "libvirtd.service"),
    ]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("deployed", [True, False])
def test_the_engine_is_waited_for_after_vdsm_s_restart(host, systemd, monkeypatch, wait, deployed):
    """vdsm restarts with libvirtd, and the engine takes nothing of a host that it finds down."""
    seen: list[tuple[str, tuple[str, ...]]] = []
    salt = {
        "hosted_engine.deployed": lambda: deployed,
        "ovirt_host.wait": lambda name: seen.append((name, systemd.asked[-1])),
    }
    verb = host.minion.functions["hosted_engine_libvirt.enable_tls"]
    monkeypatch.setitem(verb.__globals__, "__salt__", salt)

    verb("127.0.0.1", wait)

    started = ("start", "libvirtd.service")
    name = host.minion("hosted_engine.settings")["host"]["name"]
    assert seen == ([(name, started)] if wait and not deployed else [])


def test_libvirtd_is_started_again_whatever_fails(host, systemd, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", Closed(systemd))
    systemd.broken = ("enable",)

    ret = host.minion.state(REACHABLE, "127.0.0.1")

    assert ret["result"] is False
    assert systemd.asked[-1] == ("start", "libvirtd.service")


def error(code: int) -> libvirt.libvirtError:
    made = libvirt.libvirtError("tried")
    made.err = (code, 0, "as libvirt puts it", 2, None, None, None, 0, 0)
    return made


def test_a_port_that_refuses_us_is_told_and_nothing_is_restarted(
    host,
    systemd,
    monkeypatch,
):
    def refuse(uri: str) -> None:
        raise error(45)

    monkeypatch.setattr(libvirt, "open", refuse)
    monkeypatch.setattr(socket, "create_connection", lambda *_: socket.socket())

    ret = host.minion.state(REACHABLE, "127.0.0.1")

    assert ret["result"] is False
    assert "certificates" in ret["comment"]
    assert systemd.asked == []


class Daemon:
    """What ``libvirt.open`` does for each address, by error code; 0 is a connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **codes: int) -> None:
        self.opened: list[str] = []
        self.codes = codes
        monkeypatch.setattr(libvirt, "open", self.open)

    def open(self, uri: str) -> Any:
        self.opened.append(uri)
        if code := self.codes["tls" if "tls" in uri else "local"]:
            raise error(code)
        return libvirt.openReadOnly("test:///default")


def test_a_login_on_the_socket_leads_to_tls(monkeypatch):
    daemon = Daemon(monkeypatch, local=45, tls=0)

    with libvirt_host.libvirt(SETTINGS) as connection:
        assert connection.isAlive()

    assert daemon.opened == ["qemu:///system", "qemu+tls://node1.example.com/system"]


def test_reading_needs_no_login(monkeypatch):
    daemon = Daemon(monkeypatch, local=45, tls=38)
    monkeypatch.setattr(libvirt_host, "LOCAL", "test:///default")

    with libvirt_host.libvirt(SETTINGS, read_only=True) as connection:
        assert connection.isAlive()

    assert daemon.opened == []


def test_a_refusal_there_is_final(monkeypatch):
    daemon = Daemon(monkeypatch, local=45, tls=45)

    with (
        pytest.raises(CommandExecutionError, match="vdsm's certificates"),
        libvirt_host.libvirt(SETTINGS),
    ):
        pass

    assert len(daemon.opened) == 2


def test_a_daemon_that_is_down_isnt_there_yet(monkeypatch):
    daemon = Daemon(monkeypatch, local=38, tls=0)

    with (
        pytest.raises(NotYet, match="systemctl status libvirtd"),
        libvirt_host.libvirt(SETTINGS),
    ):
        pass

    assert daemon.opened == ["qemu:///system"]


def test_errors_in_the_block_become_ours_with_their_code(monkeypatch):
    Daemon(monkeypatch, local=0)

    with (
        pytest.raises(CommandExecutionError, match=r"code 42") as caught,
        libvirt_host.libvirt(SETTINGS) as connection,
    ):
        connection.lookupByName("nobody")

    assert isinstance(caught.value.__cause__, libvirt.libvirtError)
