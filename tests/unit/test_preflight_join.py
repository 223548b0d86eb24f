"""An additional host is checked as a first one is, as far as the checks apply to it."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.preflight import check, join, libraries, links, machine, packages

from unit.preflight_lab import Lab


@pytest.fixture
def further(lab: Lab) -> Lab:
    lab.pillar["hosted_engine"]["host"] = {"joins": True}
    return lab


def problems(lab: Lab, *checks: check.Check) -> set[str]:
    """Keys of what the checks of an additional host find."""
    assert set(checks) <= set(join.CHECKS)
    found = check.found(list(checks), lab.host())
    return {one["key"].removeprefix("hosted_engine:") for one in found}


def test_its_interface_must_carry_a_bridge_of_vms(further):
    assert problems(further, *links.CHECKS) == set()
    further.links[1]["linkinfo"] = {"info_kind": "team"}

    assert problems(further, *links.CHECKS) == {"host:interface"}


def test_its_interface_must_be_in_the_networks_vlan_and_carry_its_mtu(further):
    further.links[1]["max_mtu"] = 1500
    further.pillar["hosted_engine"]["network"] = {"vlan": 12, "mtu": 9000}

    assert problems(further, *links.CHECKS) == {"network:vlan", "network:mtu"}


def test_its_name_leads_to_an_address_of_its_management_interface(further):
    further.names["node1.example.com"] = ["127.0.1.1"]

    found = problems(further, *(one for one in join.CHECKS if one.__name__ == "host_name"))

    assert found == {"host:address"}


def test_its_cpu_virtualises(further):
    further.grains["cpu_flags"] = []

    assert problems(further, machine.virtualisation) == {"host:emulation"}


def test_it_needs_the_sdk_and_no_other_library(further, monkeypatch):
    texts = "ovirt-engine-sdk-python>=4.6\nlibvirt-python\npycdlib\n"
    tried: list[Any] = []
    monkeypatch.setattr(libraries, "_installed", lambda text: bool(tried.append(text)))
    monkeypatch.setattr(libraries, "_folders", lambda *_: [])
    further.pillar["hosted_engine"]["python"] = {"wheelhouse": "/nowhere"}
    host = further.host()
    host.salt = {"cp.get_file_str": lambda _: texts}

    (found,) = check.found([libraries.libraries], host)

    assert libraries.libraries in join.CHECKS
    assert found["problem"] == "/nowhere holds no files"
    assert tried == ["ovirt-engine-sdk-python>=4.6"]


@pytest.mark.parametrize(("storage", "asked"), [("nfs", set()), ("glusterfs", {"glusterfs-cli"})])
def test_no_package_is_installed_on_it_but_glusters(further, storage, asked):
    further.pillar["hosted_engine"]["storage"]["type"] = storage
    further.grains["os_family"] = "RedHat"
    names: set[str] = set()
    host = further.host()
    host.salt = {"pkg.version": lambda name: names.add(name) or "1"}

    assert check.found([packages.packages_are_offered], host) == []
    assert packages.packages_are_offered in join.CHECKS
    assert names == asked
