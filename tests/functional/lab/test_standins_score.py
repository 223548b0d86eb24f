"""The stand-in's score has the real agent's penalties (agent.conf's names and values)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from .standins import VM, standin

monitor = standin("hosted_engine_ha_standin.monitor")
score = standin("hosted_engine_ha_standin.score")

MEMORY = 4096


def scored(state: str = "EngineDown", **changes: Any) -> int:
    measured = score.Measured(**({"free_memory_mib": MEMORY} | changes))
    return int(score.score(score.penalties(measured, state, MEMORY), state))


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
    assert scored("GlobalMaintenance", free_memory_mib=free) == 3400


def test_a_bridge_that_is_down_takes_600() -> None:
    assert scored(bridge=False) == 2800


def test_the_gateway_takes_its_share_of_1600() -> None:
    assert scored(network=0.0) == 1800
    assert scored(network=0.5) == 2600


def test_score_is_never_below_0_and_0_in_local_maintenance_and_after_an_unexpected_end() -> None:
    assert scored(network=0.0, bridge=False, cpu_load=1.0, free_memory_mib=0) == 0
    assert scored("LocalMaintenance") == scored("EngineUnexpectedlyDown") == 0


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
