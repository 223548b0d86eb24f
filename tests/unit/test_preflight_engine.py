"""Preflight's checks of engine and guest: each of a pillar with one contradiction, then all."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ovirt_he.pillar import settings
from ovirt_he.preflight import check, engine

PILLAR: dict[str, Any] = {
    "engine": {"fqdn": "engine.example.com"},
    "storage": {"address": "nas.example.com", "path": "/exports/engine"},
    "secrets": {"admin_password": "hunter2"},
}


def told(grains: dict[str, Any] | None = None, **groups: dict[str, Any]) -> dict[str, str]:
    """Problems by their key, of a pillar with these groups besides."""
    own = copy.deepcopy(PILLAR)
    for group, keys in groups.items():
        own.setdefault(group, {}).update(keys)
    pillar, known = {"hosted_engine": own}, {"fqdn": "node1.example.com"} | (grains or {})
    host = check.Host(settings.load(pillar, known), known, {})
    found = engine.pillar_problems(pillar, host) + check.found(engine.CHECKS, host)
    assert "hunter" not in repr(found)
    return {one["key"].removeprefix("hosted_engine:"): one["problem"] for one in found}


def test_a_plain_pillar_has_no_problem():
    assert told() == {}


@pytest.mark.feature("answers")
def test_all_answers_at_fault_are_told_at_once():
    name = "OVESETUP_X/adminPassword"

    seen = told(
        engine={"answers": {"OVESETUP_CONFIG/fqdn": "str:x", name: "str:hunter3"}},
        secrets={"answers": {name: "str:hunter4", "OVESETUP_DB/password": "str:hunter5"}},
    )

    assert set(seen) == {
        "engine:answers:OVESETUP_CONFIG/fqdn",
        f"engine:answers:{name}",
        f"secrets:answers:{name}",
        "secrets:answers:OVESETUP_DB/password",
    }
    assert "secrets:database_password" in seen["secrets:answers:OVESETUP_DB/password"]


@pytest.mark.feature("offline")
@pytest.mark.feature("packages")
def test_offline_nothing_is_looked_up():
    offline = {"offline": True}

    assert "vim" in told(engine=offline, vm={"packages": ["vim"]})["vm:packages"]
    assert told(engine=offline, vm={"packages": ["/root/a.rpm", "https://x/a.rpm"]}) == {}
    assert told(vm={"packages": ["vim"]}) == {}


@pytest.mark.feature("root_login")
def test_a_login_that_root_could_not_use_is_told():
    assert set(told(vm={"root_login": "password"})) == {"vm:root_login"}
    assert set(told(vm={"root_login": "keys"})) == {"vm:root_login"}
    assert told(vm={"root_login": "password"}, secrets={"root_password": "hunter6"}) == {}
    assert told(vm={"root_login": "keys", "root_ssh_keys": ["ssh-rsa A me"]}) == {}
    assert told(vm={"root_login": "none"}) == {}


@pytest.mark.feature("firmware")
@pytest.mark.feature("machine")
def test_secure_boot_and_machine_must_fit_the_firmware():
    assert set(told(vm={"firmware": "bios", "secure_boot": True})) == {"vm:secure_boot"}
    assert set(told(vm={"machine": "pc-i440fx-rhel7.6.0"})) == {"vm:machine"}
    assert told(vm={"machine": "pc-i440fx-rhel7.6.0", "firmware": "bios"}) == {}
    assert told(vm={"machine": "pc-q35-rhel9.0.0", "secure_boot": True}) == {}


@pytest.mark.feature("names")
def test_engine_setup_s_own_cluster_is_in_its_own_data_center():
    assert set(told(datacenter={"name": "North"})) == {"cluster:name"}
    assert told(datacenter={"name": "North"}, cluster={"name": "North-1"}) == {}
    assert told(datacenter={"name": "North"}, restore={"backup": "/root/backup"}) == {}


@pytest.mark.feature("names")
@pytest.mark.parametrize("name", ["a b", "Zürich", "x" * 41, "a/b", ""])
@pytest.mark.parametrize("group", ["datacenter", "cluster"])
def test_names_that_the_engine_refuses_are_told_by_the_schema(group, name):
    with pytest.raises(Exception, match=f"hosted_engine:{group}:name"):
        told(**{group: {"name": name}})


@pytest.mark.feature("appliance_removed")
def test_no_package_is_removed_where_none_is_installed():
    own = {"source": "/srv/appliance.ova", "remove": True}

    assert set(told(appliance=own)) == {"appliance:remove"}


@pytest.mark.feature("graphics")
@pytest.mark.parametrize(("release", "problems"), [(8, set()), (9, {"vm:graphics"})])
def test_spice_needs_a_host_that_has_it(release, problems):
    grains = {"os_family": "RedHat", "osmajorrelease": release}

    assert set(told(grains, vm={"graphics": "spice"})) == problems
    assert told(grains, vm={"graphics": "vnc"}) == {}
