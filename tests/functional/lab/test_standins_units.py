"""Units of the stand-ins: what the real ones say, and what they leave to systemd."""

from __future__ import annotations

import configparser
from typing import Any

import pytest

from .standins import PACKAGES, hosted_engine_conf, standin

broker = standin("hosted_engine_ha_standin.broker")


def unit(package: str, name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(PACKAGES / package / "root/lib/systemd/system" / f"{name}.service")
    return {key: value for section in parser.values() for key, value in section.items()}


def test_the_broker_is_restarted_at_once_and_after_a_failure_alone() -> None:
    seen = unit("ovirt-hosted-engine-ha", "ovirt-ha-broker")

    assert (seen["Restart"], seen["RuntimeDirectoryMode"]) == ("on-failure", "0755")
    assert not {"Type", "RestartSec", "StartLimitIntervalSec", "After"} & set(seen)


def test_the_agent_is_restarted_always_and_brings_the_broker() -> None:
    seen = unit("ovirt-hosted-engine-ha", "ovirt-ha-agent")

    assert seen["Restart"] == "always"
    assert "ovirt-ha-broker.service" in seen["Wants"].split()


def test_sanlock_is_no_root() -> None:
    seen = unit("sanlock", "sanlock")

    assert (seen["User"], seen["Group"]) == ("sanlock", "sanlock")


def test_the_broker_waits_two_seconds_before_it_touches_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its unit is up by then, its socket isn't."""
    did: list[str] = []

    def connect(_values: Any) -> None:
        did.append("connect")
        raise OSError("no storage")

    monkeypatch.setattr(broker.log, "to_file", lambda _name: broker.logging.getLogger("broker"))
    monkeypatch.setattr(broker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(broker.time, "sleep", lambda seconds: did.append(f"{seconds} s"))
    monkeypatch.setattr(broker.configuration, "read", hosted_engine_conf)
    monkeypatch.setattr(broker.storage, "connect", connect)

    assert broker.main([]) == 1
    assert did == ["2 s", "connect"]
