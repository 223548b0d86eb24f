"""
Preflight's checks of the management interface, on what ``ip -d -j address`` prints.

The samples are of iproute2's form, cut to what matters and to some that doesn't; a test changes one
thing. The machine that runs the tests has neither bonds nor VLANs.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.preflight import links

from unit.preflight_lab import Lab

SAMPLE = Path(__file__).parent / "samples" / "ip-d-j-address.json"


@pytest.fixture(autouse=True)
def vdsm_conf(tmp_path, monkeypatch) -> Path:
    """vdsm's configuration, of which there is none."""
    monkeypatch.setattr(links, "VDSM", tmp_path / "vdsm.conf")
    return tmp_path / "vdsm.conf"


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


def of_kind(name: str, number: int, kind: str, **more: Any) -> dict[str, Any]:
    return plain(name, number, linkinfo={"info_kind": kind, "info_data": {}}, **more)


@pytest.mark.feature("bond")
@pytest.mark.parametrize(
    "kind",
    ["vxlan", "geneve", "gretap", "sit", "ip6tnl", "vrf", "ifb", "macvtap", "ipvtap", "wireguard",
     "netdevsim", "hsr", "bareudp", "a kind that nobody thought of"],
)  # fmt: skip
@pytest.mark.parametrize("above", [False, True], ids=["itself", "VLAN on it"])
def test_what_is_not_allowed_is_refused_at_each_level(lab, kind, above):
    made = [of_kind("net0", 4, kind)]
    made += [vlan("net0.10", 5, "net0", 10)] if above else []

    problems = told(lab, carrying(*made), vlan=10 if above else 0)

    assert list(problems) == ["host:interface"]
    assert problems["host:interface"].startswith("net0 is ")


@pytest.mark.parametrize("kind", ["veth", "dummy"])
def test_a_container_s_nic_is_one(lab, kind):
    """What vdsm's option fake_nics lets in: a host in nspawn has nothing else."""
    assert told(lab, carrying(of_kind("host0", 4, kind))) == {}


def infiniband(name: str, **more: Any) -> dict[str, Any]:
    mac = "80:00:02:08:fe:80:00:00:00:00:00:00:02:00:00:03:00:51:0a:11"
    return plain(name, 2, link_type="infiniband", address=mac, **more)


def test_infiniband_carries_no_bridge(lab):
    problems = told(lab, carrying(infiniband("ib0")))

    assert "ib0 is InfiniBand (link_type infiniband" in problems["host:interface"]


@pytest.mark.feature("bond")
def test_a_bond_of_infiniband_carries_no_bridge(lab):
    """Its own link_type is that of its slaves."""
    made = bond("bond0", 4, "active-backup") | {"link_type": "infiniband"}

    problems = told(lab, carrying(infiniband("ib0", master="bond0"), made))

    assert "bond0 is InfiniBand" in problems["host:interface"]


@pytest.mark.feature("vlan")
def test_a_vlan_on_a_vlan_is_refused(lab):
    made = [plain("eno1", 2), vlan("eno1.10", 3, "eno1", 10), vlan("q", 4, "eno1.10", 5)]

    assert "eno1.10 is a VLAN below" in told(lab, carrying(*made), vlan=5)["host:interface"]


@pytest.mark.feature("vlan")
def test_a_service_tag_is_not_the_engine_s(lab):
    outer = vlan("eno1.20", 3, "eno1", 20)
    outer["linkinfo"]["info_data"]["protocol"] = "802.1ad"

    problems = told(lab, carrying(plain("eno1", 2), outer), vlan=20)

    assert "VLAN of 802.1ad" in problems["host:interface"]


@pytest.mark.feature("bond", "vlan")
def test_a_bond_of_vlans_is_refused(lab):
    made = [plain("eno1", 2), vlan("eno1.5", 3, "eno1", 5) | {"master": "bond0"}]

    problems = told(lab, carrying(*made, bond("bond0", 4, "active-backup")))

    assert "eno1.5 is a VLAN below" in problems["host:interface"]


@pytest.mark.feature("vlan")
def test_a_vlan_whose_parent_is_elsewhere_is_refused(lab):
    """Moved into a container, it names the parent's number in another namespace."""
    made = vlan("trunk", 5, "eno1", 10)
    del made["link"]

    assert "isn't on this host" in told(lab, carrying(made), vlan=10)["host:interface"]


@pytest.mark.parametrize(
    ("name", "conf", "hidden"),
    [
        ("wlp3s0", "", True),
        ("usb0", "", True),
        ("eno1", "", False),
        ("eno1", "[vars]\nhidden_nics = eno*\n", True),
        ("wan0", "[vars]\nhidden_nics = usb*\n", False),
    ],
)
def test_a_nic_that_vdsm_hides_is_none_for_the_engine(lab, vdsm_conf, name, conf, hidden):
    if conf:
        vdsm_conf.write_text(conf)
    for made in ([plain(name, 2)], [plain(name, 2), vlan("v10", 3, name, 10)]):
        problems = told(lab, carrying(*made), vlan=10 if len(made) > 1 else 0)

        assert list(problems) == (["host:interface"] if hidden else [])
        assert not hidden or f"vdsm hides {name}" in problems["host:interface"]


def of_a_real_kernel(top: str) -> list[dict[str, Any]]:
    """What ``ip -d -j address`` of a real kernel says of bonds, VLANs and tunnels; cut."""
    sample = json.loads(SAMPLE.read_text())
    return sorted(sample, key=lambda link: link["ifname"] == top)


@pytest.mark.parametrize(
    ("top", "number", "words"),
    [
        ("bond0", 0, ""),
        ("bond0.12", 12, ""),
        ("bond0.12.5", 5, "bond0.12 is a VLAN below"),
        ("bond0.20", 20, "VLAN of 802.1ad"),
        ("vx0", 0, "vx0 is a tunnel"),
        ("gre1", 0, "gre1 is a tunnel"),
        ("si0", 0, "si0 is sit"),
        ("ip6t", 0, "ip6t is tunnel6"),
        ("vrf1", 0, "a VRF"),
        ("ifb7", 0, "an ifb"),
        ("tap9", 0, "a tunnel"),
        ("team0.7", 7, "team0 is a team"),
        ("mybr", 0, "bridge of this host's own"),
        ("mybr.3", 3, "mybr is a bridge"),
        ("br.5", 5, "mode balance-rr"),
        ("ve0", 0, ""),
        ("lo", 0, "lo is loopback"),
    ],
)
def test_links_of_a_real_kernel(lab, top, number, words):
    problems = told(lab, carrying(*of_a_real_kernel(top)), vlan=number)

    assert list(problems) == (["host:interface"] if words else [])
    assert words in problems.get("host:interface", "")


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


@pytest.mark.feature("mtu", "bond", "vlan")
@pytest.mark.parametrize(("wanted", "keys"), [(1500, []), (1501, ["network:mtu"])])
@pytest.mark.parametrize("top", ["bond0", "bond0.12"])
def test_the_cards_below_limit_the_mtu(lab, wanted, keys, top):
    """Bond and VLAN of a real kernel say 65535; its cards carry 1500."""
    number = 12 if top == "bond0.12" else 0

    problems = told(lab, carrying(*of_a_real_kernel(top)), vlan=number, mtu=wanted)

    assert list(problems) == keys
    assert not keys or f"vec0 below {top} carries 1500" in problems["network:mtu"]


@pytest.mark.feature("mtu")
def test_the_least_limit_of_several_levels_counts(lab):
    made = [
        slave("eno1", 2, "bond0") | {"max_mtu": 9000},
        slave("eno2", 3, "bond0") | {"max_mtu": 0},
        bond("bond0", 4, "802.3ad") | {"max_mtu": 65535},
    ]

    assert told(lab, carrying(*made), mtu=9000) == {}
    assert "eno1 below bond0 carries 9000" in told(lab, carrying(*made), mtu=9001)["network:mtu"]


@pytest.mark.feature("mtu")
def test_under_vdsm_s_bridge_its_ports_limit_the_mtu(lab):
    bridge = of_kind("ovirtmgmt", 4, "bridge", max_mtu=65535)
    made = carrying(plain("eno1", 2, master="ovirtmgmt"), bridge)

    assert told(lab, made, mtu=9216) == {}
    assert "eno1 below ovirtmgmt" in told(lab, made, mtu=9217)["network:mtu"]


def test_links_that_lie_on_each_other_come_to_an_end(lab):
    made = [vlan("a", 2, "b", 1), vlan("b", 3, "a", 1)]

    assert next(iter(told(lab, carrying(*made), vlan=1, mtu=9999))) == "host:interface"
