"""Packets through a VLAN on a bond: what the kernel drops with its routes, and what leads again."""

from __future__ import annotations

import json
import textwrap

import pytest

ADDRESS, GATEWAY, BEHIND = "10.79.0.12", "10.79.0.1", "10.88.0.1"


def routes(hv) -> set[tuple[str, str, str]]:
    """Destination, gateway and device of what leads through a gateway, as ip says it."""
    told = json.loads(hv.run("ip", "-json", "route", "show", "table", "main").stdout)
    return {(one["dst"], one["gateway"], one["dev"]) for one in told if "gateway" in one}


def answers(hv, address: str) -> bool:
    """Whether packets come back; the first one may wait for the neighbour."""
    return hv.run("ping", "-c", "2", "-W", "5", address, check=False).returncode == 0


@pytest.fixture(scope="module")
def vlan(nas):
    """The server is the VLAN's gateway, and has an address behind it."""
    nas.script(
        f"""
        ip link add link vec0 name vec0.12 type vlan id 12
        ip address add {GATEWAY}/24 dev vec0.12
        ip link set vec0.12 up
        ip address add {BEHIND}/32 dev lo
        """
    )
    yield
    nas.script(f"ip link delete vec0.12; ip address delete {BEHIND}/32 dev lo")


@pytest.fixture
def recorded(formula, hv, vlan):
    """The host before it is added: a default route, one with an MTU of its own, and a rule."""
    hv.script(
        f"""
        systemctl stop systemd-networkd.socket systemd-networkd
        ip route replace default via {GATEWAY} dev bond0.12
        ip route add 10.88.0.0/24 via {GATEWAY} dev bond0.12 mtu 1400
        ip rule add priority 1000 from {ADDRESS} to 10.88.0.0/24 lookup main
        """
    )
    one = formula()
    one.python(f'ovirt_he.host.routes.remember(["{ADDRESS}"], "ovirtmgmt")')
    assert one("ovirt_host.routes") == "there"
    yield one
    one.python('ovirt_he.core.records.remove("routes")')
    hv.script(
        """
        ip rule delete priority 1000 || true
        ip link delete ovirtmgmt 2> /dev/null || true
        systemctl start systemd-networkd
        networkctl reconfigure bond0.12
        """
    )


def test_routes_come_back_on_the_bridge_that_took_the_address(recorded, hv):
    """vdsm's bridge ovirtmgmt on bond0.12: the kernel drops what led through the old device."""
    hv.script(
        textwrap.dedent(f"""
        ip link add ovirtmgmt type bridge forward_delay 0
        ip link set bond0.12 master ovirtmgmt
        ip link set ovirtmgmt up
        ip address delete {ADDRESS}/24 dev bond0.12
        ip address add {ADDRESS}/24 dev ovirtmgmt
        ip rule delete priority 1000
        """)
    )
    assert routes(hv) == set()
    assert recorded("ovirt_host.routes") == "lost"

    recorded("ovirt_host.restore_routes")

    wanted = {("default", GATEWAY, "ovirtmgmt"), ("10.88.0.0/24", GATEWAY, "ovirtmgmt")}
    assert routes(hv) == wanted
    assert "mtu 1400" in hv.run("ip", "route", "show", "10.88.0.0/24").stdout
    assert f"from {ADDRESS} to 10.88.0.0/24" in hv.run("ip", "rule", "show").stdout
    assert recorded("ovirt_host.routes") == "unsaved"
    assert answers(hv, BEHIND)
    # Again: nothing is doubled.
    recorded("ovirt_host.restore_routes")
    assert routes(hv) == wanted


def test_a_vlan_that_went_down_and_up_gets_its_routes_again(recorded, hv):
    before = routes(hv)
    hv.run("ip", "link", "set", "bond0.12", "down")
    hv.run("ip", "link", "set", "bond0.12", "up")
    assert routes(hv) == set()
    assert recorded("ovirt_host.routes") == "lost"

    recorded("ovirt_host.restore_routes")

    assert routes(hv) == before
    assert answers(hv, BEHIND)


def test_a_card_of_the_bond_that_fails_costs_no_route(recorded, hv):
    active = hv.run("cat", "/sys/class/net/bond0/bonding/active_slave").stdout.strip()
    hv.run("ip", "link", "set", active, "down")
    try:
        assert recorded("ovirt_host.routes") == "there"
        assert answers(hv, BEHIND)
    finally:
        hv.run("ip", "link", "set", active, "up")
