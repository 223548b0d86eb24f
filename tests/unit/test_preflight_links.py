"""
Preflight's checks of the management interface, on what ``ip -d -j address`` prints.

The samples are of iproute2's form, cut to what matters and to some that doesn't; a test changes one
thing. The machine that runs the tests has neither bonds nor VLANs.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import hosted_engine_preflight_links as links
import pytest

from unit.test_preflight import Lab, lab

__all__ = ["lab"]


def plain(name: str, number: int, **more: Any) -> dict[str, Any]:
    mac = f"52:54:00:00:00:{number:02x}"
    return {
        "ifindex": number, "ifname": name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "mtu": 1500, "qdisc": "mq", "operstate": "UP", "link_type": "ether", "address": mac,
        "promiscuity": 0, "min_mtu": 68, "max_mtu": 9216, "inet6_addr_gen_mode": "none",
        "num_tx_queues": 8, "parentbus": "pci", "parentdev": f"0000:01:00.{number}",
        "addr_info": [],
    } | more  # fmt: skip


def slave(name: str, number: int, master: str) -> dict[str, Any]:
    data = {"state": "ACTIVE", "mii_status": "UP", "link_failure_count": 0, "queue_id": 0}
    linkinfo = {"info_slave_kind": "bond", "info_slave_data": data}
    flags = ["BROADCAST", "MULTICAST", "SLAVE", "UP", "LOWER_UP"]
    return plain(name, number, master=master, flags=flags, linkinfo=linkinfo)


def bond(name: str, number: int, mode: str) -> dict[str, Any]:
    data = {"mode": mode, "miimon": 100, "updelay": 0, "downdelay": 0, "xmit_hash_policy": "layer2"}
    flags = ["BROADCAST", "MULTICAST", "MASTER", "UP", "LOWER_UP"]
    return plain(name, number, flags=flags, linkinfo={"info_kind": "bond", "info_data": data})


def vlan(name: str, number: int, below: str, identifier: int) -> dict[str, Any]:
    data = {"protocol": "802.1Q", "id": identifier, "flags": ["REORDER_HDR"]}
    return plain(name, number, link=below, linkinfo={"info_kind": "vlan", "info_data": data})


ADDRESS = {
    "family": "inet", "local": "192.0.2.11", "prefixlen": 24, "broadcast": "192.0.2.255",
    "scope": "global", "noprefixroute": True, "label": "x", "valid_life_time": 4294967295,
}  # fmt: skip


def carrying(*made: dict[str, Any]) -> list[dict[str, Any]]:
    """Links of which the last one has the management address."""
    found = [copy.deepcopy(link) for link in made]
    found[-1]["addr_info"] = [ADDRESS]
    return json.loads(json.dumps(found))


def told(lab: Lab, made: list[dict[str, Any]], **network: Any) -> dict[str, str]:
    lab.links = made
    # Names are anybody's choice: what an interface is follows from its kind.
    lab.routes[0]["dev"] = made[-1]["ifname"]
    lab.pillar["hosted_engine"]["network"] = network
    found = [one for check in links.CHECKS for one in lab.problems(check)]
    return {one["key"].removeprefix("hosted_engine:"): one["problem"] for one in found}


@pytest.mark.feature("bond")
@pytest.mark.parametrize("mode", ["active-backup", "balance-xor", "broadcast", "802.3ad"])
def test_bonds_that_carry_a_bridge(lab, mode):
    made = carrying(
        slave("eno1", 2, "eno7.10"), slave("eno2", 3, "eno7.10"), bond("eno7.10", 4, mode)
    )

    assert told(lab, made) == {}


@pytest.mark.feature("bond")
@pytest.mark.parametrize("mode", ["balance-rr", "balance-tlb", "balance-alb"])
@pytest.mark.parametrize("above", [False, True], ids=["bond", "VLAN on it"])
def test_other_modes_are_refused_wherever_the_bond_is(lab, mode, above):
    made = [slave("eno1", 2, "uplink"), bond("uplink", 4, mode)]
    made += [vlan("management", 5, "uplink", 10)] if above else []

    problems = told(lab, carrying(*made), vlan=10 if above else 0)

    assert list(problems) == ["host:interface"]
    assert f"mode {mode}" in problems["host:interface"]


@pytest.mark.feature("bond")
def test_a_bond_without_slaves_leads_nowhere(lab):
    problems = told(lab, carrying(plain("eno1", 2), bond("bond0", 4, "802.3ad")))

    assert "bond0 is a bond without slaves" in problems["host:interface"]


@pytest.mark.feature("bond")
@pytest.mark.parametrize(
    ("kind", "what"),
    [("team", "a team"), ("bridge", "bridge of this host's own"), ("openvswitch", "Open vSwitch"),
     ("macvlan", "a macvlan"), ("tun", "a tunnel")],
)  # fmt: skip
def test_what_the_engine_puts_no_bridge_on(lab, kind, what):
    link = plain("bond0", 4, linkinfo={"info_kind": kind, "info_data": {}})

    assert what in told(lab, carrying(link))["host:interface"]


def test_vdsm_s_own_bridge_is_none_of_the_host_s(lab):
    link = plain("ovirtmgmt", 4, linkinfo={"info_kind": "bridge", "info_data": {"stp_state": 0}})

    assert told(lab, carrying(link), vlan=10, mtu=9000) == {}


@pytest.mark.feature("vlan")
@pytest.mark.parametrize(
    ("seen", "wanted", "words"),
    [
        (10, 10, None),
        (10, 0, "not set, but trunk is in the VLAN 10"),
        (10, 20, "20, but trunk is in the VLAN 10"),
        (0, 0, None),
        (0, 10, "10, but trunk carries no VLAN"),
    ],
)
def test_the_interface_s_vlan_is_the_engine_s(lab, seen, wanted, words):
    link = vlan("trunk", 5, "eno1", seen) if seen else plain("trunk", 5)

    problems = told(lab, carrying(plain("eno1", 2), link), vlan=wanted)

    assert list(problems) == (["network:vlan"] if words else [])
    assert (words or "") in problems.get("network:vlan", "")


def test_a_name_with_a_dot_is_no_vlan(lab):
    assert told(lab, carrying(plain("eno1.10", 2))) == {}


@pytest.mark.feature("mtu")
@pytest.mark.parametrize(("wanted", "keys"), [(0, []), (9000, []), (9500, ["network:mtu"])])
def test_frames_larger_than_the_interface_carries_are_told(lab, wanted, keys):
    assert list(told(lab, carrying(plain("eno1", 2)), mtu=wanted)) == keys
