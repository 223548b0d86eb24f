"""ovirt_network against the engine simulator; read back by curl."""

from __future__ import annotations

from typing import Any

import pytest

from functional.engine_process import Engine
from functional.ovirt import Host, host

__all__ = ["host"]
PRESENT = "ovirt_network.present"


def seen(engine: Engine, name: str = "ovirtmgmt") -> tuple[str | None, str | None]:
    """VLAN's id and MTU as the API shows them."""
    for network in engine.curl("/networks"):
        if network.findtext("name") == name:
            vlan = network.find("vlan")
            return None if vlan is None else vlan.get("id"), network.findtext("mtu")
    raise AssertionError(f"no network {name}")


def present(host: Host, test: bool = False, **wanted: Any) -> dict[str, Any]:
    name = wanted.pop("name", "ovirtmgmt")
    return host.minion.state(
        PRESENT, name, test=test, datacenter="Default", cluster="Default", **wanted
    )


@pytest.mark.feature("vlan", "mtu")
@pytest.mark.parametrize("test", [True, False], ids=["test", "applied"])
def test_vlan_and_mtu_are_set_before_there_is_a_host(host, engine, test):
    ret = present(host, test=test, vlan=10, mtu=9000)

    if test:
        assert ret["result"] is None
        assert seen(engine) == (None, "0")
        return
    assert ret["result"] is True, ret
    assert ret["changes"]["vlan"] == {"old": 0, "new": 10}
    assert seen(engine) == ("10", "9000")
    again = present(host, vlan=10, mtu=9000)
    assert (again["result"], again["changes"]) == (True, {})


def test_what_is_not_given_stays_as_it_is(host, engine):
    present(host, vlan=10, mtu=9000)

    assert present(host)["changes"] == {}
    assert present(host, mtu=1500)["changes"]["mtu"] == {"old": 9000, "new": 1500}
    assert seen(engine) == ("10", "1500")


@pytest.mark.feature("vlan")
def test_a_network_with_hosts_is_refused_not_changed(host, engine):
    host.minion("ovirt_host.authorize")
    host.minion("ovirt_host.add", "node1.example.com", "127.0.0.1", "Default")

    for test in (True, False):
        ret = present(host, test=test, vlan=10)
        assert ret["result"] is False
        assert "vlan is 0, not 10" in ret["comment"]
        assert "node1.example.com" in ret["comment"]
    assert seen(engine)[0] is None
    assert present(host)["result"] is True


@pytest.mark.parametrize("test", [True, False], ids=["test", "applied"])
def test_on_a_deployed_host_what_differs_is_the_operators(host, engine, test):
    host.deploy()

    ret = present(host, test=test, vlan=10)

    assert (ret["result"], ret["changes"]) == (True, {})
    assert "vlan 0, not 10: it stays so" in ret["comment"]
    assert seen(engine)[0] is None


def test_a_network_that_the_engine_does_not_know_is_told_with_those_it_does(host):
    ret = present(host, name="management")

    assert ret["result"] is False
    assert "has no network management, only ovirtmgmt" in ret["comment"]


def test_a_network_for_other_things_is_not_the_hosts_bridge(host, engine):
    home = engine.curl("/datacenters")[0].get("id")
    body = f"<network><name>storage</name><data_center id='{home}'/></network>"
    engine.curl("/networks", method="POST", body=body, status=201)

    ret = present(host, name="storage", vlan=10)

    assert ret["result"] is False
    assert "management network of the cluster Default is ovirtmgmt, not storage" in ret["comment"]
    assert seen(engine, "storage")[0] is None


def test_a_vlan_of_another_network_is_refused_by_the_engine(host, engine):
    home = engine.curl("/datacenters")[0].get("id")
    body = f"<network><name>other</name><data_center id='{home}'/><vlan id='10'/></network>"
    engine.curl("/networks", method="POST", body=body, status=201)

    ret = present(host, vlan=10)

    assert ret["result"] is False
    assert "already used by the Network other" in ret["comment"]
