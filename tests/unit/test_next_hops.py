"""iproute2's next hop objects (nexthop_compat_mode 0), neighbours and rules, as ip prints them."""

from __future__ import annotations

import json
import subprocess
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import command
from ovirt_he.host import ip

OBJECTS = [
    {"id": 1, "gateway": "192.0.2.1", "dev": "eno1", "scope": "link", "flags": []},
    {"id": 2, "gateway": "192.0.2.2", "dev": "eno2", "scope": "link", "flags": ["dead"]},
    {"id": 3, "via": {"family": "inet6", "host": "fe80::1"}, "dev": "eno1", "flags": []},
    {"id": 10, "group": [{"id": 1, "weight": 5}, {"id": 2}], "type": "mpath", "flags": []},
]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ip prints, by the words behind its options."""
    made: dict[str, Any] = {"nexthop show": OBJECTS}

    def run(*arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        words = " ".join(word for word in arguments[1:] if not word.startswith("-"))
        return subprocess.CompletedProcess(arguments, 0, json.dumps(made[words]), "")

    monkeypatch.setattr(command, "run", create_autospec(command.run, side_effect=run))
    return made


def hops_of(answers: dict[str, Any], **route: Any) -> list[ip.Hop]:
    answers["route show default"] = [{"dst": "default", "flags": [], **route}]
    (found,) = ip.routes("ipv4", "default")
    return ip.hops(found)


def test_a_route_that_only_names_an_object_leads_where_that_does(answers) -> None:
    assert hops_of(answers, nhid=1) == [ip.Hop("192.0.2.1", "eno1", 1, ())]
    assert hops_of(answers, nhid=3) == [ip.Hop("fe80::1", "eno1", 1, ())]


def test_an_object_may_be_a_group(answers) -> None:
    hops = hops_of(answers, nhid=10)

    assert hops == [ip.Hop("192.0.2.1", "eno1", 5, ()), ip.Hop("192.0.2.2", "eno2", 1, ("dead",))]
    assert [hop.is_dead for hop in hops] == [False, True]


@pytest.mark.parametrize(
    ("own", "leads"),
    [
        ({"gateway": "192.0.2.9"}, ("192.0.2.9", "")),
        ({"nexthops": [{"gateway": "192.0.2.9", "dev": "eno9"}]}, ("192.0.2.9", "eno9")),
        ({"dev": "eno9"}, ("", "eno9")),
        ({"via": {"family": "inet6", "host": "fe80::9"}}, ("fe80::9", "")),
    ],
)
def test_a_route_that_says_its_hops_beside_the_object_is_believed(answers, own, leads) -> None:
    """nexthop_compat_mode 1; and no object is asked for."""
    answers.pop("nexthop show")

    (hop,) = hops_of(answers, nhid=1, **own)

    assert (hop.gateway, hop.device) == leads


def test_neighbours_that_did_not_answer_are_none(answers) -> None:
    answers["neigh show 192.0.2.9"] = [
        {"dst": "192.0.2.9", "dev": "eno1", "lladdr": "52:54:00:AA:BB:CC", "state": ["REACHABLE"]},
        {"dst": "192.0.2.9", "dev": "eno2", "state": ["FAILED"]},
    ]

    assert ip.neighbours("ipv4", "192.0.2.9") == [
        ip.Neighbour("192.0.2.9", "52:54:00:aa:bb:cc", "eno1")
    ]


def test_rules_name_their_family(answers) -> None:
    answers["rule show"] = [{"priority": 0, "src": "all", "table": "local"}]

    assert ip.rules("ipv6") == [{"priority": 0, "src": "all", "table": "local", "family": "ipv6"}]


@pytest.mark.parametrize(
    ("route", "everywhere"),
    [
        ({"dst": "default"}, True),
        ({"dst": "default", "type": "unicast"}, True),
        ({"dst": "default", "type": "blackhole"}, False),
        ({"dst": "192.0.2.0/24"}, False),
    ],
)
def test_a_default_route_leads_everywhere(route: dict[str, Any], everywhere: bool) -> None:
    assert ip.is_default(route) is everywhere
