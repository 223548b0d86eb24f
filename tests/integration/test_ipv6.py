"""
A whole deployment over IPv6: host, NAT network, guest and engine have no IPv4 address in it.

The lab's names of six.lab.test have IPv6 addresses only; storage is the same as elsewhere.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .engine_api import Engine
from .site import ADMIN_PASSWORD, BOOTSTRAP, Site, changes, failures

pytestmark = pytest.mark.extensive
FQDN, ADDRESS, HOST = "engine1.six.lab.test", "fd77::101", "hv1.six.lab.test"
PILLAR = Path(__file__).parents[1] / "lab" / "hosts" / "pillar.sls"


@pytest.fixture(scope="module")
def bootstrap(site: Site) -> Site:
    """The phases up to engine-setup, with the lab's pillar changed to IPv6."""
    text = PILLAR.read_text()
    text = text.replace("engine{{ number }}.lab.test", FQDN)
    text = text.replace("emulation: true", f"emulation: true\n    address: {HOST}")
    text = re.sub(r"address: 10\.77.*/24", f"address: {ADDRESS}/64\n    hosts_entries: true", text)
    text = text.replace("dns: [10.77.0.1]", "dns: [fd77::1]\n    search_domain: six.lab.test")
    text += "  network:\n    family: ipv6\n    mtu: 1400\n"
    site.run(["tee", "/srv/pillar/hosted_engine.sls"], input=text)
    states = site.apply("hosted_engine.bootstrap")
    assert not failures(states), failures(states)
    return site


@pytest.fixture(scope="module")
def deployed(bootstrap: Site) -> Site:
    states = bootstrap.apply()
    assert not failures(states), failures(states)
    return bootstrap


@pytest.mark.feature("ipv6")
def test_the_bootstrap_vm_has_no_ipv4(bootstrap: Site) -> None:
    network = bootstrap.output("virsh", "-r", "net-dumpxml", "hosted-engine")
    assert "<nat ipv6='yes'" in network
    assert "family='ipv6'" in network
    assert "netmask" not in network
    found = re.search(r"address='([^']+)1' prefix", network)
    assert found, network
    command = ["ip", "-j", "address", "show", "scope", "global"]
    said = bootstrap.output(
        "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={BOOTSTRAP}/known_hosts", "-i", f"{BOOTSTRAP}/client_key",
        f"root@{found[1]}a", *command,
    )  # fmt: skip
    links = json.loads(said)
    families = {at["family"] for link in links for at in link.get("addr_info", []) if at}
    assert families == {"inet6"}


@pytest.mark.feature("ipv6")
def test_rules_keep_host_and_guest_talking(bootstrap: Site) -> None:
    rules = bootstrap.json("ip", "-j", "-6", "rule")
    ours = {(rule["priority"], rule.get("dst"), rule["src"]) for rule in rules}

    assert {(100, "fd00:1234:5678:900::", "all"), (101, None, "fd00:1234:5678:900::")} <= ours


@pytest.mark.feature("ipv6", "family", "static")
def test_the_engine_is_healthy_at_its_ipv6_address(deployed: Site) -> None:
    status = deployed.json("hosted-engine", "--vm-status", "--json")
    engine = Engine(deployed.run, FQDN, "/etc/pki/vdsm/certs/cacert.pem", ADMIN_PASSWORD)

    assert status["1"]["engine-status"]["health"] == "good"
    assert "Welcome to Health Status" in engine.health()
    assert FQDN not in deployed.output("cat", "/etc/hosts").replace(f"{ADDRESS} {FQDN}", "")
    assert deployed.output("getent", "ahosts", FQDN).split()[0] == ADDRESS
    mac = deployed.call("hosted_engine.settings")["vm"]["mac"]
    neighbours = deployed.json("ip", "-j", "-6", "neigh", "show", ADDRESS)
    assert {one["lladdr"] for one in neighbours if "lladdr" in one} == {mac}
    assert [host.findtext("address") for host in engine.get("/hosts")] == [HOST]


@pytest.mark.feature("mtu")
def test_the_engine_s_network_has_the_mtu(deployed: Site) -> None:
    engine = Engine(deployed.run, FQDN, "/etc/pki/vdsm/certs/cacert.pem", ADMIN_PASSWORD)

    assert engine.named("networks", "ovirtmgmt").findtext("mtu") == "1400"


@pytest.mark.feature("ipv6")
def test_routes_of_both_families_are_back(deployed: Site) -> None:
    for option, gateway in (("-4", "10.77.0.1"), ("-6", "fd77::1")):
        (route,) = deployed.json("ip", "-j", option, "route", "show", "default")
        assert (route["gateway"], route["dev"]) == (gateway, "ovirtmgmt")
    priorities = {rule["priority"] for rule in deployed.json("ip", "-j", "-6", "rule")}
    assert not priorities & {100, 101}, "the bootstrap's rules are gone"


@pytest.mark.feature("hosts_entries", "search_domain")
def test_the_final_guest_s_files(deployed: Site) -> None:
    with deployed.backup("HostedEngine", "vda") as files:
        hosts = (files / "etc/hosts").read_text()
        profiles = files / "etc/NetworkManager/system-connections"
        network = "".join(entry.read_text() for entry in profiles.iterdir())

    assert f"{ADDRESS} {FQDN} engine1\n" in hosts
    assert f"fd77::11 {HOST} " in hosts
    assert "hosted-engine bootstrap" not in hosts
    assert f"address1={ADDRESS}/64,fd77::1\n" in network
    assert "dns-search=six.lab.test;" in network
    assert "mtu=1400" in network
    assert "fd00:1234" not in network


def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply()

    assert not failures(states), failures(states)
    assert changes(states) == {}
