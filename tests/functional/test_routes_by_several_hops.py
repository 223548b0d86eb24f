"""Routes by several next hops that a host loses, in a network namespace of the test."""

from __future__ import annotations

import os
import subprocess

import pytest
from ovirt_he.host import address_family, routes

from functional.network_namespace import TWO_GATEWAYS, hops, network, remember

__all__ = ["network"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's")


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
    monkeypatch.setattr(address_family, "of", lambda _: "ipv4")
    words = ["metric", metric] if metric else []
    network.set("route", "del", "default")
    network.set("route", "add", "default", *words, *TWO_GATEWAYS)
    network.set("route", "add", "default", "via", "10.9.9.7", "dev", "host0", "metric", "900")
    settings = {"network": {"gateway": "", "name": "ovirtmgmt"}, "host": {"interface": ""}}

    assert routes.default_gateway(settings) == "10.9.9.1"
