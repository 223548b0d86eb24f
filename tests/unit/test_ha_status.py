"""All that ``hosted-engine --vm-status --json`` is known to print."""

from __future__ import annotations

import json
from typing import Any

import hosted_engine_ha_status as ha_status
import pytest
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
    assert status["hosts"]["node1.example.com"]["score"] == 3400


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
