"""Routes that the engine's installation of a host loses, in a network namespace of the test."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ovirt_he.core import command, records
from ovirt_he.host import address, routes
from salt.exceptions import CommandExecutionError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's")
ADDRESS = "10.9.9.11"


class Network:
    """A host: ``host0`` with address and default route, and the rule of a NAT network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.set("link", "set", "lo", "up")
        self.set("link", "add", "host0", "type", "veth", "peer", "name", "lan")
        self.set("link", "set", "lan", "up")
        self.set("link", "set", "host0", "up")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "host0")
        self.set("route", "add", "default", "via", "10.9.9.1", "dev", "host0")
        self.set("route", "add", "10.8.0.0/16", "via", "10.9.9.2", "dev", "host0", "metric", "50")
        self.set("rule", "add", "to", "192.168.222.0/24", "priority", "100", "table", "main")

    def set(self, *words: str) -> str:
        command = ["ip", "-n", self.name, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def routes(self) -> dict[str, dict[str, Any]]:
        found = json.loads(self.set("-json", "route", "show", "table", "main"))
        return {route["dst"]: route for route in found}

    def move(self) -> None:
        """The address onto a bridge, and with it all routes gone: what host-deploy does."""
        self.set("link", "add", "ovirtmgmt", "type", "bridge")
        self.set("address", "flush", "dev", "host0")
        self.set("link", "set", "host0", "master", "ovirtmgmt")
        self.set("link", "set", "ovirtmgmt", "up")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "ovirtmgmt")

    def move_back(self) -> None:
        """What a boot does with a configuration that nobody saved."""
        self.set("link", "delete", "ovirtmgmt")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "host0")


@pytest.fixture
def network(tmp_path, monkeypatch) -> Iterator[Network]:
    name = f"he-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    run = command.run

    def inside(*arguments: str, **options: Any) -> Any:
        assert arguments[0] == "ip"
        return run("ip", "-n", name, *arguments[1:], **options)

    monkeypatch.setattr(command, "run", inside)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path)
    yield Network(name)
    subprocess.run(["ip", "netns", "delete", name], check=True)


def remember() -> None:
    routes.remember(["127.0.0.99", ADDRESS], "ovirtmgmt")


def test_nothing_is_lost_where_nothing_happened(network):
    assert routes.state() == routes.THERE
    remember()

    assert routes.state() == routes.THERE
    assert records.read("routes")["device"] == "host0"


def test_lost_routes_come_back_on_the_bridge_and_wait_to_be_saved(network):
    remember()
    network.move()
    assert routes.state() == routes.LOST

    routes.restore()

    now = network.routes()
    assert now["default"]["gateway"] == "10.9.9.1"
    assert {now["default"]["dev"], now["10.8.0.0/16"]["dev"]} == {"ovirtmgmt"}
    assert now["10.8.0.0/16"]["metric"] == 50
    assert routes.state() == routes.UNSAVED
    records.write("routes", records.read("routes") | {"saved": True})
    assert routes.state() == routes.THERE


def test_default_routes_of_several_origins_and_gateways_come_back(network):
    """A network service and an operator, each with one: to the kernel these are three routes."""
    network.set("route", "append", "default", "via", "10.9.9.1", "dev", "host0", "proto", "static")
    network.set("route", "append", "default", "via", "10.9.9.4", "dev", "host0")
    remember()
    network.move()

    routes.restore()

    now = json.loads(network.set("-json", "route", "show", "default"))
    assert [(one["gateway"], one["dev"]) for one in now] == [
        ("10.9.9.1", "ovirtmgmt"),
        ("10.9.9.4", "ovirtmgmt"),
    ]
    assert routes.state() == routes.UNSAVED


@pytest.mark.feature("ipv6")
def test_routes_and_rules_of_both_families_come_back(network):
    network.set("address", "add", "fd99::11/64", "dev", "host0", "nodad")
    network.set("-6", "route", "add", "default", "via", "fd99::1", "dev", "host0")
    network.set("-6", "rule", "add", "to", "fd00:1::/64", "priority", "100", "table", "main")
    routes.remember(["fd99::11"], "ovirtmgmt")
    network.move()
    network.set("-6", "route", "flush", "dev", "host0")
    network.set("address", "add", "fd99::11/64", "dev", "ovirtmgmt", "nodad")
    network.set("-6", "rule", "del", "priority", "100")
    assert routes.state() == routes.LOST

    routes.restore()

    (default,) = json.loads(network.set("-6", "-json", "route", "show", "default"))
    assert (default["gateway"], default["dev"]) == ("fd99::1", "ovirtmgmt")
    assert network.routes()["default"]["gateway"] == "10.9.9.1"
    rules = json.loads(network.set("-6", "-json", "rule", "show"))
    assert [(r["dst"], r["dstlen"]) for r in rules if r["priority"] == 100] == [("fd00:1::", 64)]
    assert routes.state() == routes.UNSAVED


def test_what_an_older_version_recorded_is_ipv4(network):
    remember()
    known = records.read("routes")
    for entry in (*known["routes"], *known["rules"]):
        del entry["family"]
    records.write("routes", known)
    network.move()
    network.set("rule", "del", "priority", "100")

    routes.restore()

    assert network.routes()["default"]["dev"] == "ovirtmgmt"
    assert routes.state() == routes.UNSAVED


def test_a_lost_rule_comes_back(network):
    remember()
    network.set("rule", "del", "priority", "100")
    assert routes.state() == routes.LOST

    routes.restore()

    rules = json.loads(network.set("-json", "rule", "show"))
    assert [(r["dst"], r["dstlen"]) for r in rules if r["priority"] == 100] == [
        ("192.168.222.0", 24)
    ]


TWO_GATEWAYS = [
    "nexthop", "via", "10.9.9.1", "dev", "host0", "weight", "3",
    "nexthop", "via", "10.9.9.3", "dev", "host0", "weight", "1",
]  # fmt: skip


def hops(network: Network, *words: str) -> list[tuple[str, str, int]]:
    """Of one route: gateway, device, weight of each next hop, as ip prints them in words."""
    text = network.set(*words)
    found = re.findall(r"via (?:inet6 )?(\S+) dev (\S+)(?: weight (\d+))?", text)
    return [(gateway, device, int(weight or 1)) for gateway, device, weight in found]


def test_a_default_route_by_two_gateways_comes_back_whole(network):
    network.set("route", "replace", "default", *TWO_GATEWAYS)
    remember()
    assert routes.state() == routes.THERE
    network.move()
    assert routes.state() == routes.LOST

    routes.restore()

    wanted = [("10.9.9.1", "ovirtmgmt", 3), ("10.9.9.3", "ovirtmgmt", 1)]
    assert hops(network, "route", "show", "default") == wanted
    assert routes.state() == routes.UNSAVED


def test_what_the_kernel_kept_of_a_route_is_made_whole(network):
    """The hop on the other interface stays, that on the host's is dead and then gone."""
    network.set("link", "add", "other0", "type", "veth", "peer", "name", "lan2")
    for name in ("lan2", "other0"):
        network.set("link", "set", name, "up")
    network.set("address", "add", "10.7.7.11/24", "dev", "other0")
    network.set("route", "replace", "default", "nexthop", "via", "10.9.9.1", "dev", "host0",
                "nexthop", "via", "10.7.7.1", "dev", "other0")  # fmt: skip
    remember()
    network.move()
    assert "10.7.7.1" in network.set("route", "show", "default")
    assert routes.state() == routes.LOST

    routes.restore()

    wanted = [("10.9.9.1", "ovirtmgmt", 1), ("10.7.7.1", "other0", 1)]
    assert hops(network, "route", "show", "default") == wanted
    assert routes.state() == routes.UNSAVED


@pytest.mark.parametrize("compatible", ["1", "0"])
def test_a_route_by_a_next_hop_object_comes_back_without_it(network, compatible):
    sysctl = f"net.ipv4.nexthop_compat_mode={compatible}"
    subprocess.run(["ip", "netns", "exec", network.name, "sysctl", "-qw", sysctl], check=True)
    for identifier, via in (("10", "10.9.9.1"), ("11", "10.9.9.3")):
        network.set("nexthop", "add", "id", identifier, "via", via, "dev", "host0")
    network.set("nexthop", "add", "id", "20", "group", "10,3/11")
    network.set("route", "del", "default")
    network.set("route", "add", "default", "nhid", "20")
    network.set("route", "add", "10.6.0.0/16", "nhid", "11")
    remember()
    assert routes.state() == routes.THERE
    network.move()

    routes.restore()

    wanted = [("10.9.9.1", "ovirtmgmt", 3), ("10.9.9.3", "ovirtmgmt", 1)]
    assert hops(network, "route", "show", "default") == wanted
    assert hops(network, "route", "show", "10.6.0.0/16") == [("10.9.9.3", "ovirtmgmt", 1)]


def test_an_ipv4_route_by_an_ipv6_gateway_comes_back(network):
    network.set("route", "del", "default")
    network.set("-4", "route", "add", "default", "via", "inet6", "fe80::1", "dev", "host0")
    network.set("route", "add", "10.5.0.0/16", "via", "10.9.9.1", "dev", "host0", "mtu", "1400")
    remember()
    network.move()

    routes.restore()

    assert hops(network, "-4", "route", "show", "default") == [("fe80::1", "ovirtmgmt", 1)]
    assert "mtu 1400" in network.set("route", "show", "10.5.0.0/16")


@pytest.mark.feature("ipv6")
def test_an_ipv6_default_route_by_two_gateways_comes_back_whole(network):
    network.set("address", "add", "fd99::11/64", "dev", "host0", "nodad")
    network.set("-6", "route", "add", "default", "nexthop", "via", "fd99::1", "dev", "host0",
                "nexthop", "via", "fd99::2", "dev", "host0")  # fmt: skip
    routes.remember(["fd99::11"], "ovirtmgmt")
    network.move()
    network.set("-6", "route", "flush", "dev", "host0")
    network.set("address", "add", "fd99::11/64", "dev", "ovirtmgmt", "nodad")

    routes.restore()

    wanted = [("fd99::1", "ovirtmgmt", 1), ("fd99::2", "ovirtmgmt", 1)]
    assert sorted(hops(network, "-6", "route", "show", "default")) == wanted


def test_a_route_by_a_gateway_waits_for_the_one_to_that_gateway(network):
    network.set("route", "add", "10.10.0.1/32", "dev", "host0")
    network.set("route", "replace", "default", "via", "10.10.0.1", "dev", "host0")
    remember()
    network.move()

    routes.restore()

    assert hops(network, "route", "show", "default") == [("10.10.0.1", "ovirtmgmt", 1)]


@pytest.mark.parametrize("metric", [None, "50"])
def test_the_gateway_of_a_route_by_several_is_its_first(network, metric, monkeypatch):
    monkeypatch.setattr(address, "of", lambda _: "ipv4")
    words = ["metric", metric] if metric else []
    network.set("route", "del", "default")
    network.set("route", "add", "default", *words, *TWO_GATEWAYS)
    network.set("route", "add", "default", "via", "10.9.9.7", "dev", "host0", "metric", "900")
    settings = {"network": {"gateway": "", "name": "ovirtmgmt"}, "host": {"interface": ""}}

    assert routes.default_gateway(settings) == "10.9.9.1"


def test_the_live_default_route_counts_before_a_recorded_one(network, monkeypatch):
    """A record that an aborted run left; the site has another router since."""
    monkeypatch.setattr(address, "of", lambda _: "ipv4")
    settings = {"network": {"gateway": "", "name": "ovirtmgmt"}, "host": {"interface": ""}}
    remember()
    network.set("route", "replace", "default", "via", "10.9.9.99", "dev", "host0")
    assert routes.default_gateway(settings) == "10.9.9.99"

    network.set("route", "del", "default")
    assert routes.default_gateway(settings) == "10.9.9.1"


def test_another_default_route_is_left_alone(network):
    remember()
    network.move()
    network.set("route", "add", "default", "via", "10.9.9.254", "dev", "ovirtmgmt")

    routes.restore()

    assert network.routes()["default"]["gateway"] == "10.9.9.254"


def test_what_was_recorded_stays_while_it_is_still_lost(network):
    remember()
    network.move()

    remember()

    assert {route["dst"] for route in records.read("routes")["routes"]} == {
        "default",
        "10.8.0.0/16",
    }


def test_a_boot_that_undid_the_bridge_is_noticed(network):
    remember()
    network.move()
    routes.restore()
    network.move_back()
    records.write("routes", records.read("routes") | {"boot": "an earlier one"})

    assert routes.state() == routes.ROLLED_BACK


def test_an_address_of_nobody_names_the_pillar_s_key(network):
    with pytest.raises(CommandExecutionError, match="hosted_engine:host:address"):
        routes.remember(["192.0.2.200"], "ovirtmgmt")


def test_nothing_is_restored_without_a_record(network):
    with pytest.raises(CommandExecutionError, match="by hand"):
        routes.restore()
