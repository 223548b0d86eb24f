"""All that ``hosted-engine --vm-status --json`` is known to print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.ha import status
from salt.exceptions import CommandExecutionError

# As it was printed, of a host that was installed anew.
SAMPLE = Path(__file__).with_name("samples") / "vm-status.json"


def said(engine: Any, everywhere: bool = False, **host: Any) -> str:
    known = {
        "host-id": 1, "score": 3400, "hostname": "node1.example.com", "maintenance": False,
        "stopped": False, "live-data": True, "engine-status": engine, "crc32": "1", "extra": "x",
    }  # fmt: skip
    return json.dumps({"1": known | host, "global_maintenance": everywhere})


UP = {"vm": "up", "health": "good", "detail": "Up"}


def running_on(now: status.Status) -> list[str]:
    return [host["name"] for host in now["hosts"].values() if status.may_run_engine(host)]


@pytest.mark.parametrize("engine", [UP, json.dumps(UP)], ids=["object", "text in JSON"])
def test_a_healthy_engine(engine: Any) -> None:
    now = status.parse(said(engine))

    assert status.health(now) == "good"
    assert running_on(now) == ["node1.example.com"]
    assert now["hosts"][1]["score"] == 3400


@pytest.mark.parametrize("engine", [None, "null", "not JSON", 5])
def test_an_unknown_engine_isnt_healthy(engine: Any) -> None:
    now = status.parse(said(engine))

    assert status.health(now) != "good"
    assert running_on(now) == []


@pytest.mark.parametrize("host", [{"stopped": True}, {"live-data": False}])
def test_a_host_that_stopped_reporting_doesnt_count(host: dict[str, Any]) -> None:
    now = status.parse(said(UP, **host))

    assert status.health(now) == "no host reports"


def test_bad_health_says_why() -> None:
    engine = {"vm": "up", "health": "bad", "detail": "Up", "reason": "failed liveliness check"}

    assert "failed liveliness check" in status.health(status.parse(said(engine)))


def test_global_maintenance() -> None:
    assert status.parse(said(None, everywhere=True))["global_maintenance"] is True
    assert status.parse('{"global_maintenance": false}') == {
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
        status.parse(output, errors)


def test_hosts_are_identified_by_id_not_by_name() -> None:
    """A host that was installed anew: its old entry, under another id, comes after the new one."""
    now = status.parse(SAMPLE.read_text())

    assert now["global_maintenance"] is True
    assert now["hosts"][1] == {
        "name": "hv1.example.com", "id": 1, "score": 3400, "vm": "up", "health": "good",
        "detail": "Up", "reason": None, "maintenance": False, "timestamp": 4000,
        "stopped": False, "alive": True,
    }  # fmt: skip
    assert now["hosts"][3] == {
        "name": "hv1.example.com", "id": 3, "score": 0, "vm": "down", "health": "bad",
        "detail": "unknown", "reason": "vm not running on this host", "maintenance": False,
        "timestamp": 7, "stopped": True, "alive": False,
    }  # fmt: skip
    assert status.health(now) == "good"
    assert running_on(now) == ["hv1.example.com"]
    assert (status.by_id(now, 3), status.by_id(now, 2)) == (now["hosts"][3], None)
    assert status.summary(now).startswith("hv1.example.com: VM up, health good, Up; hv1.example")


def test_the_engine_may_run_where_live_data_says_nothing() -> None:
    """Without an agent of its own a host sees live-data false of every other one."""
    assert running_on(status.parse(said(UP, **{"live-data": False}))) != []
    assert running_on(status.parse(said(UP, stopped=True))) == []


def test_a_broker_that_is_down_is_reported_as_that() -> None:
    errors = (
        "Traceback (most recent call last):\n  File …\n"
        "json.decoder.JSONDecodeError: Invalid control character at: line 1 column 51\n"
    )
    with pytest.raises(CommandExecutionError, match="its broker doesn't answer"):
        status.parse("", errors)


@pytest.mark.parametrize("output", ["[" * 100_000, '{"a":' * 100_000])
def test_endless_nesting_is_no_status(output: str) -> None:
    with pytest.raises(CommandExecutionError, match="doesn't report its status"):
        status.parse(output)


def test_a_moving_timestamp_is_a_living_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host 2's timestamp moves though nobody vouches for it; host 3's stands still."""
    looks = iter(range(1000))

    def read() -> status.Status:
        hosts = {"2": {"host-ts": 5000 + next(looks)}, "3": {"host-ts": 7}}
        told = [(key, facts | {"live-data": False}) for key, facts in hosts.items()]
        return status.parse(json.dumps(dict(told)))

    monkeypatch.setattr(status, "read", read)
    monkeypatch.setattr(status, "WATCH_SECONDS", 0.5)

    assert status.living()[1] == {2}


def test_a_host_that_this_hosts_agent_sees_needs_no_moving_timestamp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = status.parse(said(UP))
    monkeypatch.setattr(status, "read", lambda: now)

    assert status.living()[1] == {1}


@pytest.mark.parametrize("vm", ["down_missing", "down_unexpected", "unknown"])
def test_a_vm_that_went_away_or_can_not_be_seen_is_reported_and_is_not_up(vm: str) -> None:
    """The real agent's further words: after an unexpected end, and where vdsm can't say."""
    engine = {"vm": vm, "health": "bad", "detail": "unknown", "reason": "failed to getVmStats"}
    now = status.parse(said(engine))

    assert now["hosts"][1]["vm"] == vm
    assert running_on(now) == []
    # Nobody may take an engine down that can't be seen.
    assert status.claims_health(now) is (vm == "unknown")
    assert f"VM {vm}, health bad, unknown, failed to getVmStats" in status.health(now)


@pytest.mark.parametrize("maintenance", [True, False])
def test_a_hosts_own_maintenance_is_no_global_one(maintenance: bool) -> None:
    now = status.parse(said(UP, maintenance=maintenance))

    assert now["hosts"][1]["maintenance"] is maintenance
    assert now["global_maintenance"] is False
