"""Checks have names, and ``preflight:ignore`` lists those whose problems stop nothing."""

from __future__ import annotations

import pytest
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import join, registry
from salt.exceptions import CommandExecutionError


def faulty_memory(lab) -> None:
    lab.pillar["hosted_engine"]["vm"]["memory_mib"] = 999999


def ignoring(lab, *names: str):
    lab.pillar["hosted_engine"]["preflight"] = {"ignore": list(names)}
    return lab.host()


@pytest.fixture
def few_checks():
    """Those that need nothing but the lab's readings."""
    names = {"memory", "processors", "time_zone", "another_engine"}
    return [check for check in registry.OF_HOST if check.__name__ in names]


def test_a_problem_carries_its_check_s_name_and_shows_it(lab, few_checks):
    faulty_memory(lab)

    (told,), ignored = registry.examine(few_checks, lab.host())

    assert list(told) == ["key", "problem", "advice", "check"]
    assert told["check"] == "memory"
    assert "(check: memory)" in preflight.as_text([told])
    assert ignored == []


def test_an_ignored_problem_stops_nothing_and_is_not_dropped(lab, few_checks):
    faulty_memory(lab)
    lab.pillar["hosted_engine"]["vm"]["time_zone"] = "Mars/Olympus"

    stopping, ignored = registry.examine(few_checks, ignoring(lab, "memory"))

    assert [one["check"] for one in stopping] == ["time_zone"]
    assert [one["key"] for one in ignored] == ["hosted_engine:vm:memory_mib"]


def test_a_check_that_cannot_look_is_ignored_by_the_same_name(lab):
    def broken(_):
        raise CommandExecutionError("no such command")
        yield

    stopping, ignored = registry.examine([broken], ignoring(lab, "broken"))

    assert stopping == []
    assert "no such command" in ignored[0]["problem"]


def test_a_second_engine_is_never_ignored(lab, few_checks, tmp_path):
    (tmp_path / "ovirt-engine.service").touch()
    host = ignoring(lab, "another_engine")

    stopping, ignored = registry.examine(few_checks, host)

    assert [one["check"] for one in stopping] == ["another_engine"]
    assert ignored == []
    (told,) = registry.unknown_names(host)
    assert told["key"] == "hosted_engine:preflight:ignore:0"
    assert "can't be ignored" in told["problem"]


@pytest.mark.parametrize("name", ["memori", "pillar", "configuration_is_ours"])
def test_a_name_that_ignores_nothing_is_a_problem_of_the_pillar(lab, name):
    told = registry.of_pillar(lab.pillar, ignoring(lab, "memory", name))

    assert [one["key"] for one in told] == ["hosted_engine:preflight:ignore:1"]
    assert name in told[0]["problem"]


def test_problems_of_the_pillar_are_never_ignored(lab):
    lab.pillar["hosted_engine"]["vm"]["mac"] = "01:16:3e:00:00:01"

    (told,) = registry.of_pillar(lab.pillar, ignoring(lab))

    assert told["check"] == "pillar"


def test_names_are_unique_and_documented():
    every = {*registry.OF_HOST, *registry.ALWAYS, *join.CHECKS}
    names = [check.__name__ for check in every]

    assert len(set(names)) == len(names)
    assert all(check.__doc__ for check in every)
    assert set(names) >= registry.NEVER_IGNORED - {preflight.PILLAR}
