"""The one wait, on a clock that only it moves."""

from __future__ import annotations

import pytest
from ovirt_he.core import wait
from ovirt_he.core.wait import wait_for
from salt.exceptions import CommandExecutionError


@pytest.fixture
def naps(monkeypatch):
    """The pauses that were made; time passes by them only."""
    made: list[float] = []
    monkeypatch.setattr(wait.time, "sleep", made.append)
    monkeypatch.setattr(wait.time, "monotonic", lambda: sum(made))
    return made


def test_what_is_there_is_not_waited_for(naps):
    assert wait_for("it", lambda: "up", lambda seen: seen == "up", timeout=5) == "up"
    assert naps == []


def test_quick_looks_at_first_then_gentle_ones(naps):
    answers = iter(["down"] * 12 + ["up"])

    wait_for("it", lambda: next(answers), lambda seen: seen == "up", timeout=60)

    assert naps[0] == pytest.approx(0.2)
    assert naps == sorted(naps)
    assert naps[-1] == pytest.approx(2)


def test_the_end_says_what_was_seen_last_and_explains(naps):
    with pytest.raises(CommandExecutionError) as failure:
        wait_for(
            "host up", lambda: "installing", lambda _: False, timeout=3, explain=lambda: "events"
        )

    assert "host up" in str(failure.value)
    assert "not within 3 s" in str(failure.value)
    assert "Seen last: installing" in str(failure.value)
    assert str(failure.value).endswith("events")
    assert sum(naps) <= 3


@pytest.mark.parametrize(("reason", "told"), [(True, "it failed"), ("install_failed", "failed")])
def test_a_failure_ends_it_at_once(naps, reason, told):
    with pytest.raises(CommandExecutionError, match=told):
        wait_for("it", lambda: "x", lambda _: False, timeout=3600, failed=lambda _: reason)

    assert naps == []


def test_what_is_done_has_never_failed(naps):
    assert wait_for("it", lambda: 1, lambda _: True, timeout=1, failed=lambda _: True) == 1
