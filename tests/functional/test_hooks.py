"""Hooks, pauses and the gate: each once, told by what they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functional.shell_guest import guest
from functional.ssh_guest import Flaky, Guest, says

__all__ = ["guest"]
pytestmark = pytest.mark.usefixtures("hypervisor")

RAN, PASSED = "hosted_engine_hook.ran", "hosted_engine_pause.passed"
SECRET = "not-to-be-seen-admin"


def hooks(guest: Guest, **moments: list[str]) -> None:
    """A run whose pillar names these hooks; Salt serves them from the site's files."""
    files = guest.host.with_pillar(hooks=moments).directory / "files" / "site"
    files.mkdir()
    (files / "good.sh").write_text("#!/bin/sh\necho ran >> log\ncat >> log\n")
    (files / "bad.sh").write_text(
        f"#!/bin/sh\nprintf '\\033[31m{SECRET} is wrong\\033[0m\\n'\nexit 9\n"
    )
    log = guest.root / "log"  # type: ignore[attr-defined]
    state = {"Hook": {"cmd.run": [{"name": f"echo sls >> {log}"}]}}
    (files / "good.sls").write_text("#!json\n" + json.dumps(state))
    state = {"Hook": {"cmd.run": [{"name": f"echo {SECRET}; exit 3"}]}}
    (files / "bad.sls").write_text("#!json\n" + json.dumps(state))
    (files / "broken.sls").write_text("{{ nothing.there }}")


def log(guest: Guest) -> str:
    path: Path = guest.root / "log"  # type: ignore[attr-defined]
    return path.read_text() if path.exists() else ""


ITEMS = {
    "command": ("guest_after_setup", "echo ran >> log"),
    "script": ("guest_after_host", "salt://site/good.sh"),
    "sls": ("host_after_host", "site.good"),
}


@pytest.mark.feature("hooks", "hooks_once")
@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_hook_runs_once(guest, kind, test):
    moment, item = ITEMS[kind]
    hooks(guest, **{moment: [item]})

    ret = guest.host.minion.state(RAN, moment, test=test)

    assert ret["changes"][item] == {"old": "due", "new": "done"}
    if test:
        assert (ret["result"], log(guest)) == (None, "")
        return
    assert ret["result"] is True, ret
    assert log(guest) in ("ran\n", "sls\n")
    again = guest.host.minion.state(RAN, moment)
    assert (again["result"], again["changes"]) == (True, {})
    assert log(guest).count("\n") == 1
    left = list((guest.root / "root").iterdir())
    assert left == [], "a script is removed"


BAD = {
    "command": ("guest_after_setup", f"echo {SECRET} is wrong; exit 9", "exit code 9"),
    "script": ("guest_after_host", "salt://site/bad.sh", "exit code 9"),
    "missing": ("guest_after_host", "salt://site/none.sh", "the file server has no"),
    "sls": ("host_after_host", "site.bad", "states of it failed"),
    "broken": ("host_after_host", "site.broken", "it can't be applied"),
}


@pytest.mark.feature("hooks_once")
@pytest.mark.parametrize("kind", BAD)
def test_a_hook_that_fails_stops_with_its_output_and_is_the_next_runs_first(guest, kind):
    moment, item, what = BAD[kind]
    first = "site.good" if moment.startswith("host_") else "echo first >> log"
    hooks(guest, **{moment: [first, item, "true"]})

    ret = guest.host.minion.state(RAN, moment)

    assert ret["result"] is False
    assert item in ret["comment"].replace("(hidden)", SECRET)
    assert what in ret["comment"]
    assert "\x1b" not in ret["comment"]
    if kind in ("command", "script"):
        assert "(hidden) is wrong" in ret["comment"]
    assert ret["changes"][first] == {"old": "due", "new": "done"}
    assert guest.host.minion("hosted_engine_hook.get", moment)[item] == "due"
    assert guest.host.minion.state(RAN, moment)["result"] is False
    assert log(guest).count("\n") == 1, "what ran isn't run again"


def test_a_guest_that_is_built_anew_gets_its_hooks_again(guest):
    hooks(guest, guest_after_setup=["echo ran >> log"], host_after_setup=["site.good"])
    for moment in ("guest_after_setup", "host_after_setup"):
        assert guest.host.minion.state(RAN, moment)["result"] is True

    # As hosted_engine_bootstrap.make_overlay does.
    (guest.host.records / "hooks-guest.json").unlink()

    assert guest.host.minion.state(RAN, "guest_after_setup")["changes"]
    assert guest.host.minion.state(RAN, "host_after_setup")["changes"] == {}


def test_after_the_deployment_they_are_due_until_its_last_record_is_gone(guest):
    hooks(guest, host_after_deployment=["site.good"])
    guest.host.complete()
    guest.host.deploy()

    assert guest.host.minion.state(RAN, "host_after_deployment")["changes"]
    (guest.host.records / "setup.json").unlink()
    (guest.host.records / "hooks-host.json").unlink()

    over = guest.host.minion.state(RAN, "host_after_deployment")
    assert (over["result"], over["changes"], log(guest)) == (True, {}, "sls\n")
    with pytest.raises(Exception, match="is over"):
        guest.host.minion("hosted_engine_hook.run", "host_after_deployment", "site.good")


def test_before_setup_is_too_late_once_setup_began(guest):
    hooks(guest, guest_before_setup=["echo ran >> log"])

    ret = guest.host.minion.state(RAN, "guest_before_setup")

    assert ret["result"] is False
    assert "too late, engine-setup has begun" in ret["comment"]
    assert log(guest) == ""


def test_before_setup_nothing_runs_while_it_is_not_known_whether_it_began(guest):
    hooks(guest, guest_before_setup=["echo ran >> log"])
    guest.put(state="running", setup="open")
    guest.answers = {"test -e": Flaky(9999, says(0))} | guest.answers

    ret = guest.host.minion.state(RAN, "guest_before_setup")

    assert ret["result"] is False
    assert "isn't known: unknown: ssh: connect to host" in ret["comment"]
    assert log(guest) == ""


@pytest.mark.feature("pauses")
def test_a_pause_holds_one_run_up(guest):
    minion = guest.host.minion

    dry = minion.state(PASSED, "handover", test=True)
    held = minion.state(PASSED, "handover")
    after = minion.state(PASSED, "handover")

    assert dry["result"] is None
    assert held["result"] is False
    assert "PAUSE, no failure" in held["comment"]
    assert "apply the same again" in held["comment"]
    assert (after["result"], after["changes"]) == (True, {})
    assert minion.state(PASSED, "ha")["result"] is False, "each phase has its own"


@pytest.mark.feature("pauses")
def test_what_requires_a_pause_waits_for_the_next_run(guest):
    minion = guest.host.minion
    sls: dict[str, Any] = {
        "Pause": {PASSED: [{"name": "engine"}]},
        "Later": {"test.nop": [{"require": [{"hosted_engine_pause": "Pause"}]}]},
    }
    (minion.directory / "files" / "paused.sls").write_text("#!json\n" + json.dumps(sls))

    assert [ret["result"] for ret in minion.apply("paused").values()] == [False, False]
    assert [ret["result"] for ret in minion.apply("paused").values()] == [True, True]


def test_a_deployed_host_has_no_pause(guest):
    guest.host.deploy()

    with pytest.raises(Exception, match="deployed hosted engine"):
        guest.host.minion("hosted_engine_pause.stop", "ha")

    assert not (guest.host.records / "pauses.json").exists()
