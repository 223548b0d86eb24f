"""Preflight's checks of the management interface's VLAN and of the MTU at each level."""

from __future__ import annotations

import pytest

from unit.interfaces import (
    bond,
    carrying,
    of_a_real_kernel,
    of_kind,
    plain,
    slave,
    told,
    vdsm_conf,
    vlan,
)

__all__ = ["vdsm_conf"]


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
