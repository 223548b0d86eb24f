"""The address family: decided once, and what contradicts it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ovirt_he.host import address_family

from unit.test_guest_files import settings

pytestmark = pytest.mark.feature("family")
V4, V6 = "192.0.2.11", "2001:db8::11"


def known(wanted: str = "auto", **groups: dict[str, Any]) -> dict[str, Any]:
    network = {"family": wanted} | groups.pop("network", {})
    return settings(network=network, **groups)


@pytest.mark.parametrize(
    ("wanted", "address", "host", "decided"),
    [
        ("auto", "", [V4], "ipv4"),
        ("auto", "", [V6], "ipv6"),
        ("auto", "", [V6, V4], "ipv4"),
        ("auto", "", [], "ipv4"),
        ("auto", "2001:db8::10/64", [V4], "ipv6"),
        ("auto", "192.0.2.10/24", [V6], "ipv4"),
        ("ipv6", "192.0.2.10/24", [V4], "ipv6"),
        ("ipv4", "", [V6], "ipv4"),
    ],
)
def test_it_is_given_else_the_static_address_s_else_the_host_s(wanted, address, host, decided):
    assert address_family.decide(known(wanted, vm={"address": address}), host) == decided


@pytest.mark.parametrize(
    ("wanted", "groups", "keys"),
    [
        ("auto", {"vm": {"address": "2001:db8::10/64"}}, []),
        ("ipv4", {"vm": {"address": "2001:db8::10/64"}}, ["vm:address"]),
        ("ipv6", {"vm": {"address": "192.0.2.10/24"}}, ["vm:address"]),
        ("ipv6", {"network": {"gateway": "192.0.2.1"}}, ["network:gateway"]),
        (
            "auto",
            {"vm": {"address": "192.0.2.10/24"}, "network": {"gateway": "2001:db8::1"}},
            ["network:gateway"],
        ),
        ("ipv4", {"host": {"address": V6}}, ["host:address"]),
        ("auto", {"vm": {"address": "192.0.2.10/24"}, "host": {"address": V6}}, ["host:address"]),
        # Both are there unless the pillar forces one: then the other has no way to its servers.
        ("auto", {"vm": {"address": "192.0.2.10/24", "dns": [V6]}}, []),
        ("ipv4", {"vm": {"dns": [V4, V6]}}, ["vm:dns:1"]),
        ("auto", {"host": {"address": "node1.example.com"}}, []),
    ],
)
def test_contradictions_are_told_by_their_key(wanted, groups, keys):
    made = known(wanted, **groups)

    told = dict(address_family.contradictions(made, [V4]))

    assert list(told) == keys
    assert all("which" in what for what in told.values())


def test_addresses_are_of_one_family_and_lead_somewhere(monkeypatch):
    found = [V4, V4, "fe80::1%eno1", V6]
    answers = [(0, 1, 6, "", (address, 0)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    assert address_family.addresses("x") == [V4, V6]
    assert address_family.addresses("x", "ipv6") == [V6]


def test_a_name_is_only_asked_where_the_pillar_leaves_it(monkeypatch):
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("asked")

    monkeypatch.setattr(socket, "getaddrinfo", never)

    assert address_family.of(known("ipv6")) == "ipv6"
    assert address_family.of(known(vm={"address": "2001:db8::10/64"})) == "ipv6"


def test_an_address_may_name_its_interface():
    assert address_family.of_address("fe80::1%eno1") == "ipv6"
    assert address_family.of_address("fe80::1%eno1/64") == "ipv6"


def test_an_address_in_a_url():
    assert address_family.in_url(V6) == f"[{V6}]"
    assert address_family.in_url(V4) == V4
    assert address_family.in_url("node1.example.com") == "node1.example.com"


@pytest.mark.parametrize(
    ("wanted", "vm", "why"),
    [
        ("ipv4", "", "network:family: ipv4 demands"),
        ("auto", "192.0.2.10/24", "follows from vm:address"),
        ("auto", "", "follows from the host's address"),
    ],
)
def test_a_contradiction_says_what_decided_the_family(wanted, vm, why):
    made = known(wanted, vm={"address": vm}, network={"gateway": "2001:db8::1"})

    told = dict(address_family.contradictions(made, [V4]))

    assert told == {"network:gateway": f"2001:db8::1 isn't IPv4, which {why}"}


def test_an_address_without_its_prefix_length():
    assert address_family.without_prefix("192.0.2.10/24") == "192.0.2.10"
    assert address_family.without_prefix("2001:db8::10") == "2001:db8::10"
    assert address_family.without_prefix("dhcp") == address_family.without_prefix("") == ""
