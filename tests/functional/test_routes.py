"""Routes that the engine's installation of a host loses, in a network namespace of the test."""

from __future__ import annotations

import json
import os

import pytest
from ovirt_he.core import records
from ovirt_he.host import address_family, routes
from salt.exceptions import CommandExecutionError

from functional.network_namespace import network, remember

__all__ = ["network"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's")


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


def test_the_live_default_route_counts_before_a_recorded_one(network, monkeypatch):
    """A record that an aborted run left; the site has another router since."""
    monkeypatch.setattr(address_family, "of", lambda _: "ipv4")
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
