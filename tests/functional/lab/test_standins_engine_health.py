"""What the stand-in publishes of the engine: ``vm``, ``health``, ``detail``, ``reason``."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest

from .standins import VM, hosted_engine_conf, standin

agent = standin("hosted_engine_ha_standin.agent")
engine_health = standin("hosted_engine_ha_standin.engine_health")
monitor = standin("hosted_engine_ha_standin.monitor")
score = standin("hosted_engine_ha_standin.score")
states = standin("hosted_engine_ha_standin.states")

MISSING = engine_health.MISSING


def last(*seen: str | None) -> dict[str, str]:
    health = engine_health.EngineHealth()
    return [health.report(status, healthy=True) for status in seen][-1]


def test_vm_that_was_never_here_is_down() -> None:
    assert last(MISSING) == {
        "vm": "down", "health": "bad", "detail": "unknown", "reason": "vm not running on this host",
    }  # fmt: skip
    assert last("Down")["vm"] == "down"


def test_vm_that_vdsm_forgot_is_down_missing() -> None:
    assert last("Up", MISSING)["vm"] == "down_missing"
    assert last("Up", MISSING, MISSING)["vm"] == "down_missing"


def test_vm_that_vdsm_shows_as_down_is_down_unexpected() -> None:
    assert last("Up", "Down") == {
        "vm": "down_unexpected", "health": "bad", "detail": "Down", "reason": "bad vm status",
    }  # fmt: skip
    assert last("Up", "Down", MISSING)["vm"] == "down_unexpected"


def test_vm_is_up_again_after_it_was_missing() -> None:
    assert last("Up", MISSING, "Up") == {"vm": "up", "health": "good", "detail": "Up"}


def test_paused_vm_is_up_and_bad() -> None:
    assert last("Paused") == {
        "vm": "up", "health": "bad", "detail": "Paused", "reason": "bad vm status",
    }  # fmt: skip


def test_what_vdsm_can_not_say_is_unknown_and_nothing_is_done() -> None:
    unknown = last("Up", None)

    assert unknown == {
        "vm": "unknown", "health": "unknown", "detail": "unknown",
        "reason": "failed to getVmStats",
    }  # fmt: skip
    view = states.View(
        host_id=1, score=3400, vm_here=False, healthy=False, others={}, engine=unknown
    )
    assert states.next_state("EngineUp", view) == "UnknownLocalVmState"
    assert last("Up", None, MISSING)["vm"] == "down_missing"


@pytest.mark.parametrize(
    ("words", "status"),
    [("VM.getStats failed: (code=1, message=x)", MISSING), ("failed: (code=100, message=x)", None)],
)
def test_only_no_such_vm_is_missing(
    words: str, status: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(verb: str, **arguments: Any) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(agent.storage, "vdsm", fail)
    looking = object.__new__(agent.Agent)
    looking.values = {"vmid": VM}

    assert looking._vm_status() == status


def test_a_busy_host_reaches_engine_up_and_publishes_what_became_of_its_vm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CPU load and memory lower the score; nothing but an unexpected end makes it 0."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def broker(verb: str, **arguments: Any) -> Any:
        asked.append((verb, arguments))
        return {"hosts": {}, "global": {}}

    def vdsm(verb: str, **arguments: Any) -> Any:
        if not vm:
            raise RuntimeError("VM.getStats failed: (code=1, message=none)")
        return {"status": "Up"}

    vm = ["here"]
    monkeypatch.setattr(agent, "broker", broker)
    monkeypatch.setattr(agent.storage, "vdsm", vdsm)
    monkeypatch.setattr(agent.configuration, "read", hosted_engine_conf)
    monkeypatch.setattr(agent.configuration, "in_local_maintenance", lambda: False)
    monkeypatch.setattr(agent.Agent, "_lock_host_id", lambda self: None)
    monkeypatch.setattr(agent.Agent, "refresh", lambda self, path: None)
    busy = score.Measured(cpu_load=1.0, free_memory_mib=100)
    working = agent.Agent()
    working.parameters = {"memSize": "4096"}
    working.refreshed = time.monotonic()
    working.health = SimpleNamespace(value=(True, "DB Up"))
    working.monitors = SimpleNamespace(measured=lambda: busy)

    working.step()
    working.step()
    assert working.state == "EngineUp"
    vm.clear()
    working.step()
    working.step()

    blocks = [arguments["facts"] for verb, arguments in asked if verb == "put_stats"]
    assert [block["score"] for block in blocks] == [2000, 2400, 2400, 0]
    assert [block["engine-status"]["vm"] for block in blocks] == [
        "up", "up", "down_missing", "down_missing",
    ]  # fmt: skip
    events = [arguments["event"] for verb, arguments in asked if verb == "notify"]
    assert events == ["StartState-EngineUp", "EngineUp-EngineUnexpectedlyDown"]


def test_the_health_page_is_asked_by_http_alone(engine: Any) -> None:
    """Port 80 must answer: the real liveliness check knows no HTTPS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine.stop()
    engine.start(http_port=str(port))

    assert monitor.engine_is_up(f"127.0.0.1:{port}") == (True, "DB Up!Welcome to Health Status!")
    up, told = monitor.engine_is_up(f"127.0.0.1:{engine.port}")
    assert not up
    assert f"http://127.0.0.1:{engine.port}/ovirt-engine/services/health: " in told
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/ovirt-engine/api", timeout=10)
