"""The reconcile loop: given facts and verbs, what a state answers."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.core import state
from ovirt_he.core.errors import NotYet, Paused
from ovirt_he.core.text import Secret
from salt.exceptions import CommandExecutionError


class Thing:
    """An outside thing with two facts, and a verb for each that may fail."""

    def __init__(self, facts: dict[str, Any] | None = None) -> None:
        self.facts = facts
        self.calls: list[tuple[Any, ...]] = []
        self.broken: str | None = None
        self.unreadable = False

    def read(self) -> dict[str, Any] | None:
        if self.unreadable:
            raise CommandExecutionError("can't look")
        return dict(self.facts) if self.facts is not None else None

    def add(self, name: str) -> None:
        self._call("add", name)
        self.facts = {"there": True, "status": "down"}

    def start(self) -> None:
        self._call("start")
        assert self.facts is not None
        self.facts["status"] = "up"

    def remove(self) -> None:
        self._call("remove")
        self.facts = None

    def idle(self) -> None:
        self._call("idle")

    def _call(self, *call: Any) -> None:
        self.calls.append(call)
        if self.broken == call[0]:
            raise CommandExecutionError(f"{call[0]} failed")


WANTED = {"there": True, "status": "up"}


def step(now: dict[str, Any] | None, _: list[str]) -> tuple[Any, ...]:
    return ("thing.add", "one") if now is None else ("thing.start",)


def converge(
    thing: Thing, wanted: Any = WANTED, test: bool = False, step: Any = step, **more: Any
) -> Any:
    verbs = {f"thing.{verb}": getattr(thing, verb) for verb in ("add", "start", "remove", "idle")}
    goal = state.Goal(wanted, thing.read, step, **more)
    return state.converge("Thing", lambda: goal, test=test, run=verbs)


def test_two_verbs_bring_an_absent_thing_up():
    thing = Thing()

    ret = converge(thing)

    assert thing.calls == [("add", "one"), ("start",)]
    assert ret["result"] is True
    assert ret["changes"] == {
        "there": {"old": None, "new": True},
        "status": {"old": None, "new": "up"},
        "done": ["thing.add", "thing.start"],
    }


def test_a_half_done_start_goes_on_where_it_was():
    thing = Thing({"there": True, "status": "down"})

    ret = converge(thing)

    assert thing.calls == [("start",)]
    assert ret["changes"]["status"] == {"old": "down", "new": "up"}
    assert "there" not in ret["changes"]


def test_a_second_run_changes_nothing():
    thing = Thing()
    converge(thing)
    thing.calls.clear()

    ret = converge(thing)

    assert (ret["result"], ret["changes"], thing.calls) == (True, {}, [])


def test_test_mode_names_the_next_verb_and_calls_none():
    thing = Thing()

    ret = converge(thing, test=True)

    assert ret["result"] is None
    assert "thing.add" in ret["comment"]
    assert ret["changes"]["status"] == {"old": None, "new": "up"}
    assert thing.calls == []


def test_absence_is_a_wanted_state():
    thing = Thing(dict(WANTED))

    ret = converge(thing, wanted=None, step=("thing.remove",))

    assert ret["changes"] == {"exists": {"old": True, "new": False}, "done": ["thing.remove"]}
    assert converge(thing, wanted=None)["changes"] == {}


@pytest.mark.parametrize("test", [True, False])
def test_a_refusal_fails_in_test_mode_too(test):
    def refuse(*_):
        raise CommandExecutionError("it is another's: choose another name")

    ret = converge(Thing(), test=test, step=refuse)

    assert ret["result"] is False
    assert "choose another name" in ret["comment"]
    assert ret["changes"] == {}


def test_a_failing_verb_reports_what_was_changed_before():
    thing = Thing()
    thing.broken = "start"

    ret = converge(thing)

    assert ret["result"] is False
    assert "start failed" in ret["comment"]
    assert ret["changes"]["there"] == {"old": None, "new": True}
    assert ret["changes"]["status"] == {"old": None, "new": "down"}


def test_a_verb_that_does_not_help_is_stuck_and_not_repeated():
    thing = Thing({"there": True, "status": "down"})

    ret = converge(thing, step=("thing.idle",))

    assert ret["result"] is False
    assert thing.calls == [("idle",)]
    assert "still lacking" in ret["comment"]


def test_both_messages_are_kept_when_the_second_look_fails_too():
    thing = Thing()

    def break_down(_):
        thing.unreadable = True
        raise CommandExecutionError("the verb's own error")

    ret = state.converge(
        "Thing",
        lambda: state.Goal(WANTED, thing.read, ("thing.break", 1)),
        test=False,
        run={"thing.break": break_down},
    )

    assert "the verb's own error" in ret["comment"]
    assert "can't look" in ret["comment"]


def test_what_cannot_be_read_is_told_once():
    thing = Thing()
    thing.unreadable = True

    ret = converge(thing)

    assert ret["result"] is False
    assert ret["comment"].count("can't look") == 1


@pytest.mark.parametrize(("test", "result"), [(True, None), (False, False)])
def test_what_an_earlier_state_would_make_is_no_failure_in_test_mode(test, result):
    def wanted(_):
        raise NotYet("the engine isn't there yet")

    ret = converge(Thing(), wanted=wanted, test=test)

    assert ret["result"] is result
    assert "isn't there yet" in ret["comment"]


def test_an_operator_s_pause_is_said_and_not_failed():
    def wanted(_):
        raise Paused("global maintenance")

    ret = converge(Thing(), wanted=wanted)

    assert ret["result"] is True
    assert "global maintenance" in ret["comment"]


def test_secrets_take_part_but_are_never_shown():
    old, new = Secret("old"), Secret("hunter2")
    thing = Thing(WANTED | {"login": {"password": old}, "lines": ["a", old]})
    wanted = WANTED | {"login": {"password": new}, "lines": ["a", new]}

    ret = converge(thing, wanted=wanted, test=True)

    assert ret["changes"] == {
        "login": {"old": {"password": "(hidden)"}, "new": {"password": "(hidden)"}},
        "lines": {"old": ["a", "(hidden)"], "new": ["a", "(hidden)"]},
    }
    assert "hunter2" not in str(ret)


def test_a_step_knows_the_verbs_of_this_run():
    thing, seen = Thing(), []

    def remember(now, done):
        seen.append(list(done))
        return step(now, done)

    converge(thing, step=remember)

    assert seen == [[], ["thing.add"]]


def test_wanted_facts_may_depend_on_what_was_read_first():
    thing = Thing({"there": True, "status": "maintenance"})

    ret = converge(thing, wanted=lambda now: {"status": now["status"]})

    assert (ret["result"], ret["changes"]) == (True, {})


@pytest.mark.parametrize("status", ["up", "down"])
def test_a_remark_is_on_what_was_read_last_whatever_the_result(status):
    thing = Thing({"there": True, "status": "down"})
    thing.broken = None if status == "up" else "start"

    ret = converge(thing, remark=lambda now: f"seen {now['status']}")

    assert ret["comment"].splitlines()[1:] == [f"seen {status}"]
    assert ret["result"] is (status == "up")


def test_a_declaration_that_fails_is_a_failed_state():
    def declare():
        raise CommandExecutionError("deployment.json is broken")

    ret = state.converge("Thing", declare, test=False, run={})

    assert (ret["result"], ret["comment"]) == (False, "Thing: deployment.json is broken")


def test_programming_errors_are_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        converge(Thing(), step=lambda *_: 1 // 0)
