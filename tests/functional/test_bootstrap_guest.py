"""hosted_engine_guest: ssh's answers by the test, the health page by the engine simulator."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.guest import channel
from ovirt_he.guest.files import MARKER

from functional.bootstrap_host import FQDN
from functional.ssh_guest import PSQL, SET_UP, Flaky, guest, says

__all__ = ["guest"]


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
