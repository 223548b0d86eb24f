"""Preflight's checks of names, addresses and routes, each on a host that has one fault."""

from __future__ import annotations

import pytest
from ovirt_he.core import records
from ovirt_he.host import subnet
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import network

from unit.preflight_lab import ROUTES


@pytest.mark.parametrize(
    "addresses", [[], ["127.0.1.1"], ["192.0.2.11"], ["192.0.2.99"], ["192.0.2.10", "::1"]]
)
def test_the_engine_s_name_must_lead_to_its_final_address(lab, addresses):
    lab.names["engine.example.com"] = addresses

    assert lab.keys(network.engine_name) == ["engine:fqdn"]


def in_ipv6(lab) -> None:
    """The same host, with addresses of the other family beside its own."""
    lab.pillar["hosted_engine"]["vm"]["address"] = "2001:db8::10/64"
    lab.links[1]["addr_info"].append({"local": "2001:db8::11", "prefixlen": 64})
    lab.routes[0]["gateway"] = "2001:db8::1"
    lab.names["engine.example.com"] = ["2001:db8::10"]
    lab.names["node1.example.com"] = ["2001:db8::11", "192.0.2.11"]


@pytest.mark.feature("ipv6")
def test_a_host_that_fits_in_ipv6(lab):
    in_ipv6(lab)
    host = lab.host()

    assert preflight.pillar_problems(lab.pillar, host) == []
    assert preflight.found(network.CHECKS, host) == []


@pytest.mark.feature("ipv6", "host_name")
@pytest.mark.parametrize(
    ("name", "addresses", "check"),
    [
        ("engine.example.com", ["192.0.2.10"], network.engine_name),
        ("engine.example.com", ["2001:db8::99"], network.engine_name),
        ("node1.example.com", ["192.0.2.11"], network.host_name),
        ("node1.example.com", ["2001:db8::11", "2001:db8::99"], network.host_name),
    ],
)
def test_names_lead_to_the_family_s_addresses(lab, name, addresses, check):
    in_ipv6(lab)
    lab.names[name] = addresses

    (told,) = lab.problems(check)
    assert name in told["problem"]


@pytest.mark.feature("ipv6")
def test_an_address_is_the_same_however_it_is_written(lab):
    in_ipv6(lab)
    lab.pillar["hosted_engine"]["vm"]["address"] = "2001:DB8:0::0010/64"

    assert lab.keys(network.engine_name) == []


@pytest.mark.feature("ipv6")
def test_the_interface_has_a_global_address_of_the_family(lab):
    in_ipv6(lab)
    lab.links[1]["addr_info"][1]["local"] = "fe80::11"

    (told,) = lab.problems(network.management_interface)
    assert "no IPv6 address" in told["problem"]


@pytest.mark.feature("ipv6")
def test_the_gateway_is_on_the_guest_s_link(lab):
    in_ipv6(lab)
    for gateway, keys in (("fe80::1", []), ("2001:db8:1::1", ["vm:address"])):
        lab.routes[0]["gateway"] = gateway
        assert lab.keys(network.static_address) == keys


@pytest.mark.feature("subnet")
@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("vm", "dns", ["192.168.222.53"]),
        ("network", "gateway", "192.168.222.1"),
        ("storage", "address", "192.168.222.5"),
        ("resolv.conf", "", "nameserver 192.168.222.53"),
    ],
)
def test_the_nat_subnet_holds_nobody_whom_the_engine_must_reach(lab, tmp_path, group, key, value):
    settings = lab.pillar["hosted_engine"]
    settings["bootstrap"]["subnets"] = ["192.168.222.0/24"]
    lab.names["192.168.222.5"] = ["192.168.222.5"]
    assert lab.keys(network.subnet_is_free) == []

    if key:
        settings.setdefault(group, {})[key] = value
    else:
        (tmp_path / group).write_text(value)

    (told,) = lab.problems(network.subnet_is_free)
    assert "192.168.222" in told["problem"]


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 127.0.0.53\noptions edns0\n", ["192.0.2.53", "192.0.2.54"]),
        ("nameserver 127.0.0.1\n", ["127.0.0.1"]),
        ("# nameserver 192.0.2.1\nnameserver\nnameserver 192.0.2.2\n", ["192.0.2.2"]),
    ],
)
def test_resolvers_are_those_that_systemd_resolved_asks(tmp_path, monkeypatch, text, servers):
    """Its own address answers with what the hosts file says as well."""
    (tmp_path / "stub").write_text(text)
    (tmp_path / "upstream").write_text("nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch .\n")
    monkeypatch.setattr(subnet, "RESOLVERS", tmp_path / "stub")
    monkeypatch.setattr(subnet, "UPSTREAM", tmp_path / "upstream")

    assert subnet.resolvers() == servers


@pytest.mark.feature("subnet", "ipv6")
def test_in_ipv6_another_list_is_chosen_from(lab):
    in_ipv6(lab)
    lab.all_routes.append({"dst": "fd00:1234:5678::/48"})

    assert lab.keys(network.subnet_is_free) == ["bootstrap:subnets_ipv6"]


def test_with_dhcp_the_engine_s_name_must_resolve_to_something(lab):
    del lab.pillar["hosted_engine"]["vm"]["address"]
    lab.names["engine.example.com"] = ["192.0.2.77"]
    assert lab.keys(network.engine_name) == []

    del lab.names["engine.example.com"]
    (told,) = lab.problems(network.engine_name)
    assert "DHCP" in told["advice"]


@pytest.mark.parametrize(
    ("dns", "keys"),
    [
        (["192.0.2.10"], []),
        (["192.0.2.99"], ["engine:fqdn"]),
        ([], []),
        # A caching resolver that reads the hosts file too knows no more than our line.
        (["192.168.222.10"], []),
    ],
)
def test_on_the_way_our_own_line_does_not_count(lab, tmp_path, dns, keys):
    (tmp_path / "hosts").write_text(
        "127.0.0.1 localhost\n192.168.222.10 engine.example.com # hosted-engine bootstrap\n"
    )
    lab.names["engine.example.com"] = ["192.168.222.10"]
    lab.dns["engine.example.com"] = dns

    assert lab.keys(network.engine_name) == keys


def test_a_line_of_somebody_s_for_the_engine_s_name_is_told(lab, tmp_path):
    (tmp_path / "hosts").write_text(
        "# 192.0.2.10 engine.example.com\n192.0.2.10\tEngine.example.com engine # ours\n"
    )
    (told,) = lab.problems(network.hosts_file_is_free)
    assert "192.0.2.10" in told["problem"]

    (tmp_path / "hosts").write_text(
        "192.168.222.10 engine.example.com # hosted-engine bootstrap\n192.0.2.11 node1\n"
    )
    assert lab.keys(network.hosts_file_is_free) == []


@pytest.mark.feature("host_name")
@pytest.mark.parametrize(
    "addresses", [[], ["127.0.1.1"], ["192.0.2.99"], ["192.0.2.11", "2001:db8::1"]]
)
@pytest.mark.feature("host_name")
def test_the_host_s_name_must_lead_to_its_management_interface_only(lab, addresses):
    lab.names["node1.example.com"] = addresses

    assert lab.keys(network.host_name) == ["host:address"]


@pytest.mark.parametrize("interface", ["eno7", "eno2"])
def test_the_management_interface_must_be_there_with_an_address(lab, interface):
    lab.pillar["hosted_engine"]["host"] = {"interface": interface}

    assert lab.keys(network.management_interface) == ["host:interface"]


def test_without_a_default_route_the_interface_is_asked_for(lab):
    lab.routes.clear()
    assert lab.keys(network.management_interface) == ["host:interface"]

    lab.pillar["hosted_engine"]["host"] = {"interface": "eno1"}
    (told,) = lab.problems(network.management_interface)
    assert "no default route" in told["problem"]


@pytest.mark.parametrize("named", [{}, {"interface": "eno1"}])
def test_a_default_route_by_two_gateways_is_one(lab, named):
    """iproute2 then puts device and gateway into a list of next hops."""
    lab.pillar["hosted_engine"]["host"] = named
    lab.routes[0] = {"dst": "default", "flags": [], "nexthops": [
        {"gateway": "192.0.2.1", "dev": "eno1", "weight": 1, "flags": []},
        {"gateway": "192.0.2.2", "dev": "eno1", "weight": 1, "flags": []},
    ]}  # fmt: skip
    host = lab.host()

    assert (host.interface, host.gateway) == ("eno1", "192.0.2.1")
    assert preflight.found(network.CHECKS, host) == []


def test_a_gateway_of_the_other_family_is_no_gateway_of_the_engine(lab):
    lab.routes[0] = {"dst": "default", "dev": "eno1", "via": {"family": "inet6", "host": "fe80::1"}}

    assert lab.keys(network.management_interface) == []
    (told,) = lab.problems(network.static_address)
    assert "fe80::1, which isn't an IPv4 address" in told["problem"]


def test_on_the_way_the_bridge_counts_and_a_lost_default_route_is_ours_to_restore(lab):
    lab.links[1]["addr_info"] = []
    lab.links.append(
        {"ifname": "ovirtmgmt", "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}]}
    )
    lab.routes.clear()
    records.write("routes", {"routes": ROUTES})

    assert lab.keys(network.management_interface) == []
    assert lab.keys(network.host_name) == []
    assert lab.keys(network.static_address) == []


@pytest.mark.feature("static")
def test_a_static_address_lies_in_the_gateway_s_network(lab):
    lab.pillar["hosted_engine"]["network"] = {"gateway": "198.51.100.1"}

    assert lab.keys(network.static_address) == ["vm:address"]


def test_the_vm_s_own_card_may_have_its_address(lab):
    lab.pillar["hosted_engine"]["vm"]["mac"] = "00:16:3E:12:34:56"
    lab.neighbours.append({"dst": "192.0.2.10", "lladdr": "00:16:3e:12:34:56"})

    assert lab.keys(network.static_address) == []


def test_a_static_address_that_answers_is_in_use(lab):
    lab.neighbours.append({"dst": "192.0.2.10", "lladdr": "52:54:00:99:99:99"})
    (told,) = lab.problems(network.static_address)
    assert "52:54:00:99:99:99" in told["problem"]

    lab.neighbours[0] = {"dst": "192.0.2.10", "state": ["FAILED"]}  # type: ignore[dict-item]
    assert lab.keys(network.static_address) == []


def test_the_mac_address_is_not_one_of_the_host_s(lab):
    lab.pillar["hosted_engine"]["vm"]["mac"] = "52:54:00:00:00:02"

    assert lab.keys(network.mac_is_free) == ["vm:mac"]


def test_one_nat_subnet_must_be_free(lab, tmp_path):
    lab.all_routes += [{"dst": "192.168.0.0/16"}, {"dst": "10.0.0.0/8"}, {"dst": "fe80::/64"}]
    assert lab.keys(network.subnet_is_free) == ["bootstrap:subnets"]

    lab.all_routes.pop(-2)
    assert lab.keys(network.subnet_is_free) == []

    lab.all_routes.append({"dst": "10.253.222.0/24"})
    (tmp_path / "network.xml").touch()
    assert lab.keys(network.subnet_is_free) == []
