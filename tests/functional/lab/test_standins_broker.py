"""The broker's stand-in: whom it calls alive, and when it makes the lockspace anew."""

from __future__ import annotations

import threading

import pytest

from functional.ha_standin import DOWN, UP, StandinHa, broker, ha
from functional.storage_host import host, minions, wants_root

from .standins import facts

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root


def live(ha: StandinHa) -> dict[str, bool]:
    return {key: at["live-data"] for key, at in ha.broker.get_stats()["hosts"].items()}


def test_live_data_is_the_local_agents_word_and_holds_for_60_s(
    ha: StandinHa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it no host is alive, whatever its timestamp does."""
    now = [1000.0]
    monkeypatch.setattr(broker.time, "monotonic", lambda: now[0])
    ha.report(2, UP)
    ha.report(2, UP)
    assert live(ha) == {"2": False}

    ha.broker.set_alive([2])

    assert live(ha) == {"2": True}
    now[0] += 59
    assert live(ha) == {"2": True}
    now[0] += 1
    assert live(ha) == {"2": False}


def test_any_host_that_did_not_report_its_stop_keeps_the_lockspace(ha: StandinHa) -> None:
    """Dead or alive: nothing but the flag counts. A refusal is a traceback."""
    command = "--reinitialize-lockspace"
    ha.report(2, DOWN, alive=False)

    def refusal() -> str:
        done = ha._run(command)
        assert done.returncode == 1
        assert not any(ha.host.start("lockspace"))
        return str(done.stderr.splitlines()[-1].partition(": ")[2])

    assert refusal() == "Lockfile reset can be performed in global maintenance mode only."
    ha.broker.set_global_maintenance(True)
    assert refusal() == "Lockfile reset cannot be performed with an active agent."
    ha.report(2, DOWN, alive=False, stopped=True)
    assert ha._run(command).returncode == 0
    assert any(ha.host.start("lockspace"))


def test_force_asks_for_neither(ha: StandinHa) -> None:
    ha.report(2, UP)

    assert ha._run("--reinitialize-lockspace", "--force").returncode == 0
    assert any(ha.host.start("lockspace"))


def test_nothing_is_written_while_the_id_is_being_taken(
    ha: StandinHa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written then would be dropped in silence: the id isn't owned yet."""
    ha.locked = False
    taking, go = threading.Event(), threading.Event()

    def add_lockspace(_space: bytes, host_id: int, _path: str) -> None:
        taking.set()
        assert go.wait(10)
        ha.owned = host_id

    monkeypatch.setattr(broker.sanlock, "add_lockspace", add_lockspace)
    threads = [threading.Thread(target=ha.broker.lock_host_id, args=[1])]
    threads += [threading.Thread(target=ha.broker.put_stats, args=[facts(1)])]
    threads[0].start()
    assert taking.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive()
    go.set()
    for thread in threads:
        thread.join(10)

    ha.broker.poll()
    assert list(ha.broker.get_stats()["hosts"]) == ["1"]


def test_connecting_the_storage_prepares_no_image(
    ha: StandinHa, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []
    for name in ("connect", "prepare"):
        monkeypatch.setattr(
            f"hosted_engine_ha_standin.storage.{name}", lambda _, n=name: did.append(n)
        )

    assert ha._run("--connect-storage").returncode == 0
    assert did == ["connect"]
