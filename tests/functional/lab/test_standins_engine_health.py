"""What the stand-in publishes of the engine: ``vm``, ``health``, ``detail``, ``reason``."""

from __future__ import annotations

from typing import Any

import pytest

from .standins import VM, standin

agent = standin("hosted_engine_ha_standin.agent")
engine_health = standin("hosted_engine_ha_standin.engine_health")
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
