"""hosted_engine_guest.prepared: what the guest gets before its disk goes to the shared storage."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.guest.files import KEYFILE
from ovirt_he.guest.network import FINAL_HOSTS
from salt.exceptions import CommandExecutionError

from functional.bootstrap_host import FQDN
from functional.ssh_guest import DISK, PREPARED, PSQL, Flaky, Guest, guest, says

__all__ = ["guest"]


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
