"""An answer that is lost after the engine has acted: nothing is made twice, and a rerun goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from minion import ROOT, Minion

from functional.engine_proxy import Proxy, between, by
from functional.ovirt import Host, host, pillar
from functional.ovirt_vm import FOUR, present
from functional.test_ovirt_storage import active

__all__ = ["host"]

NODE = "node1.example.com"


@pytest.fixture
def proxy(host: Host) -> Iterator[Proxy]:
    """The host reaches the engine through the proxy."""
    with between(host.engine) as made:
        modules = [str(host.folder / "modules"), str(ROOT / "_modules")]
        known = by(pillar(host.engine), made)
        host.minion = Minion(host.folder / "by-proxy", known, module_dirs=modules)
        yield made


def disks(host: Host) -> Any:
    return host.minion.state(
        "ovirt_disk.present", "disks", storage_domain="hosted_storage", disks=FOUR
    )


def up(host: Host) -> Any:
    return host.minion.state("ovirt_host.up", NODE, address="127.0.0.1", cluster="Default")


def healed(host: Host, proxy: Proxy, run: Any, path: str, skip: int = 0) -> None:
    """A run whose answer is lost, one that goes on, and one that has nothing to do."""
    proxy.lose_once("POST", path, skip=skip)
    run(host)
    assert [each for each in proxy.seen if each[0] == "POST" and re.fullmatch(path, each[1])]

    again, last = run(host), run(host)

    assert again["result"] is True, again["comment"]
    assert (last["result"], last["changes"]) == (True, {})


@pytest.mark.parametrize("skip", range(4))
def test_no_disk_is_made_twice(host: Host, proxy: Proxy, skip: int) -> None:
    assert up(host)["result"] is True
    assert active(host)["result"] is True

    healed(host, proxy, disks, "/disks", skip)

    assert sorted(each.findtext("name") or "" for each in host.engine.curl("/disks")) == sorted(
        FOUR
    )


def test_a_run_goes_on_by_itself_when_the_disk_is_there(host: Host, proxy: Proxy) -> None:
    assert up(host)["result"] is True
    assert active(host)["result"] is True
    proxy.lose_once("POST", "/disks")

    result = disks(host)

    assert result["result"] is True, result["comment"]


def another_disk(host: Host) -> None:
    """One of the engine's own choice of an id."""
    domain = host.engine.curl("/storagedomains")[0].get("id")
    body = f"""<disk><name>he_metadata</name><format>raw</format><sparse>false</sparse>
    <content_type>hosted_engine_metadata</content_type>
    <provisioned_size>{128 * 2**20}</provisioned_size>
    <storage_domains><storage_domain id="{domain}"/></storage_domains></disk>"""
    host.engine.curl("/disks", method="POST", body=body, status=202)


def test_a_disk_of_an_earlier_version_s_id_is_used_as_it_is(host: Host) -> None:
    assert up(host)["result"] is True
    assert active(host)["result"] is True
    another_disk(host)

    assert disks(host)["result"] is True
    assert len(host.engine.curl("/disks")) == 4

    another_disk(host)
    twice = disks(host)
    assert twice["result"] is False
    assert "several disks he_metadata" in twice["comment"]
    assert "hosted_engine.clean" in twice["comment"]


def test_beside_another_disk_of_that_name_the_one_that_we_made_is_the_one(host: Host) -> None:
    assert up(host)["result"] is True
    assert active(host)["result"] is True
    assert disks(host)["result"] is True
    ours = host.minion("ovirt_disk.get", ["he_metadata"], "hosted_storage")
    another_disk(host)

    assert host.minion("ovirt_disk.get", ["he_metadata"], "hosted_storage") == ours
    assert disks(host)["changes"] == {}


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("/datacenters", lambda on: on.minion.state("ovirt_datacenter.present", "New")),
        (
            "/clusters",
            lambda on: on.minion.state("ovirt_cluster.present", "New", datacenter="Default"),
        ),
        ("/hosts", up),
    ],
    ids=["data center", "cluster", "host"],
)
def test_no_data_center_cluster_and_host_is_made_twice(
    host: Host, proxy: Proxy, path: str, run: Any
) -> None:
    healed(host, proxy, run, path)

    names = [each.findtext("name") for each in host.engine.curl(path)]
    assert len([name for name in names if name != "Default"]) == 1


@pytest.mark.parametrize("path", ["", "/diskattachments", "/nics", "/graphicsconsoles"])
def test_no_vm_and_none_of_its_devices_is_made_twice(host: Host, proxy: Proxy, path: str) -> None:
    for run in (up, active, disks):
        assert run(host)["result"] is True
    pattern = f"/vms/[^/]+{path}" if path else "/vms"

    healed(host, proxy, lambda on: present(on, graphics="spice"), pattern)

    (vm,) = host.engine.curl("/vms")
    for device in ("diskattachments", "nics", "graphicsconsoles"):
        assert len(host.engine.curl(f"/vms/{vm.get('id')}/{device}")) == 1
