"""Data center and cluster: versions, CPU type, Gluster's service, from any half-done start."""

from __future__ import annotations

from typing import Any

import pytest

from functional.ovirt import Host, host

__all__ = ["host"]

NODE = "node1.example.com"
NEHALEM = "Intel Nehalem Family"


def version(host: Host, kind: str, name: str) -> str:
    found = host.engine.curl(f"/{kind}?search=name={name}")[0]
    return f"{found.findtext('version/major')}.{found.findtext('version/minor')}"


def cluster(host: Host, name: str = "Default", test: bool = False, **asked: Any) -> Any:
    home = {"datacenter": "Default"} | asked
    return host.minion.state("ovirt_cluster.present", name, test=test, **home)


def datacenter(host: Host, name: str = "Default", test: bool = False, **asked: Any) -> Any:
    return host.minion.state("ovirt_datacenter.present", name, test=test, **asked)


@pytest.mark.feature("names")
@pytest.mark.feature("versions")
@pytest.mark.feature("cpu_type")
@pytest.mark.feature("gluster_service")
def test_both_are_made_as_asked_for_once(host):
    wanted = {
        "datacenter": "North",
        "version": "4.6",
        "cpu_type": "Intel Westmere Family",
        "gluster_service": True,
    }
    assert datacenter(host, "North", test=True, version="4.5")["result"] is None
    assert datacenter(host, "North", version="4.5")["result"] is True
    assert cluster(host, "North-1", test=True, **wanted)["result"] is None

    made = cluster(host, "North-1", **wanted)

    assert made["result"] is True, made["comment"]
    assert version(host, "datacenters", "North") == "4.5"
    assert version(host, "clusters", "North-1") == "4.6"
    seen = host.engine.curl("/clusters?search=name=North-1")[0]
    assert seen.findtext("cpu/type") == "Intel Westmere Family"
    assert seen.findtext("gluster_service") == "true"
    for again in (datacenter(host, "North", version="4.5"), cluster(host, "North-1", **wanted)):
        assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("versions")
@pytest.mark.feature("cpu_type")
def test_what_engine_setup_made_gets_version_and_cpu_while_it_is_empty(host):
    trial = cluster(host, test=True, version="4.6", cpu_type=NEHALEM)
    assert (trial["result"], version(host, "clusters", "Default")) == (None, "4.7")

    first = datacenter(host, version="4.6"), cluster(host, version="4.6", cpu_type=NEHALEM)

    assert [one["result"] for one in first] == [True, True], first
    assert first[1]["changes"]["version"] == {"old": "4.7", "new": "4.6"}
    assert version(host, "datacenters", "Default") == "4.6"
    assert version(host, "clusters", "Default") == "4.6"
    assert host.engine.curl("/clusters?search=name=Default")[0].findtext("cpu/type") == NEHALEM
    second = datacenter(host, version="4.6"), cluster(host, version="4.6", cpu_type=NEHALEM)
    assert [one["changes"] for one in second] == [{}, {}]


@pytest.mark.feature("names")
def test_a_cluster_with_hosts_is_used_as_it_is_and_says_so(host):
    host.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
    host.minion("ovirt_host.wait", NODE)

    result = cluster(host, version="4.6", cpu_type="AMD EPYC")

    assert (result["result"], result["changes"]) == (True, {})
    assert "version 4.7, not 4.6" in result["comment"]
    assert version(host, "clusters", "Default") == "4.7"


@pytest.mark.feature("names")
def test_a_data_center_with_storage_is_used_as_it_is_and_says_so(host):
    identifier = host.engine.curl("/datacenters?search=name=Default")[0].get("id")
    host.engine.stop()
    state = host.engine.folder / "state.json"
    state.write_text(state.read_text().replace('"uninitialized"', '"up"'))
    host.engine.start()

    result = datacenter(host, version="4.6")

    assert (result["result"], result["changes"]) == (True, {})
    assert "version 4.7, not 4.6" in result["comment"]
    seen = host.engine.curl(f"/datacenters/{identifier}")
    assert seen.findtext("version/minor") == "7"


@pytest.mark.feature("gluster_service")
def test_gluster_is_switched_on_in_use_but_never_off(host):
    host.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
    host.minion("ovirt_host.wait", NODE)

    assert cluster(host, gluster_service=True)["changes"]["gluster"] == {"old": False, "new": True}

    assert cluster(host, gluster_service=False)["changes"] == {}
    seen = host.engine.curl("/clusters?search=name=Default")[0]
    assert seen.findtext("gluster_service") == "true"


def test_once_deployed_all_of_it_is_the_operators(host):
    host.deploy()

    for result in (
        datacenter(host, version="4.6"),
        cluster(host, version="4.6", cpu_type=NEHALEM, gluster_service=True),
    ):
        assert (result["result"], result["changes"]) == (True, {})


@pytest.mark.feature("versions")
@pytest.mark.parametrize("make", [datacenter, cluster])
def test_an_unknown_version_is_refused_with_those_there_are(host, make):
    result = make(host, "North", version="5.0")

    assert result["result"] is False
    assert "offers 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8" in result["comment"]


@pytest.mark.feature("cpu_type")
def test_an_unknown_cpu_type_is_refused_with_those_there_are(host):
    result = cluster(host, cpu_type="Pentium")

    assert result["result"] is False
    assert "hosted_engine:cluster:cpu_type" in result["comment"]
    assert "Intel Nehalem Family, Intel Westmere Family" in result["comment"]


@pytest.mark.feature("names")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_cluster_of_another_data_center_is_refused_before_one_is_made(host, test):
    result = datacenter(host, "North", test=test, cluster="Default")

    assert result["result"] is False
    assert "hosted_engine:cluster:name" in result["comment"]
    assert len(host.engine.curl("/datacenters?search=name=North")) == 0


def test_the_simulator_refuses_what_the_engine_refuses(host):
    home = host.engine.curl("/datacenters?search=name=Default")[0].get("id")
    body = (
        f'<cluster><name>X</name><data_center id="{home}"/>'
        "<version><major>4</major><minor>{}</minor></version><cpu><type>{}</type></cpu></cluster>"
    )

    # A level below the data center's is another kind of refusal than one that there isn't.
    for minor, cpu, status in ((6, NEHALEM, 400), (9, NEHALEM, 409), (7, "Pentium", 409)):
        host.engine.curl("/clusters", method="POST", body=body.format(minor, cpu), status=status)
    host.engine.curl("/clusters", method="POST", body=body.format(7, NEHALEM), status=201)
