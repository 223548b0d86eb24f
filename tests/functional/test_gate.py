"""The gate before engine-setup: seen, waited for, opened, and never guessed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ovirt_he.guest.files import GATE

from functional.bootstrap_host import FQDN
from functional.shell_guest import guest
from functional.ssh_guest import Flaky, says

__all__ = ["guest"]
pytestmark = pytest.mark.usefixtures("hypervisor")


REACHED, OPENED = "hosted_engine_gate.reached", "hosted_engine_gate.opened"


@pytest.fixture
def gate(guest) -> Callable[[str], None]:
    """A guest before its setup; the unit's state is what is said."""
    guest.put(state="running", setup="open")
    guest.answers["test -e"] = says(1)

    def unit(state: str) -> None:
        program = guest.root / "bin" / "systemctl"
        program.write_text(f"#!/bin/sh\necho {state}\n")
        program.chmod(0o755)

    unit("activating")
    return unit


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_the_gate_opens_once_the_guest_waits_at_it(guest, gate, test):
    assert guest.host.minion.state(REACHED, FQDN)["result"] is True
    assert guest.host.minion("hosted_engine_gate.get") == {"gate": "waiting"}

    ret = guest.host.minion.state(OPENED, FQDN, test=test)

    opened = (guest.root / GATE.removeprefix("/var/lib/")).exists()
    assert (ret["result"], opened) == ((None, False) if test else (True, True))
    if not test:
        assert guest.host.minion.state(OPENED, FQDN)["changes"] == {}


def test_a_guest_that_never_waits_is_given_up(guest, gate):
    gate("inactive")
    # The guest's clock runs: a look of 30 s is over at once.
    clock = guest.root / "bin" / "date"
    clock.write_text("#!/bin/sh\necho x >> clock\necho $(($(wc -l < clock) * 60))\n")
    clock.chmod(0o755)
    (guest.host.directory / "console.log").write_text("cloud-init: what a mess\n")

    ret = guest.host.minion.state(REACHED, FQDN)

    assert ret["result"] is False
    assert "cloud-init hasn't finished" in ret["comment"]
    assert "what a mess" in ret["comment"]


def test_a_look_ends_though_the_guests_clock_goes_back(guest, gate):
    """As chrony's first step may do at boot: rounds are counted as well."""
    gate("inactive")
    (guest.root / "bin" / "sleep").write_text("#!/bin/sh\n")
    clock = guest.root / "bin" / "date"
    clock.write_text("#!/bin/sh\necho x >> clock\necho $((1000000 - $(wc -l < clock) * 86400))\n")
    for program in ("sleep", "date"):
        (guest.root / "bin" / program).chmod(0o755)

    ret = guest.host.minion.state(REACHED, FQDN)

    assert ret["result"] is False
    assert "cloud-init hasn't finished" in ret["comment"]
    assert (guest.root / "clock").read_text().count("x") < 300


@pytest.mark.parametrize("failing", ["test -e", "sh -c"])
def test_a_look_at_the_gate_without_an_answer_is_asked_again(guest, gate, failing):
    guest.answers[failing] = Flaky(2, guest.answers.get(failing, says(1)))

    assert guest.host.minion("hosted_engine_gate.get") == {"gate": "waiting"}


@pytest.mark.parametrize("failing", ["test -e", "sh -c"])
def test_a_gate_that_cannot_be_seen_is_neither_open_nor_opened(guest, gate, failing):
    guest.answers[failing] = Flaky(9999, says(0))

    told = guest.host.minion("hosted_engine_gate.get")["gate"]

    assert told.startswith("unknown: ssh: connect to host")


def test_a_guest_that_is_off_is_reported_as_failed(guest, gate):
    gate("inactive")
    guest.listens = False
    look = guest.host.minion.functions["hosted_engine_gate.wait"]
    guest.put(state="shutoff", setup="open")

    with pytest.raises(Exception, match="the VM is shutoff"):
        look()
