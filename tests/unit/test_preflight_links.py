"""
Preflight's checks of the management interface, on what ``ip -d -j address`` prints.

The samples are of iproute2's form, cut to what matters and to some that doesn't; a test changes one
thing. The machine that runs the tests has neither bonds nor VLANs.
"""

from __future__ import annotations

import pytest

from unit.interfaces import (
    bond,
    carrying,
    infiniband,
    of_a_real_kernel,
    of_kind,
    plain,
    slave,
    told,
    vdsm_conf,
    vlan,
)

__all__ = ["vdsm_conf"]


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
