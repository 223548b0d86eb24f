"""hosted_engine_network with libvirt's test driver, and iproute2 in a namespace of its own."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from functional.rules_namespace import ABSENT, NAME, UP, ip, namespace, rules

__all__ = ["namespace"]


def definition(connection: Any) -> ElementTree.Element:
    return ElementTree.fromstring(connection.networkLookupByName(NAME).XMLDesc())


def test_a_bare_host_gets_its_network(host, hypervisor, namespace):
    ret = host.minion.state(UP, NAME)

    assert ret["result"] is True, ret
    assert ret["changes"]["done"] == [
        "hosted_engine_network.define",
        "hosted_engine_network.start",
        "hosted_engine_network.add_rule",
    ]
    assert hypervisor.networkLookupByName(NAME).isActive()
    lease = definition(hypervisor).find("ip/dhcp/host")
    assert lease is not None
    assert lease.get("ip") == "192.168.222.10" == host.minion("hosted_engine_network.address")
    assert lease.get("mac") == host.minion("hosted_engine.settings")["vm"]["mac"]
    assert rules(namespace) == {
        (100, "all", "192.168.222.0", "main"),
        (101, "192.168.222.0", None, "main"),
    }
    again = host.minion.state(UP, NAME)
    assert (again["result"], again["changes"]) == (True, {})


def test_test_mode_only_says_what_is_next(host, hypervisor, namespace):
    ret = host.minion.state(UP, NAME, test=True)

    assert ret["result"] is None
    assert "hosted_engine_network.define" in ret["comment"]
    assert NAME not in hypervisor.listDefinedNetworks() + hypervisor.listNetworks()
    assert rules(namespace) == set()


@pytest.mark.feature("subnet")
@pytest.mark.parametrize(
    "taken",
    [
        ("address", "add", "192.168.222.77/24", "dev", "lo"),
        ("route", "add", "192.168.0.0/16", "dev", "lo"),
        ("route", "add", "192.168.222.128/25", "dev", "lo", "table", "77"),
    ],
    ids=["address", "route", "another table's route"],
)
@pytest.mark.feature("subnet")
def test_a_subnet_that_the_site_uses_is_passed_over(host, hypervisor, namespace, taken):
    ip(namespace, *taken)

    host.minion.state(UP, NAME)

    ends = definition(hypervisor).find("ip")
    assert ends is not None
    wanted = "10.253.222.1" if "/16" in taken[2] else "192.168.223.1"
    assert ends.get("address") == wanted


def test_where_the_engine_will_live_isnt_taken_either(host, hypervisor):
    host.with_pillar(
        vm={"address": "192.168.222.5/24"}, network={"gateway": "192.168.223.1"}
    ).state(UP, NAME)

    ends = definition(hypervisor).find("ip")
    assert ends is not None
    assert ends.get("address") == "192.168.1.1"


def test_no_subnet_left_is_told_with_what_is_in_the_way(host, hypervisor, namespace):
    ip(namespace, "route", "add", "192.168.0.0/16", "dev", "lo")
    subnets = {"subnets": ["192.168.222.0/24"], "directory": str(host.directory)}

    ret = host.with_pillar(bootstrap=subnets).state(UP, NAME)

    assert ret["result"] is False
    assert "bootstrap:subnets" in ret["comment"]
    assert "192.168.0.0/16" in ret["comment"]


def test_a_lost_rule_comes_back_and_the_subnet_stays(host, hypervisor, namespace):
    host.minion.state(UP, NAME)
    ip(namespace, "address", "add", "192.168.222.1/24", "dev", "lo")
    ip(namespace, "rule", "delete", "priority", "100")

    ret = host.minion.state(UP, NAME)

    assert ret["changes"]["done"] == ["hosted_engine_network.add_rule"]
    assert len(rules(namespace)) == 2


def test_another_mac_changes_the_lease_alone(host, hypervisor):
    host.minion.state(UP, NAME)
    uuid = hypervisor.networkLookupByName(NAME).UUIDString()

    ret = host.with_pillar(vm={"mac": "00:16:3E:00:00:99"}).state(UP, NAME)

    assert ret["changes"]["done"] == ["hosted_engine_network.define", "hosted_engine_network.start"]
    lease = definition(hypervisor).find("ip/dhcp/host")
    assert lease is not None
    assert (lease.get("mac"), lease.get("ip")) == ("00:16:3e:00:00:99", "192.168.222.10")
    assert hypervisor.networkLookupByName(NAME).UUIDString() == uuid


def test_a_network_of_someone_elses_is_left_alone(host, hypervisor):
    hypervisor.networkDefineXML(f"<network><name>{NAME}</name></network>")

    ret = host.minion.state(UP, NAME)

    assert ret["result"] is False
    assert "isn't ours" in ret["comment"]
    assert definition(hypervisor).find("ip") is None


def ipv6_rules(namespace: str) -> set[tuple[Any, ...]]:
    found = ip(namespace, "-6", "rule", "show")
    return {(r["priority"], r["src"], r.get("dst")) for r in found if r["priority"] in (100, 101)}


@pytest.mark.feature("ipv6")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_in_ipv6_the_network_has_no_ipv4(host, hypervisor, namespace, test):
    ip(namespace, "-6", "address", "add", "fd00:1234:5678:900::5/64", "dev", "lo")
    minion = host.with_pillar(network={"family": "ipv6"}, vm={"address": "2001:db8::10/64"})

    ret = minion.state(UP, NAME, test=test)

    if test:
        assert ret["result"] is None
        assert NAME not in hypervisor.listDefinedNetworks() + hypervisor.listNetworks()
        assert ipv6_rules(namespace) == set()
        return
    assert ret["result"] is True, ret
    tree = definition(hypervisor)
    (ends,) = tree.findall("ip")
    assert (ends.get("family"), ends.get("prefix")) == ("ipv6", "64")
    assert ends.get("address") == "fd00:1234:5678:901::1", "the first one is taken"
    nat = tree.find("forward/nat")
    assert nat is not None
    assert nat.get("ipv6") == "yes"
    assert minion("hosted_engine_network.address") == "fd00:1234:5678:901::a"
    assert ipv6_rules(namespace) == {
        (100, "all", "fd00:1234:5678:901::"),
        (101, "fd00:1234:5678:901::", None),
    }
    assert rules(namespace) == set()
    again = minion.state(UP, NAME)
    assert (again["result"], again["changes"]) == (True, {})
    assert minion.state(ABSENT, NAME)["result"] is True
    assert ipv6_rules(namespace) == set()


@pytest.mark.feature("family")
def test_another_family_makes_the_network_anew(host, hypervisor, namespace):
    host.minion.state(UP, NAME)
    uuid = hypervisor.networkLookupByName(NAME).UUIDString()

    ret = host.with_pillar(network={"family": "ipv6"}).state(UP, NAME)

    assert ret["changes"]["family"] == {"old": "ipv4", "new": "ipv6"}
    assert rules(namespace) == set()
    assert len(ipv6_rules(namespace)) == 2
    assert hypervisor.networkLookupByName(NAME).UUIDString() == uuid


def test_a_network_of_ipv6_on_another_bridge_is_not_ours(host, hypervisor):
    hypervisor.networkDefineXML(
        f"<network><name>{NAME}</name><forward mode='nat'/><bridge name='virbr7'/>"
        "<ip family='ipv6' address='fd00:1234:5678:900::1' prefix='64'/></network>"
    )

    ret = host.with_pillar(network={"family": "ipv6"}).state(UP, NAME)

    assert ret["result"] is False
    assert "isn't ours" in ret["comment"]


def test_absent_leaves_neither_network_nor_rules(host, hypervisor, namespace):
    host.minion.state(UP, NAME)

    tested = host.minion.state(ABSENT, NAME, test=True)
    assert tested["result"] is None
    assert hypervisor.networkLookupByName(NAME).isActive()
    ret = host.minion.state(ABSENT, NAME)

    assert ret["result"] is True, ret
    assert NAME not in hypervisor.listDefinedNetworks() + hypervisor.listNetworks()
    assert rules(namespace) == set()
    assert host.minion.state(ABSENT, NAME)["changes"] == {}


def test_a_deployed_host_is_left_alone(host, hypervisor):
    host.deploy()

    ret = host.minion.state(UP, NAME)

    assert ret["result"] is False
    assert "deployed hosted engine" in ret["comment"]
    assert NAME not in hypervisor.listDefinedNetworks()
