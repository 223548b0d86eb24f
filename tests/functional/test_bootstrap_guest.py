"""hosted_engine_guest: ssh's answers by the test, the health page by the engine simulator."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command, wait
from ovirt_he.guest import channel
from ovirt_he.guest.files import KEYFILE, MARKER
from ovirt_he.guest.network import FINAL_HOSTS
from salt.exceptions import CommandExecutionError

from functional.bootstrap_host import FQDN, Host

SET_UP, PREPARED = "hosted_engine_guest.set_up", "hosted_engine_guest.prepared"
PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
DISK = "6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f"
MODULES = {
    "hosted_engine_network": "def address():\n    return '192.0.2.10'\n",
    "hosted_engine_deployment": "def ids():\n    return {'disks': {'configuration': {'image': "
    f"'{DISK}'}}}}}}\n",
    "hosted_engine_bootstrap": """
import json, pathlib
FILE = pathlib.Path({vm!r})
def get(name):
    return json.loads(FILE.read_text())
def state(name):
    return get(name)["state"]
def fail(reason):
    FILE.write_text(json.dumps(get("") | {"failed": reason}))
""",
}


class Guest:
    """A guest that answers to ssh: what is asked, by the first words of the command."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host, self.asked = host, list[tuple[str, ...]]()
        self.answers: dict[str, Callable[..., tuple[int, str]]] = {}
        for name in ("known_hosts", "client_key", "disk.qcow2"):
            (host.directory / name).touch()
        self.vm = host.folder / "vm.json"
        self.put(state="running", setup="open")
        for name, text in MODULES.items():
            module = host.folder / "modules" / f"{name}.py"
            module.write_text(text.replace("{vm!r}", repr(str(self.vm))))
        self.listens = True
        monkeypatch.setattr(channel, "listens", lambda _: self.listens)
        monkeypatch.setattr(wait, "FIRST", 0.01)
        run = command.run

        def replaced(*arguments: str, **more: Any) -> Any:
            if arguments[0] != "ssh":
                return run(*arguments, **more)
            code, said = self._answer(arguments, more.get("stdin"))
            if code and more.get("check", True):
                raise command.CommandExecutionError(f"exit code {code}: {said}")
            return subprocess.CompletedProcess(arguments, code, said, "" if code == 0 else said)

        monkeypatch.setattr(command, "run", replaced)

    def put(self, **facts: Any) -> None:
        """What the bootstrap VM's module answers."""
        self.vm.write_text(json.dumps(facts))

    def _answer(self, arguments: tuple[str, ...], stdin: str | None) -> tuple[int, str]:
        self.asked.append(arguments)
        words = shlex.split(arguments[-1])
        for start, answer in self.answers.items():
            if " ".join(words).startswith(start):
                return answer(words, stdin)
        return 0, ""


@pytest.fixture
def guest(host, monkeypatch) -> Guest:
    host.pillar["timeouts"] = {"boot": 1, "setup": 1, "engine": 1}
    made = Guest(host, monkeypatch)
    host.with_pillar()
    return made


def says(code: int = 0, text: str = "") -> Callable[..., tuple[int, str]]:
    return lambda *_: (code, text)


@pytest.mark.feature("verified")
def test_ssh_is_verified_and_asks_nobody(guest):
    guest.host.minion("hosted_engine_guest.run", "echo", "a b; rm -rf /")

    (arguments,) = guest.asked
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    assert arguments[:3] == ("ssh", "-F", "none")
    assert options["StrictHostKeyChecking"] == options["BatchMode"] == "yes"
    assert options["UserKnownHostsFile"] == str(guest.host.directory / "known_hosts")
    assert arguments[-1] == "echo 'a b; rm -rf /'"


def test_rows_come_back_as_lists(guest):
    guest.answers[PSQL] = says(0, "hv1|1\nhv2|2\n")

    assert guest.host.minion("hosted_engine_guest.sql", "SELECT 1") == [["hv1", "1"], ["hv2", "2"]]


def test_what_a_statement_changed_isnt_a_row_though_a_row_may_look_like_it(guest):
    """psql itself leaves its tag out."""
    guest.answers[PSQL] = lambda words, _: (0, "UPDATE 1\n" if "-q" not in words else "")
    assert guest.host.minion("hosted_engine_guest.sql", "UPDATE x") == []

    guest.answers[PSQL] = says(0, "UPDATE 1 of the site\n")
    assert guest.host.minion("hosted_engine_guest.sql", "SELECT x") == [["UPDATE 1 of the site"]]


def failed(words: list[str], _: str | None) -> tuple[int, str]:
    """engine-setup failed: the look says so, the logs say why."""
    if "journalctl" in words[2]:
        return 0, "\x1b[31m[ERROR] Failed: password not-to-be-seen-admin is too short\x1b[0m\n"
    return 3, ""


def test_a_failed_setup_is_told_at_once_with_its_log(guest):
    guest.answers |= {f"test -e {MARKER}": says(1), "sh -c": failed}
    (guest.host.directory / "console.log").write_text("kernel: \x07out of memory\n")

    ret = guest.host.minion.state(SET_UP, FQDN)

    assert ret["result"] is False
    assert "[ERROR] Failed: password (hidden) is too short" in ret["comment"]
    assert "kernel: out of memory" in ret["comment"]
    assert "\x1b" not in ret["comment"]
    assert json.loads(guest.vm.read_text())["failed"] == "engine-setup: failed"


def test_a_guest_that_never_answers_is_given_up_and_may_still_go_on(guest):
    guest.listens = False

    ret = guest.host.minion.state(SET_UP, FQDN)

    assert ret["result"] is False
    assert "ssh of HostedEngineLocal" in ret["comment"]
    assert "not within 1 s" in ret["comment"]
    assert "failed" not in json.loads(guest.vm.read_text())


class Flaky:
    """ssh of a guest under load: fails as often as said, then answers."""

    def __init__(self, times: int, answer: Callable[..., tuple[int, str]], code: int = 255) -> None:
        self.times, self.answer, self.code = times, answer, code

    def __call__(self, words: list[str], stdin: str | None) -> tuple[int, str]:
        self.times -= 1
        if self.times >= 0:
            return self.code, "ssh: connect to host 192.0.2.10 port 22: Connection timed out"
        return self.answer(words, stdin)


@pytest.mark.parametrize("there", [True, False])
def test_a_look_without_an_answer_is_asked_again(guest, there):
    """After engine-setup a guest is busy: no connection says nothing about the marker."""
    guest.answers[f"test -e {MARKER}"] = Flaky(3, says(0 if there else 1))

    told = guest.host.minion("hosted_engine_guest.get")

    assert told["setup"] == ("done" if there else "open")


def test_a_port_that_does_not_answer_at_once_is_asked_again(guest, monkeypatch):
    ports = iter([False, False])
    monkeypatch.setattr(channel, "listens", lambda _: next(ports, True))

    assert guest.host.minion("hosted_engine_guest.get")["setup"] == "done"


@pytest.mark.parametrize("code", [255, 127])
def test_what_never_answers_is_unknown_with_its_reason_and_not_open(guest, code):
    guest.answers[f"test -e {MARKER}"] = Flaky(9999, says(0), code)

    told = guest.host.minion("hosted_engine_guest.get")

    assert told["setup"].startswith("unknown: ssh: connect to host")
    assert guest.host.minion("hosted_engine_gate.get")["gate"] == told["setup"]


def test_a_setup_is_recorded_though_looks_fail_in_between(guest, engine_pki):
    """The run goes on: the marker, the CA and the setting are read, each at a later try."""
    certificate = (engine_pki / "ca.pem").read_text()
    guest.answers |= {
        f"test -e {MARKER}": Flaky(2, says(0)),
        "cat /etc/pki/ovirt-engine/ca.pem": Flaky(1, says(0, certificate)),
        "otopi-config-query": Flaky(1, says(0, "True\n")),
    }

    guest.host.minion("hosted_engine_guest.complete")

    assert json.loads((guest.host.records / "setup.json").read_text())["keycloak"] is True


def test_a_watch_whose_looks_fail_goes_on(guest):
    def look(words: list[str], stdin: str | None) -> tuple[int, str]:
        return (0, "") if len(guest.asked) > 6 else (255, "Connection reset")

    guest.answers |= {f"test -e {MARKER}": says(1), "sh -c": look, "true": says(0)}

    guest.host.minion("hosted_engine_guest.wait_for_setup")

    assert "failed" not in json.loads(guest.vm.read_text())


def test_a_look_that_takes_too_long_is_no_answer_either(guest, monkeypatch):
    """command.run's own time-out: a slow guest's look isn't a failed run."""
    ssh, tries = command.run, iter(range(2))

    def slow(*arguments: str, **more: Any) -> Any:
        if arguments[0] == "ssh" and next(tries, None) is not None:
            raise command.CommandExecutionError("ssh …: timed out after 120 s")
        return ssh(*arguments, **more)

    monkeypatch.setattr(command, "run", slow)

    assert guest.host.minion("hosted_engine_guest.get")["setup"] == "done"


def test_a_setup_that_takes_too_long_may_still_go_on(guest):
    guest.answers |= {f"test -e {MARKER}": says(1), "sh -c": says(5)}

    ret = guest.host.minion.state(SET_UP, FQDN)

    assert "engine-setup in HostedEngineLocal" in ret["comment"]
    assert "Seen last: running" in ret["comment"]
    assert "failed" not in json.loads(guest.vm.read_text())


def test_a_vm_that_went_off_is_reported_as_failed(guest):
    def off(words: list[str], _: str | None) -> tuple[int, str]:
        if json.loads(guest.vm.read_text())["state"] == "running":
            guest.put(state="shutoff", setup="open")
        return 255, "Connection closed"

    guest.answers |= {f"test -e {MARKER}": says(1), "sh -c": off}

    ret = guest.host.minion.state(SET_UP, FQDN)

    assert ret["result"] is False
    assert "the VM is shutoff" in ret["comment"]
    assert json.loads(guest.vm.read_text())["failed"]


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_without_a_running_vm_it_isnt_time_yet(guest, test):
    guest.put(state="shutoff", setup="open")

    ret = guest.host.minion.state(SET_UP, FQDN, test=test)

    assert ret["result"] is (None if test else False)
    assert "doesn't run" in ret["comment"]


def test_a_setup_that_is_done_is_recorded_with_its_ca(guest, engine_pki):
    certificate = (engine_pki / "ca.pem").read_text()
    guest.answers["cat /etc/pki/ovirt-engine/ca.pem"] = says(0, certificate)
    guest.answers["otopi-config-query"] = says(0, "True\n")

    ret = guest.host.minion.state(SET_UP, FQDN, test=True)
    assert ret["result"] is None
    assert "hosted_engine_guest.complete" in ret["comment"]
    guest.host.minion("hosted_engine_guest.complete")

    kept = json.loads((guest.host.records / "setup.json").read_text())
    assert kept["keycloak"] is True
    assert kept["overlay"] == (guest.host.directory / "disk.qcow2").stat().st_ino
    shown = subprocess.check_output(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        stdin=(guest.host.records / "engine-ca.pem").open(),
        text=True,
    )
    assert kept["ca_sha256"] == shown.strip().partition("=")[2].replace(":", "").lower()


def test_without_the_marker_nothing_is_recorded(guest):
    guest.answers[f"test -e {MARKER}"] = says(1)

    with pytest.raises(Exception, match="exit code 1"):
        guest.host.minion("hosted_engine_guest.complete")

    assert not (guest.host.records / "setup.json").exists()


@pytest.fixture
def page(guest, engine, monkeypatch) -> Guest:
    """The guest's engine has its page up, and the hosts file says that it's here."""
    resolve = socket.getaddrinfo

    def resolved(name: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if name == engine.fqdn else name, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    guest.host.pillar["engine"] = {"fqdn": engine.fqdn, "port": engine.port}
    guest.host.with_pillar()
    guest.host.records.mkdir(exist_ok=True)
    guest.put(state="running", setup="complete")
    return guest


def trust(guest: Guest, certificate: Path) -> None:
    (guest.host.records / "engine-ca.pem").write_text(certificate.read_text())


def test_health_is_told_over_verified_tls(page, engine, engine_pki, monkeypatch):
    trust(page, engine_pki / "ca.pem")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    ret = page.host.minion.state(SET_UP, engine.fqdn)

    assert (ret["result"], ret["changes"]) == (True, {})


def test_a_foreign_certificate_is_no_health(page, engine, tmp_path):
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other"]
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "other.pem"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    trust(page, tmp_path / "other.pem")

    said = page.host.minion("hosted_engine_guest.health")

    assert "CERTIFICATE_VERIFY_FAILED" in said or "certificate verify failed" in said


def test_an_engine_that_is_down_is_told_by_its_url(page, engine, engine_pki):
    trust(page, engine_pki / "ca.pem")
    engine.stop()

    ret = page.host.minion.state(SET_UP, engine.fqdn)

    assert ret["result"] is False
    assert f"https://{engine.fqdn}:{engine.port}/ovirt-engine/services/health" in ret["comment"]


class Final:
    """What ``prepared`` looks at in the guest, and what ``prepare`` makes of it."""

    def __init__(self, guest: Guest) -> None:
        self.enabled, self.option = "disabled", "another"
        self.files: dict[str, str] = {}
        guest.answers |= {
            "systemctl is-enabled": lambda *_: (0, f"{self.enabled}\n"),
            "systemctl enable": self.enable,
            f"cat {KEYFILE}": self.read,
            f"cat {FINAL_HOSTS}": self.read,
            "install -m 0600 /dev/stdin": self.install,
            PSQL: self.sql,
        }

    def enable(self, *_: Any) -> tuple[int, str]:
        self.enabled = "enabled"
        return 0, ""

    def install(self, words: list[str], stdin: str | None) -> tuple[int, str]:
        self.files[words[-1]] = stdin or ""
        return 0, ""

    def read(self, words: list[str], _: str | None) -> tuple[int, str]:
        there = self.files.get(words[-1])
        return (0, there) if there is not None else (1, "")

    def sql(self, words: list[str], _: str | None) -> tuple[int, str]:
        statement = words[-1]
        if statement.startswith("UPDATE"):
            self.option = statement.split("'")[1]
            return 0, "" if "-q" in words else "UPDATE 1\n"
        return 0, f"{self.option}\n" if self.option else ""


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_the_guest_is_prepared_once(guest, test):
    final = Final(guest)

    ret = guest.host.minion.state(PREPARED, FQDN, test=test)

    if test:
        assert (ret["result"], final.enabled, final.option) == (None, "disabled", "another")
        return
    assert ret["result"] is True, ret
    assert (final.enabled, final.option) == ("enabled", DISK)
    assert "method=auto" in final.files[KEYFILE]
    assert guest.host.minion.state(PREPARED, FQDN)["changes"] == {}


def test_an_id_that_would_be_sql_is_refused_before_anything_is_written(guest):
    final = Final(guest)

    with pytest.raises(CommandExecutionError, match="isn't the id of an image"):
        guest.host.minion("hosted_engine_guest.prepare", "x' OR option_name='FenceQuietTime")

    assert (final.files, final.enabled, final.option) == ({}, "disabled", "another")


def test_a_guest_that_does_not_answer_is_not_taken_for_unprepared(guest):
    """What can't be read isn't outdated: nothing is written into the guest."""
    final = Final(guest)
    guest.host.minion.state(PREPARED, FQDN)
    for start in ("systemctl is-enabled", f"cat {KEYFILE}", PSQL):
        kept = guest.answers[start]
        guest.answers[start] = Flaky(9999, says(0))

        ret = guest.host.minion.state(PREPARED, FQDN)

        assert ret["result"] is False
        assert ret["changes"] == {}
        assert "no answer: ssh: connect to host" in ret["comment"]
        guest.answers[start] = Flaky(1, kept)

    assert guest.host.minion.state(PREPARED, FQDN)["changes"] == {}
    assert final.option == DISK


@pytest.mark.feature("hosts_entries")
def test_another_network_s_files_are_replaced(guest):
    final = Final(guest)
    guest.host.minion.state(PREPARED, FQDN)
    vm = {"address": "192.0.2.10/24", "hosts_entries": True}

    ret = guest.host.with_pillar(vm=vm).state(PREPARED, FQDN)

    assert ret["changes"]["network"] == {"old": "outdated", "new": "final"}
    assert "address1=192.0.2.10/24" in final.files[KEYFILE]
    assert final.files[FINAL_HOSTS].startswith("192.0.2.10 engine.example.com engine\n")


def test_an_engine_without_the_option_is_prepared_too(guest):
    final = Final(guest)
    final.option = ""

    assert guest.host.minion.state(PREPARED, FQDN)["result"] is True


def test_a_deployed_host_is_left_alone(guest):
    Final(guest)
    guest.host.deploy()

    ret = guest.host.minion.state(PREPARED, FQDN)

    assert ret["result"] is False
    assert "deployed hosted engine" in ret["comment"]
