"""Which verb comes next for the host, from everything that can be seen of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from salt.exceptions import CommandExecutionError

PATH = Path(__file__).parents[2] / "_states" / "ovirt_host.py"
SEEN = {
    "status": "up",
    "address": "node1.example.com",
    "cluster": "Default",
    "authorized": True,
    "routes": "there",
}


@pytest.fixture(scope="module")
def host() -> ModuleType:
    spec = importlib.util.spec_from_file_location("state_of_ovirt_host", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["__salt__"] = {"ovirt_event.explanation": lambda name: f"events of {name}"}
    return module


@pytest.mark.parametrize(
    ("seen", "tidy", "verb"),
    [
        ({"authorized": False, "status": "absent"}, True, "ovirt_host.authorize"),
        ({"status": "absent"}, True, "ovirt_host.add"),
        ({"status": "absent"}, False, "ovirt_host.add"),
        ({"status": "installing"}, True, "ovirt_host.wait"),
        ({"status": "installing", "routes": "lost"}, True, "ovirt_host.wait"),
        ({"status": "non_responsive"}, False, "ovirt_host.wait"),
        ({"status": "non_operational", "routes": "lost"}, True, "ovirt_host.restore_routes"),
        ({"status": "non_operational", "routes": "unsaved"}, True, "vdsm.save_network"),
        ({"status": "up", "routes": "unsaved"}, True, "vdsm.save_network"),
        ({"status": "non_operational"}, True, "ovirt_host.activate"),
        ({"status": "non_operational", "routes": "rolled back"}, True, "ovirt_host.remove"),
        ({"status": "install_failed"}, True, "ovirt_host.remove"),
        ({"status": "maintenance"}, True, "ovirt_host.activate"),
    ],
)
def test_the_next_verb_follows_from_what_is_seen(host, seen, tidy, verb):
    step = host._step(SEEN | seen, "one", "node1.example.com", "Default", tidy=tidy)

    assert step[0] == verb


@pytest.mark.parametrize(
    ("seen", "tidy", "reason"),
    [
        ({"status": "install_failed"}, False, "events of one"),
        ({"status": "down"}, True, "events of one"),
        ({"address": "192.0.2.7", "status": "down"}, True, "hosted_engine:host:name"),
        ({"cluster": "Other", "status": "up"}, True, "hosted_engine:cluster:name"),
    ],
)
def test_it_stops_where_it_must_not_go_on(host, seen, tidy, reason):
    with pytest.raises(CommandExecutionError, match=reason):
        host._step(SEEN | seen, "one", "node1.example.com", "Default", tidy=tidy)
