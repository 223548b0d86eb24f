"""What the module hosted_engine and its states say of a pillar and a host with problems."""

from __future__ import annotations

import re

import pytest
import salt.output
from minion import Minion
from ovirt_he.host import address_family
from ovirt_he.preflight import check, packages, registry

from functional.valid_pillar import minion, pillar

__all__ = ["minion"]


@pytest.mark.parametrize("test", [True, False])
def test_valid_and_fit_tell_all_at_once(tmp_path, monkeypatch, test):
    # A machine without DNS takes seconds to say that it doesn't know a name.
    monkeypatch.setattr(address_family, "addresses", lambda *_: [])
    monkeypatch.setattr(packages, "PROVIDERS", {"Debian": lambda _: {}})
    minion = Minion(tmp_path / "minion", pillar("faulty"))

    states = minion.apply("hosted_engine.preflight", test=test)

    valid = states["Hosted engine pillar is valid"]
    assert valid["result"] is False
    assert valid["changes"] == {}
    for key in ("engine:fqdn", "engine:prot", "storage:", "vm:memory_mib", "vm:mac", "vm:dns",
                "network:test", "secrets:admin_password", "secrets:pasword"):  # fmt: skip
        assert f"hosted_engine:{key}" in valid["comment"]
    fit = states["Host is ready for the hosted engine"]
    assert (fit["result"], fit["changes"]) == (False, {})
    assert "hosted_engine:host:address: node1.example.com doesn't resolve" in fit["comment"]
    assert "not-to-be-seen" not in repr(states)


@pytest.mark.parametrize("test", [True, False])
def test_what_is_ignored_by_name_stops_nothing_and_is_in_the_comment(tmp_path, monkeypatch, test):
    def found(_):
        yield check.problem("vm:memory_mib", "too little", "Free some")

    found.__name__ = "memory"
    monkeypatch.setattr(registry, "OF_HOST", [found])
    own = pillar("smallest")
    own["hosted_engine"]["preflight"] = {"ignore": ["memory"]}
    minion = Minion(tmp_path / "minion", own)

    for _ in range(2):
        fit = minion.apply("hosted_engine.preflight", test=test)[
            "Host is ready for the hosted engine"
        ]

        assert (fit["result"], fit["changes"]) == (True, {})
        assert (
            "hosted_engine:vm:memory_mib: too little. Free some (check: memory)" in fit["comment"]
        )
    assert minion("hosted_engine.preflight") == []
    (ignored,) = minion("hosted_engine.examined")["ignored"]
    assert ignored["check"] == "memory"


def test_preflight_s_exit_code_tells_a_problem_from_none(tmp_path, monkeypatch):
    """What ``salt-call --retcode-passthrough`` ends with is what a module leaves there."""
    found = [check.problem("vm:memory_mib", "too little", "Free some")]

    def memory(_):
        yield from found

    monkeypatch.setattr(registry, "OF_HOST", [memory])
    minion = Minion(tmp_path / "minion", pillar("smallest"))
    context = minion.functions.pack["__context__"]

    minion("hosted_engine.preflight")
    assert context.pop("retcode") == 1

    found.clear()
    minion("hosted_engine.preflight")
    assert not context.get("retcode")


def test_preflight_s_problems_are_in_the_order_in_which_they_are_read(tmp_path, monkeypatch):
    def found(_):
        yield check.problem("vm:memory_mib", "too little", "Free some")

    monkeypatch.setattr(registry, "OF_HOST", [found])
    minion = Minion(tmp_path / "minion", pillar("smallest"))
    problems = minion("hosted_engine.preflight")

    # Salt 3008's nested output sorts all keys; JSON and YAML keep the order.
    shown = salt.output.out_format({"local": problems}, "json", minion.opts)

    words = re.findall(r'"(\w+)":', shown)
    assert words == ["local", "key", "problem", "advice", "check"]


@pytest.mark.feature("answers")
@pytest.mark.feature("packages")
def test_contradictions_of_engine_and_guest_are_told_with_all_else(tmp_path):
    own = pillar("smallest")
    engine = own["hosted_engine"]["engine"]
    engine |= {"offline": True, "answers": {"OVESETUP_DB/password": "str:not-to-be-seen"}}
    own["hosted_engine"] |= {"vm": {"packages": ["vim"], "mac": "01:00:00:00:00:00"}}

    told = Minion(tmp_path / "minion", own)("hosted_engine.problems")

    keys = [one["key"].removeprefix("hosted_engine:") for one in told]
    assert keys.count("engine:answers:OVESETUP_DB/password") == 2
    assert set(keys) == {"engine:answers:OVESETUP_DB/password", "vm:packages", "vm:mac"}
    assert "not-to-be-seen" not in repr(told)


def test_a_valid_pillar_is(minion):
    state = minion.state("hosted_engine.valid", "Hosted engine pillar is valid")

    assert (state["result"], state["changes"]) == (True, {})


@pytest.mark.parametrize("name", ["smallest", "static", "guest"])
def test_each_valid_pillar_of_the_tests_has_no_problem(tmp_path, name):
    assert Minion(tmp_path / "minion", pillar(name))("hosted_engine.problems") == []
