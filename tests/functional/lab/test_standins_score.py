"""The stand-in's score has the real agent's penalties (agent.conf's names and values)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .standins import VM, hosted_engine_conf, standin

agent = standin("hosted_engine_ha_standin.agent")
monitor = standin("hosted_engine_ha_standin.monitor")
score = standin("hosted_engine_ha_standin.score")

MEMORY = 4096


def scored(state: str = "EngineDown", failed_starts: int = 0, **changes: Any) -> int:
    measured = score.Measured(**({"free_memory_mib": MEMORY} | changes))
    return int(score.score(score.penalties(measured, state, MEMORY, failed_starts), state))


def test_a_host_without_penalty_has_3400() -> None:
    assert scored() == 3400


@pytest.mark.parametrize(
    ("load", "penalty"), [(0.4, 0), (0.65, 500), (0.8, 800), (0.9, 1000), (1.0, 1000)]
)
def test_cpu_load_takes_up_to_1000_linearly_from_40_to_90_percent(
    load: float, penalty: int
) -> None:
    assert scored(cpu_load=load) == pytest.approx(3400 - penalty, abs=1)


@pytest.mark.parametrize("free", [MEMORY - 1, None])
def test_too_little_memory_for_the_vm_takes_400_unless_it_runs_here(free: int | None) -> None:
    assert scored(free_memory_mib=free) == 3000
    assert scored("EngineUp", free_memory_mib=free) == 3400
    assert scored("EngineUpBadHealth", free_memory_mib=free) == 3400
    assert scored("GlobalMaintenance", free_memory_mib=free) == 3400


def test_a_bridge_that_is_down_takes_600() -> None:
    assert scored(bridge=False) == 2800


def test_the_gateway_takes_its_share_of_1600() -> None:
    assert scored(network=0.0) == 1800
    assert scored(network=0.5) == 2600


@pytest.mark.parametrize(
    "state", ["LocalMaintenance", "EngineUnexpectedlyDown", "ReinitializeFSM", "AgentStopped"]
)
def test_score_is_never_below_0_and_0_where_the_vm_is_not_to_be(state: str) -> None:
    assert scored(network=0.0, bridge=False, cpu_load=1.0, free_memory_mib=0) == 0
    assert scored(state) == 0


@pytest.mark.parametrize(("failed", "left"), [(1, 3350), (3, 3250), (4, 0), (5, 0)])
def test_failed_starts_take_50_each_and_all_after_the_third(failed: int, left: int) -> None:
    assert scored(failed_starts=failed) == left


def test_failed_starts_are_forgotten_600_s_after_the_last_and_at_once_after_a_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = True

    def vdsm(verb: str, **arguments: Any) -> None:
        if refused:
            raise RuntimeError("VM.create failed: (code=9, message=no lease)")

    clock = [1000.0]
    monkeypatch.setattr(agent.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(agent, "broker", lambda verb, **arguments: {"conf": "/conf"})
    monkeypatch.setattr(agent.storage, "vdsm", vdsm)
    monkeypatch.setattr(agent.vm_conf, "for_vdsm", lambda parameters: parameters)
    monkeypatch.setattr(agent.configuration, "read", hosted_engine_conf)
    monkeypatch.setattr(agent.Agent, "refresh", lambda self, path: None)
    trying = agent.Agent()
    trying.parameters = {"memSize": str(MEMORY)}
    idle = score.Measured(free_memory_mib=MEMORY)
    trying.monitors = SimpleNamespace(measured=lambda: idle)

    def taken() -> int:
        return sum(trying._penalties("EngineDown").values())

    trying._start_vm()
    trying._start_vm()
    assert taken() == 100
    clock[0] += 600
    assert taken() == 100
    clock[0] += 1
    assert taken() == 0
    trying._start_vm()
    assert taken() == 50
    refused = False
    trying._start_vm()
    assert taken() == 0


def test_a_busy_host_may_still_start_the_engine() -> None:
    assert scored(cpu_load=1.0, free_memory_mib=0, bridge=False) == 1400


def test_load_is_without_the_engines_vm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 1 1 1 1\n")
    monkeypatch.setattr(monitor, "STAT", stat)
    monkeypatch.setattr(monitor.os, "cpu_count", lambda: 2)
    used = {"cpuUser": "60.00", "cpuSys": "0.00"}
    monkeypatch.setattr(monitor.storage, "vdsm", lambda verb, **arguments: used)
    load = monitor.CpuLoad(VM)
    # 100 ticks more, 80 of them busy.
    stat.write_text("cpu  150 0 130 820 0 0 0 0 99 0\ncpu0 1 1 1 1\n")

    assert load() == pytest.approx(0.8 - 0.3)


@pytest.mark.parametrize(
    ("shown", "code", "up"),
    [('[{"operstate": "UP"}]', 0, True), ('[{"operstate": "DOWN"}]', 0, False), ("", 1, False)],
)
def test_bridge_must_be_there_and_up(
    shown: str, code: int, up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], code, shown, "")
    monkeypatch.setattr(monitor.subprocess, "run", lambda *words, **options: done)

    assert monitor.bridge_is_up("ovirtmgmt") is up


def test_vdsm_that_does_not_answer_leaves_free_memory_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(verb: str) -> None:
        raise RuntimeError("Couldn't connect to VDSM")

    monkeypatch.setattr(monitor.storage, "vdsm", refuse)

    assert monitor.free_memory_mib() is None
