"""Every SLS file renders with every pillar, and no secret gets into what Salt keeps of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from minion import ROOT, Minion

PILLARS = sorted((Path(__file__).parent / "pillars").glob("*.yaml"))
PHASES = yaml.safe_load((ROOT / "hosted_engine" / "init.sls").read_text())["include"]
FILES = sorted(path.stem for path in (ROOT / "hosted_engine").glob("*.sls") if path.stem != "init")
UNLESS_DEPLOYED = [{"fun": "hosted_engine.deployed"}]


@pytest.fixture(scope="module", params=PILLARS, ids=lambda path: path.stem)
def minion(request, tmp_path_factory):
    return Minion(tmp_path_factory.mktemp("minion"), yaml.safe_load(request.param.read_text()))


@pytest.mark.parametrize("name", FILES)
def test_a_file_renders_and_its_states_exist(minion, name):
    low = minion.low(f"hosted_engine.{name}")

    assert low
    for chunk in low:
        assert f"{chunk['state']}.{chunk['fun']}" in minion.states, chunk


def test_the_whole_formula_renders_without_secrets(minion):
    low = minion.low("hosted_engine")
    minion("state.show_highstate")

    assert "not-to-be-seen" not in repr(low)
    for path in minion.directory.joinpath("cache").rglob("*"):
        if path.is_file():
            assert b"not-to-be-seen" not in path.read_bytes(), path


def test_phases_run_in_their_order(minion):
    order = [chunk["__sls__"] for chunk in minion.low("hosted_engine")]

    assert [name for name in dict.fromkeys(order) if name in PHASES] == PHASES


def test_no_state_has_a_secret_for_an_argument(minion):
    def words(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(map(str, value)) | {word for one in value.values() for word in words(one)}
        return {word for one in value for word in words(one)} if isinstance(value, list) else set()

    for chunk in minion.low("hosted_engine"):
        assert not [word for word in words(chunk) if "password" in word or "secret" in word], chunk


@pytest.mark.feature("appliance_removed")
def test_an_appliance_that_is_removed_isnt_installed_again(minion):
    low = minion.low("hosted_engine")
    appliance = minion("hosted_engine.settings")["appliance"]

    installed = [one for one in low if one["__id__"] == "Appliance package is installed"]
    removed = [one for one in low if one["__id__"] == "Appliance package is removed"]

    assert all(one["unless"] == UNLESS_DEPLOYED for one in installed)
    assert bool(installed) is not bool(appliance["source"])
    assert bool(removed) is appliance["remove"]


@pytest.mark.feature("glusterfs")
@pytest.mark.parametrize("sls", ["appliance", "host"])
def test_gluster_s_tool_is_installed_where_gluster_is_the_storage(minion, sls):
    """The engine refuses the domain (409) on a host without glusterfs-cli."""
    installed = [
        name
        for chunk in minion.low(f"hosted_engine.{sls}")
        if (chunk["state"], chunk["fun"]) == ("pkg", "installed")
        for name in chunk.get("pkgs", [chunk["name"]])
    ]

    gluster = minion("hosted_engine.settings")["storage"]["type"] == "glusterfs"
    assert ("glusterfs-cli" in installed) is gluster


def test_ids_are_sentences(minion):
    for chunk in minion.low("hosted_engine"):
        assert re.match(r"^\S+( \S+)+$", chunk["__id__"]), chunk["__id__"]


def test_docs_say_when_each_state_is_checked_as_the_files_do(minion):
    """docs/steps.md says every run or until deployed; the SLS files say it by ``unless``."""
    checked = {
        chunk["__id__"]: "until deployed" if chunk.get("unless") == UNLESS_DEPLOYED else "every run"
        for chunk in minion.low("hosted_engine")
    }
    row = r"^\| (\d+) \| [^|]+ \| \[(\w+)\][^|]+ \| ([^|]+) \| `[\w.]+` \| ([^|]+) \|"
    rows = re.findall(row, (ROOT / "docs/steps.md").read_text(), re.MULTILINE)

    assert len({number for number, *_ in rows}) == 31
    # A state that every run checks may have a fact that only matters until the host is deployed,
    # such as the vm.conf below /run.
    wrong = [row for row in rows if checked.get(row[2]) not in (row[3], "every run")]
    assert wrong == []


def test_an_agent_that_an_operator_stopped_under_global_maintenance_is_not_started(minion):
    """Without its broker nobody can say whether HA is in maintenance, so that is started first."""
    services = [
        (chunk["name"], [one["fun"] for one in chunk.get("unless", [])])
        for chunk in minion.low("hosted_engine")
        if (chunk["state"], chunk["fun"]) == ("service", "running")
    ]
    broker = ("ovirt-ha-broker", [])
    agent = ("ovirt-ha-agent", ["hosted_engine_ha.under_global_maintenance"])
    assert [one for one in services if "ovirt" in one[0]] == [broker, agent] * 2
