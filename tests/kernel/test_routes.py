"""Routes on a VLAN of a bond that get lost, and come back where the address lies."""

from __future__ import annotations

import json
from typing import Any

import pytest

ADDRESS, STATIC = "10.79.0.12", "10.90.0.0/16"


def main_table(hv) -> list[dict[str, Any]]:
    told = json.loads(hv.run("ip", "-j", "route", "show", "table", "main").stdout)
    # How it got there is for ip alone.
    kept = [{key: value for key, value in one.items() if key != "protocol"} for one in told]
    return sorted(kept, key=lambda one: str(one["dst"]))


@pytest.fixture
def known(formula, hv):
    """Routes as they were recorded before the engine installed the host."""
    hv.run("ip", "route", "add", STATIC, "via", "10.79.0.1", "dev", "bond0.12", "metric", "50")
    formula().python(f"ovirt_he.host.routes.remember([{ADDRESS!r}], 'ovirtmgmt')")
    before = main_table(hv)
    assert {one["dst"] for one in before} >= {"default", STATIC}
    yield before
    hv.run("ip", "route", "del", STATIC, check=False)
    hv.run("rm", "-f", "/var/lib/hosted-engine/routes.json")


def test_lost_routes_on_the_vlan_come_back(formula, hv, known):
    assert formula()("ovirt_host.routes") == "there"
    hv.run("ip", "route", "del", "default")
    hv.run("ip", "route", "del", STATIC)
    assert formula()("ovirt_host.routes") == "lost"

    formula()("ovirt_host.restore_routes")

    assert main_table(hv) == known
    assert formula()("ovirt_host.routes") == "unsaved"
    formula()("ovirt_host.restore_routes")
    assert main_table(hv) == known


def test_routes_come_back_on_the_bridge_that_took_the_address(formula, hv, known):
    """As vdsm: the VLAN becomes the bridge's port, its address the bridge's."""
    hv.script(
        f"""
        ip link add ovirtmgmt type bridge
        ip address flush dev bond0.12
        ip link set bond0.12 master ovirtmgmt
        ip address add {ADDRESS}/24 dev ovirtmgmt
        ip link set ovirtmgmt up
        """
    )
    try:
        assert formula()("ovirt_host.routes") == "lost"
        formula()("ovirt_host.restore_routes")
        now = {one["dst"]: one for one in main_table(hv)}
    finally:
        hv.script(
            f"""
            ip link delete ovirtmgmt
            ip address replace {ADDRESS}/24 dev bond0.12
            ip route replace default via 10.79.0.1 dev bond0.12
            """
        )
    for destination in ("default", STATIC):
        assert (now[destination]["gateway"], now[destination]["dev"]) == ("10.79.0.1", "ovirtmgmt")
    assert now[STATIC]["metric"] == 50
