"""hosted_engine_bootstrap with libvirt's test driver: the VM's end, and what is left of it."""

from __future__ import annotations

import libvirt
import pytest
from salt.exceptions import CommandExecutionError

from functional.bootstrap_vm import ABSENT, CLEARED, NAME, OFF, made, running, written

__all__ = ["made", "running"]


def test_off_is_an_orderly_shutdown_of_a_complete_one(made, running):
    refused = made.minion.state(OFF, NAME)
    assert refused["result"] is False
    assert running.isActive()
    made.complete()

    tested = made.minion.state(OFF, NAME, test=True)
    assert (tested["result"], running.isActive()) == (None, 1)
    ret = made.minion.state(OFF, NAME)

    assert ret["changes"]["state"] == {"old": "running", "new": "shutoff"}
    assert not running.isActive()
    assert made.minion.state(OFF, NAME)["changes"] == {}


def test_off_is_given_up_with_the_console_and_never_forced(made, running, monkeypatch):
    made.complete()
    made.with_pillar(timeouts={"shutdown": 1})
    (made.directory / "console.log").write_text("\x1b[31mA stop job is running\x1b[0m\n")
    monkeypatch.setattr(libvirt.virDomain, "shutdownFlags", lambda *_: 0)

    ret = made.minion.state(OFF, NAME)

    assert ret["result"] is False
    assert "A stop job is running" in ret["comment"]
    assert "\x1b" not in ret["comment"]
    assert running.isActive()


def test_absent_and_cleared_leave_nothing(made, running, hypervisor):
    for name in ("client_key", "client_key.pub", ".seed.iso.abc", "console.log", "console.log.0"):
        (made.directory / name).write_text("secret")

    assert made.minion.state(CLEARED, str(made.directory), test=True)["result"] is None
    gone = made.minion.state(ABSENT, NAME)
    cleared = made.minion.state(CLEARED, str(made.directory))

    assert gone["result"] is True
    assert cleared["result"] is True, cleared
    assert NAME not in [domain.name() for domain in hypervisor.listAllDomains()]
    assert not made.directory.exists()
    assert not (made.records / "bootstrap.json").exists()
    assert made.minion.state(ABSENT, NAME)["changes"] == {}
    assert made.minion.state(CLEARED, str(made.directory))["changes"] == {}


@pytest.mark.parametrize("verb", ["clear", "left"])
def test_no_directory_but_the_pillars_is_cleared(made, running, tmp_path, verb):
    """known_hosts is also the name of one of root's own files."""
    mine = tmp_path / ".ssh" / "known_hosts"
    mine.parent.mkdir()
    mine.write_text("mine")
    kept = written(made)

    with pytest.raises(CommandExecutionError, match="isn't bootstrap:directory"):
        made.minion(f"hosted_engine_bootstrap.{verb}", str(mine.parent))

    assert (mine.read_text(), written(made)) == ("mine", kept)


def test_what_isnt_ours_stays_in_the_directory_and_is_told(made, running):
    (made.directory / "photos").mkdir()

    ret = made.minion.state(CLEARED, str(made.directory))

    assert ret["result"] is False
    assert "photos" in ret["comment"]
    assert [path.name for path in made.directory.iterdir()] == ["photos"]
