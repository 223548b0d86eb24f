"""Whether name and address of the engine agree, by neighbours as ip lists them."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.guest import address as guest_address

from unit.test_guest_files import settings

OURS, OTHER = "00:16:3e:00:00:01", "52:54:00:99:99:99"


class Site:
    def __init__(self) -> None:
        self.names = ["192.0.2.10"]
        self.neighbours: list[dict[str, Any]] = []
        self.options: list[str] = []

    def run(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        assert (arguments[0], arguments[3:]) == ("ip", ("neigh", "show"))
        self.options.append(arguments[2])
        return subprocess.CompletedProcess(arguments, 0, json.dumps(self.neighbours), "")

    def resolve(self, *_: Any, **__: Any) -> list[Any]:
        return [(0, 1, 6, "", (address, 0)) for address in self.names]

    def has(self, address: str, mac: str, device: str = "ovirtmgmt") -> None:
        entry = {"dst": address, "dev": device, "lladdr": mac, "state": ["STALE"]}
        self.neighbours.append(entry)


@pytest.fixture
def site(monkeypatch):
    made = Site()
    monkeypatch.setattr(command, "run", made.run)
    monkeypatch.setattr(socket, "getaddrinfo", made.resolve)
    return made


def seen(address: str = "", family: str = "ipv4") -> str:
    vm = {"address": address, "mac": OURS}
    return guest_address.check(settings(vm=vm, network={"family": family}))


@pytest.mark.feature("static")
def test_a_static_address_is_what_the_name_says(site):
    assert seen("192.0.2.10/24") == "right"

    assert "resolves to 192.0.2.10, but the VM" in seen("192.0.2.11/24")


@pytest.mark.feature("static")
def test_a_static_address_that_another_machine_has_is_told(site):
    site.has("192.0.2.10", OTHER)

    assert f"at 192.0.2.10 answers {OTHER}" in seen("192.0.2.10/24")


@pytest.mark.feature("dhcp")
def test_by_dhcp_the_neighbour_with_our_mac_counts(site):
    assert seen() == "right", "beyond a router nothing is seen, and nothing is claimed"

    site.has("192.0.2.10", OURS)
    assert seen() == "right"

    site.neighbours[0]["dst"] = "192.0.2.77"
    assert "has 192.0.2.77: correct the name in DNS" in seen()


@pytest.mark.feature("dhcp")
def test_the_bootstrap_vm_s_own_lease_is_no_final_address(site):
    site.has("192.168.222.10", OURS, "virbr-he")

    assert seen() == "right"


@pytest.mark.feature("ipv6")
def test_in_ipv6_its_own_neighbours_are_asked_and_link_local_ones_do_not_count(site):
    site.names = ["192.0.2.10", "2001:db8::10"]
    site.has("fe80::216:3eff:fe00:1", OURS)
    assert seen(family="ipv6") == "right"

    site.has("2001:db8::77", OURS)
    assert "resolves to 2001:db8::10, but the VM" in seen(family="ipv6")
    assert set(site.options) == {"-6"}
    assert seen("2001:DB8::10/64", "ipv6") == "right"


def test_a_name_without_an_address_of_the_family_is_told(site):
    assert "has no IPv6 address" in seen(family="ipv6")
