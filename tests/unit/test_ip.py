"""iproute2's JSON in its less common forms, and what is no such thing; real samples beside."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.core import command, records
from ovirt_he.host import ip, routes
from salt.exceptions import CommandExecutionError

SAMPLE = Path(__file__).parent / "samples" / "ip-d-j-address.json"


@pytest.fixture
def answers(monkeypatch, tmp_path):
    """What ip prints, by the words that end its command line."""
    made: dict[str, str] = {}

    def run(*arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        line = " ".join(arguments)
        found = next((text for words, text in made.items() if line.endswith(words)), "[]")
        return subprocess.CompletedProcess(arguments, 0, found, "")

    spy = create_autospec(command.run, side_effect=run)
    monkeypatch.setattr(command, "run", spy)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path)
    return made


def settings(interface: str = "") -> dict[str, Any]:
    return {
        "network": {"gateway": "", "name": "ovirtmgmt", "family": "ipv4"},
        "host": {"interface": interface},
        "vm": {"address": ""},
    }


def default(*hops: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"dst": "default", "flags": [], "nexthops": list(hops), **more}


def hop(gateway: str, device: str = "eno1", **more: Any) -> dict[str, Any]:
    return {"gateway": gateway, "dev": device, "weight": 1, "flags": [], **more}


def test_the_gateway_is_the_first_of_several(answers):
    answers["route show default"] = json.dumps([default(hop("192.0.2.1"), hop("192.0.2.2"))])

    assert routes.default_gateway(settings()) == "192.0.2.1"


def test_the_gateway_is_one_on_the_interface_that_the_pillar_names(answers):
    seen = default(hop("192.0.2.1", "eno1"), hop("198.51.100.1", "eno2"))
    answers["route show default"] = json.dumps([seen])

    assert routes.default_gateway(settings("eno2")) == "198.51.100.1"


def test_a_dead_hop_and_an_unreachable_default_lead_nowhere(answers):
    dead = hop("192.0.2.1", flags=["dead", "linkdown"])
    nowhere = {"type": "unreachable", "dst": "default", "dev": "lo", "metric": 1, "flags": []}
    answers["route show default"] = json.dumps([nowhere, default(dead, hop("192.0.2.2"))])

    (route,) = routes.default_routes("ipv4")

    assert [one.gateway for one in ip.alive(route)] == ["192.0.2.2"]


def test_a_gateway_of_the_other_family_is_none_for_the_engine(answers):
    seen = {"dst": "default", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "eno1"}
    answers["route show default"] = json.dumps([seen])

    (route,) = routes.default_routes("ipv4")

    assert ip.hops(route) == [ip.Hop("fe80::1", "eno1", 1, ())]
    assert routes.default_gateway(settings()) == ""


def test_the_route_with_the_least_metric_is_preferred(answers):
    seen = [default(hop("192.0.2.9"), metric=200), default(hop("192.0.2.1"), metric=100)]
    answers["route show default"] = json.dumps(seen)

    assert routes.default_gateway(settings()) == "192.0.2.1"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "null",
        "[1]",
        '["default"]',
        '[{"gateway": "192.0.2.1"}]',
        '[{"dst": 12}]',
        '[{"dst": "default", "dev": null}]',
        '[{"dst": "default", "metric": "100"}]',
        '[{"dst": "default", "metric": true}]',
        '[{"dst": "default", "nexthops": {"gateway": "192.0.2.1"}}]',
        '[{"dst": "default", "nexthops": ["192.0.2.1"]}]',
        '[{"dst": "default", "nexthops": [{"gateway": 7}]}]',
        '[{"dst": "default", "via": "fe80::1"}]',
        "[" * 100_000,
    ],
)
def test_another_form_is_a_clear_error(answers, text):
    answers["route show default"] = text

    with pytest.raises(CommandExecutionError, match=r"ip -json -4 route show default answered in"):
        routes.default_gateway(settings())


@pytest.mark.parametrize("text", ["", "[]", "[{}]", "[{},{}]"])
def test_nothing_to_show_is_no_error(answers, text):
    answers["route show default"] = text

    assert routes.default_gateway(settings()) == ""


def test_a_number_of_a_next_hop_object_that_is_gone_leads_nowhere(answers):
    answers["route show default"] = '[{"dst": "default", "nhid": 7, "flags": []}]'
    answers["nexthop show"] = '[{"id": 8, "gateway": "192.0.2.1", "dev": "eno1"}]'

    assert routes.default_gateway(settings()) == ""


def test_links_of_a_real_kernel(answers):
    answers["-d address show"] = SAMPLE.read_text()

    links = {link.name: link for link in ip.links()}

    assert links["bond0.12"].kind == "vlan"
    assert links["bond0.12"].data["id"] == 12
    assert links["bond0.12"].parent == "bond0"
    assert links["vec0"][1:8] == ("", {}, "ether", "d2:0d:73:ea:67:49", "", "bond0", 1500)
    assert links["lo"].addresses == (ip.Address("127.0.0.1", 8), ip.Address("::1", 128))
    assert {link.parent for link in links.values()} <= {"", *links}


def test_addresses_of_another_form_are_a_clear_error(answers):
    answers["-d address show"] = '[{"ifname": "eno1", "addr_info": [{"local": 1}]}]'

    with pytest.raises(CommandExecutionError, match="local is 1"):
        ip.links()
