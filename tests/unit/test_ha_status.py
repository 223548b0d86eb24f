"""All that ``hosted-engine --vm-status --json`` is known to print."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ovirt_he.ha import status as ha_status
from salt.exceptions import CommandExecutionError


def said(engine: Any, maintenance: bool = False, **host: Any) -> str:
    known = {
        "host-id": 1, "score": 3400, "hostname": "node1.example.com", "maintenance": False,
        "stopped": False, "live-data": True, "engine-status": engine, "crc32": "1", "extra": "x",
    }  # fmt: skip
    return json.dumps({"1": known | host, "global_maintenance": maintenance})


UP = {"vm": "up", "health": "good", "detail": "Up"}


@pytest.mark.parametrize("engine", [UP, json.dumps(UP)], ids=["object", "text in JSON"])
def test_a_healthy_engine(engine: Any) -> None:
    status = ha_status.parse(said(engine))

    assert ha_status.health(status) == "good"
    assert ha_status.running_on(status) == ["node1.example.com"]
    assert status["hosts"][1]["score"] == 3400


@pytest.mark.parametrize("engine", [None, "null", "not JSON", 5])
def test_an_unknown_engine_isnt_healthy(engine: Any) -> None:
    status = ha_status.parse(said(engine))

    assert ha_status.health(status) != "good"
    assert ha_status.running_on(status) == []


@pytest.mark.parametrize("host", [{"stopped": True}, {"live-data": False}])
def test_a_host_that_stopped_reporting_doesnt_count(host: dict[str, Any]) -> None:
    status = ha_status.parse(said(UP, **host))

    assert ha_status.health(status) == "no host reports"


def test_bad_health_says_why() -> None:
    engine = {"vm": "up", "health": "bad", "detail": "Up", "reason": "failed liveliness check"}

    assert "failed liveliness check" in ha_status.health(ha_status.parse(said(engine)))


def test_global_maintenance() -> None:
    assert ha_status.parse(said(None, maintenance=True))["global_maintenance"] is True
    assert ha_status.parse('{"global_maintenance": false}') == {
        "global_maintenance": False,
        "hosts": {},
    }


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("You must run deploy first\n", ""),
        ("", "Traceback (most recent call last):\n  File …\nYou must run deploy first\n"),
        ("[]", "You must run deploy first"),
    ],
)
def test_what_is_no_json_is_told_by_its_last_line(output: str, errors: str) -> None:
    with pytest.raises(CommandExecutionError, match="status: You must run deploy first"):
        ha_status.parse(output, errors)


def two_of_a_name() -> str:
    """A host that was installed anew: its old entry, under another id, comes after the new one."""
    living, old = json.loads(said(UP)), json.loads(said({"vm": "down", "health": "bad"}))["1"]
    old |= {"host-id": 3, "stopped": True, "live-data": False, "score": 0}
    return json.dumps(living | {"3": old})


def test_hosts_are_told_apart_by_id_not_by_name() -> None:
    status = ha_status.parse(two_of_a_name())

    assert sorted(status["hosts"]) == [1, 3]
    assert ha_status.health(status) == "good"
    assert ha_status.running_on(status) == ["node1.example.com"]
    assert (ha_status.by_id(status, 1) or {})["alive"] is True
    assert (ha_status.by_id(status, 3) or {})["alive"] is False


def test_the_engine_may_run_where_live_data_says_nothing() -> None:
    """Without an agent of its own a host sees live-data false of every other one."""
    assert ha_status.running_on(ha_status.parse(said(UP, **{"live-data": False}))) != []
    assert ha_status.running_on(ha_status.parse(said(UP, stopped=True))) == []


def test_a_broker_that_is_down_is_reported_as_that() -> None:
    errors = (
        "Traceback (most recent call last):\n  File …\n"
        "json.decoder.JSONDecodeError: Invalid control character at: line 1 column 51\n"
    )
    with pytest.raises(CommandExecutionError, match="its broker doesn't answer"):
        ha_status.parse("", errors)


@pytest.mark.parametrize("output", ["[" * 100_000, '{"a":' * 100_000])
def test_endless_nesting_is_no_status(output: str) -> None:
    with pytest.raises(CommandExecutionError, match="doesn't report its status"):
        ha_status.parse(output)


def test_a_moving_timestamp_is_a_living_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host 2's timestamp moves though nobody vouches for it; host 3's stands still."""
    looks = iter(range(1000))

    def read() -> ha_status.Status:
        hosts = {"2": {"host-ts": 5000 + next(looks)}, "3": {"host-ts": 7}}
        told = [(key, facts | {"live-data": False}) for key, facts in hosts.items()]
        return ha_status.parse(json.dumps(dict(told)))

    monkeypatch.setattr(ha_status, "read", read)
    monkeypatch.setattr(ha_status, "WATCH_SECONDS", 0.5)

    assert ha_status.living()[1] == {2}


@pytest.mark.parametrize("vm", ["down_missing", "down_unexpected", "unknown"])
def test_a_vm_that_went_away_or_can_not_be_seen_is_reported_and_is_not_up(vm: str) -> None:
    """The real agent's further words: after an unexpected end, and where vdsm can't say."""
    engine = {"vm": vm, "health": "bad", "detail": "unknown", "reason": "failed to getVmStats"}
    status = ha_status.parse(said(engine))

    assert status["hosts"][1]["vm"] == vm
    assert ha_status.running_on(status) == []
    # Nobody may take an engine down that can't be seen.
    assert ha_status.claims_health(status) is (vm == "unknown")
    assert f"VM {vm}, health bad, unknown, failed to getVmStats" in ha_status.health(status)
