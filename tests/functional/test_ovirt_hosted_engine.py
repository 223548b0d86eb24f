"""Additional hosts that may run the engine, hosts that no longer do, and the console."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT, Minion
from ovirt_he.preflight import machine, packages, registry
from salt.exceptions import CommandExecutionError

from functional.additional_host import ACTIVE, FIRST, NAME, VM, faults, host, joining
from functional.ovirt import Host

__all__ = ["host"]

# The machine of the tests is no hypervisor: tests/unit/test_preflight_join.py judges such ones.
CHECKS_OF_THE_HOST = sorted(
    {check.__name__ for check in registry.join.CHECKS} - registry.NEVER_IGNORED
)


def join(host: Host, test: bool = False) -> list[Any]:
    """The two states of host.sls."""
    arguments = {"address": "127.0.0.1", "cluster": "Default", "hosted_engine": True}
    return [
        host.minion.state("ovirt_host.up", NAME, test=test, **arguments),
        host.minion.state("ovirt_hosted_engine.deployed", NAME, test=test),
    ]


def undeploy(host: Host, name: str = NAME, test: bool = False) -> Any:
    return host.minion.state("ovirt_hosted_engine.undeployed", name, test=test)


def seen(host: Host, name: str) -> Any:
    hosts = host.engine.curl("/hosts?all_content=true")
    return next((each for each in hosts if each.findtext("name") == name), None)


def maintain(host: Host, name: str) -> None:
    path = f"/hosts/{seen(host, name).get('id')}/deactivate"
    host.engine.curl(path, method="POST", body="<action/>")
    host.engine.wait(lambda: seen(host, name).findtext("status") == "maintenance")


@pytest.mark.feature("more_hosts")
def test_an_additional_host_joins_with_ha_and_a_second_run_changes_nothing(host: Host) -> None:
    assert [ret["result"] for ret in join(host, test=True)] == [None, None]
    assert seen(host, NAME) is None

    added, ha = join(host)

    assert added["result"] is True, added["comment"]
    assert ha["result"] is True, ha["comment"]
    assert seen(host, NAME).findtext("hosted_engine/active") == "true"
    stored = {each["name"]: each for each in host.engine.state()["hosts"].values()}
    assert (stored[NAME]["_deploy_hosted_engine"], stored[NAME]["_reboot"]) == (True, False)
    assert "-----BEGIN" not in host.keys.read_text()
    host.deploy()
    for test in (True, False):
        assert [(r["result"], r["changes"]) for r in join(host, test=test)] == [(True, {})] * 2


@pytest.mark.feature("more_hosts")
def test_the_whole_file_tells_beforehand_what_would_be(host: Host, tmp_path: Path) -> None:
    given = joining(host.engine)
    given["hosted_engine"]["preflight"] = {"ignore": CHECKS_OF_THE_HOST}
    results = Minion(tmp_path / "whole", given).apply("hosted_engine.host", test=True)

    assert [each["comment"] for each in results.values() if each["result"] is False] == []
    assert results["Additional host can join the engine"]["result"] is True
    assert "ovirt_host.authorize" in results["Engine manages the additional host"]["comment"]
    assert "yet" in results["HA is deployed on the additional host"]["comment"]
    assert not host.keys.exists()


@pytest.mark.feature("more_hosts")
def test_a_joining_that_was_killed_while_the_engine_installs_goes_on(host: Host) -> None:
    host.minion("ovirt_host.authorize")
    host.minion("ovirt_host.add", NAME, "127.0.0.1", "Default", True)

    added, ha = join(host)

    assert (added["result"], ha["result"]) == (True, True)
    assert "ovirt_host.add" not in added["changes"].get("done", [])


def lost_sight(host: Host) -> None:
    """As after the engine's start: it doesn't know yet where its own VM runs."""
    host.engine.faults(hosted_engine_on={"192.0.2.1": ACTIVE})
    host.engine.wait(lambda: host.engine.curl("/vms").find("vm/host") is None)


@pytest.mark.feature("more_hosts")
@pytest.mark.parametrize("way", ["added", "installed anew"])
def test_ha_is_deployed_once_the_engine_knows_where_its_vm_runs(host: Host, way: str) -> None:
    host.minion("ovirt_host.authorize")
    if way == "installed anew":
        host.minion("ovirt_host.add", NAME, "127.0.0.1", "Default")
        host.minion("ovirt_host.wait", NAME)
        maintain(host, NAME)
    lost_sight(host)
    timer = threading.Timer(1.5, faults, [host])
    timer.start()

    if way == "added":
        host.minion("ovirt_host.add", NAME, "127.0.0.1", "Default", True)
    else:
        host.minion("ovirt_hosted_engine.install", NAME, "deploy")

    timer.join()
    host.minion("ovirt_host.wait", NAME)
    assert "install_failed" not in json.dumps(host.engine.state()["events"])
    host.engine.wait(lambda: seen(host, NAME).findtext("hosted_engine/active") == "true")


@pytest.mark.feature("more_hosts")
def test_a_host_is_not_added_with_ha_while_the_engine_does_not_know_that(
    host: Host, tmp_path: Path
) -> None:
    given = joining(host.engine)
    given["hosted_engine"]["timeouts"]["host"] = 1
    modules = [str(host.folder / "modules"), str(ROOT / "_modules")]
    minion = Minion(tmp_path / "impatient", given, module_dirs=modules)
    lost_sight(host)

    with pytest.raises(CommandExecutionError, match="an unknown host"):
        minion("ovirt_host.add", NAME, "127.0.0.1", "Default", True)
    assert seen(host, NAME) is None


@pytest.mark.feature("more_hosts")
def test_a_host_without_ha_is_told_and_gets_it_in_maintenance(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.minion("ovirt_host.authorize")
    host.minion("ovirt_host.add", NAME, "127.0.0.1", "Default")
    host.minion("ovirt_host.wait", NAME)
    verb = host.minion.functions["ovirt_hosted_engine.wait"]
    monkeypatch.setitem(verb.__globals__, "REFRESH_SECONDS", 0.2)

    with pytest.raises(CommandExecutionError, match="Put it into maintenance in the engine"):
        verb(NAME, "active")

    maintain(host, NAME)
    ret = host.minion.state("ovirt_hosted_engine.deployed", NAME)
    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["ha"] == {"old": "none", "new": "active"}
    assert seen(host, NAME).findtext("status") == "up"


@pytest.mark.feature("more_hosts")
def test_what_stops_a_host_from_joining_is_told(host: Host, tmp_path: Path) -> None:
    def problems(name: str, **engine: Any) -> list[str]:
        given = joining(host.engine)
        joins = engine.pop("joins", True)
        given["hosted_engine"]["host"]["joins"] = joins
        given["hosted_engine"]["engine"] |= engine
        given["hosted_engine"]["preflight"] = {"ignore": CHECKS_OF_THE_HOST}
        minion = Minion(tmp_path / name, given)
        ret = minion.state("hosted_engine.joinable", "x", test=True)
        assert ret["result"] is not None
        return [] if ret["result"] else [ret["comment"]]

    other = tmp_path / "other.pem"
    other.write_text((ROOT / "LICENSE").read_text())

    assert problems("fine") == []
    assert "host:joins: false" in problems("no", joins=False)[0]
    assert "engine:ca_file: missing" in problems("none", ca_file="")[0]
    assert "there is no file /none.pem" in problems("absent", ca_file="/none.pem")[0]
    assert "can't be verified" in problems("foreign", ca_file=str(other))[0]


@pytest.mark.feature("more_hosts")
def test_no_second_engine_is_deployed_on_a_host_that_joins(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "PROVIDERS", {"Debian": lambda _: {}})
    found = Minion(tmp_path / "whole", joining(host.engine))("hosted_engine.host_problems")

    assert machine.no_additional_host in machine.CHECKS
    assert "hosted_engine:host:joins" in {each["key"] for each in found}


@pytest.mark.feature("undeploy")
def test_a_host_in_maintenance_is_taken_out_of_ha_once(host: Host) -> None:
    join(host)
    for test in (True, False):
        told = undeploy(host, test=test)
        assert told["result"] is False
        assert "is up: put it into maintenance" in told["comment"]
    maintain(host, NAME)
    assert undeploy(host, test=True)["result"] is None
    assert seen(host, NAME).findtext("hosted_engine/configured") == "true"

    ret = undeploy(host)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["ha"] == {"old": "active", "new": "none"}
    assert seen(host, NAME).findtext("hosted_engine/configured") is None
    host.engine.wait(lambda: seen(host, NAME).findtext("status") == "up")
    for test in (True, False):
        again = undeploy(host, test=test)
        assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("undeploy")
def test_the_engines_own_host_and_the_last_one_stay(host: Host) -> None:
    ret = undeploy(host, FIRST)
    assert ret["result"] is False
    assert "runs the engine's VM: migrate it" in ret["comment"]

    join(host)
    maintain(host, NAME)
    host.engine.faults(vms_on={"192.0.2.1": [VM]}, hosted_engine_on={"192.0.2.1": {}})
    host.engine.wait(lambda: seen(host, FIRST).findtext("hosted_engine/active") is None)
    ret = undeploy(host)
    assert ret["result"] is False
    assert "no host could run the engine" in ret["comment"]
    with pytest.raises(CommandExecutionError, match="no host could run the engine"):
        host.minion("ovirt_hosted_engine.install", NAME, "undeploy")


def test_an_unknown_host_isnt_there_yet(host: Host) -> None:
    assert undeploy(host, "other.example.com", test=True)["result"] is None
    assert undeploy(host, "other.example.com")["result"] is False
