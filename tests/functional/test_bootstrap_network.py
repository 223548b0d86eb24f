"""hosted_engine_network with libvirt's test driver, and iproute2 in a namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from ovirt_he.core import command

from functional.bootstrap_host import Host

UP, ABSENT = "hosted_engine_network.up", "hosted_engine_network.absent"
NAME = "hosted-engine"


@pytest.fixture(autouse=True)
def namespace(host, monkeypatch) -> Iterator[str]:
    """Rules, routes and addresses that are nobody else's."""
    name = f"hosted-engine-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    run = command.run

    def inside(*arguments: str, **more: Any) -> Any:
        prefix = ("ip", "netns", "exec", name) if arguments[0] == "ip" else ()
        return run(*prefix, *arguments, **more)

    monkeypatch.setattr(command, "run", inside)
    ip(name, "link", "set", "lo", "up")
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=True)


def ip(namespace: str, *arguments: str) -> Any:
    asked = subprocess.run(
        ["ip", "-n", namespace, "-j", *arguments], capture_output=True, check=True, text=True
    )
    return json.loads(asked.stdout or "[]")


def rules(namespace: str) -> set[tuple[Any, ...]]:
    found = ip(namespace, "rule", "show")
    return {
        (r["priority"], r["src"], r.get("dst"), r["table"])
        for r in found
        if r["priority"] in (100, 101)
    }


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


class Firewall:
    """firewalld's answers: what it knows, and what the zone has now and later."""

    def __init__(self, host: Host, monkeypatch) -> None:
        self.known = "dhcp libvirt-tls ovirt-imageio ssh vdsm"
        self.now, self.later = {"ssh"}, {"ssh", "vdsm"}
        which = shutil.which
        monkeypatch.setattr(
            shutil, "which", lambda name: "/bin/x" if name == "firewall-cmd" else which(name)
        )
        run = command.run

        def answer(*arguments: str, **more: Any) -> Any:
            if arguments[0] != "firewall-cmd":
                return run(*arguments, **more)
            return subprocess.CompletedProcess(arguments, 0, self.asked(arguments[1:]), "")

        monkeypatch.setattr(command, "run", answer)

    def asked(self, options: tuple[str, ...]) -> str:
        zone = self.later if "--permanent" in options else self.now
        if "--get-services" in options:
            return self.known
        if "--list-services" in options:
            return " ".join(zone)
        zone |= {o.partition("=")[2] for o in options if o.startswith("--add-service=")}
        assert "--reload" not in options
        return ""


@pytest.mark.feature("firewalld")
def test_the_firewall_is_opened_for_now_and_for_good(host, hypervisor, monkeypatch):
    firewall = Firewall(host, monkeypatch)

    ret = host.minion.state(UP, NAME)

    assert ret["changes"]["firewall"]["new"] == "open"
    assert firewall.now == firewall.later == {"ssh", "vdsm", "libvirt-tls", "ovirt-imageio"}
    assert "no firewalld" not in ret["comment"]
    assert host.minion.state(UP, NAME)["changes"] == {}


@pytest.mark.feature("firewalld")
def test_without_firewalld_the_comment_says_what_must_be_let_in(host, hypervisor):
    assert shutil.which("firewall-cmd") is None, "this machine has none"

    ret = host.minion.state(UP, NAME)

    assert ret["result"] is True, ret
    assert "no firewalld runs here" in ret["comment"]
    assert "libvirt-tls" in ret["comment"]


def test_a_deployed_host_is_left_alone(host, hypervisor):
    host.deploy()

    ret = host.minion.state(UP, NAME)

    assert ret["result"] is False
    assert "deployed hosted engine" in ret["comment"]
    assert NAME not in hypervisor.listDefinedNetworks()
