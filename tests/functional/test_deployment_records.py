"""hosted_engine_deployment.over and .forgotten: which records go, when, and in which order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from minion import ROOT, Minion
from ovirt_he.core import records

from functional.valid_pillar import pillar

OVER, FORGOTTEN = "hosted_engine_deployment.over", "hosted_engine_deployment.forgotten"
FQDN = "engine.example.com"
KEPT = {"deployment": {"healthy": True, "fqdn": FQDN}, "bootstrap": {}, "appliance": {}}

# Salt 3006 and 3007 give modules a copy of the options, so the reason lies in a file.
REFUSAL = """
import pathlib
def refusal():
    file = pathlib.Path("{}")
    return file.read_text() if file.exists() else None
"""


def refusal(directory: Path) -> Path:
    return directory / "refusal"


@pytest.fixture
def minion(tmp_path, monkeypatch) -> Minion:
    """All records of a deployment that was just seen healthy."""
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    for name in records.FIELDS:
        records.write(name, KEPT.get(name, {}))
    records.write_file(records.ca(), "PEM")
    modules = tmp_path / "modules"
    shutil.copytree(ROOT / "_modules", modules)
    (modules / "hosted_engine_clean.py").write_text(REFUSAL.format(refusal(tmp_path)))
    return Minion(tmp_path / "minion", pillar("static"), module_dirs=[str(modules)])


def left() -> set[str]:
    return {path.name for path in records.DIRECTORY.iterdir()}


def test_over_keeps_what_a_deployed_host_needs(minion):
    before = left()
    tested = minion.state(OVER, FQDN, test=True)
    assert (tested["result"], left()) == (None, before)

    ret = minion.state(OVER, FQDN)

    assert ret["result"] is True
    assert ret["changes"]["exists"] == {"old": True, "new": False}
    assert left() == {f"{name}.json" for name in KEPT}
    assert minion.state(OVER, FQDN)["changes"] == {}


def test_a_kill_after_the_first_record_is_gone_on_with(minion):
    records.remove("setup")

    assert minion.state(OVER, FQDN)["result"] is True
    assert left() == {f"{name}.json" for name in KEPT}


def test_over_is_refused_while_the_deployment_is_under_way(minion):
    """The copy's record lost with the setup's still there would mean that nothing was copied."""
    records.write("deployment", {})
    before = left()

    ret = minion.state(OVER, FQDN)

    assert ret["result"] is False
    assert "its records show its progress" in ret["comment"]
    assert left() == before


def test_forgotten_leaves_nothing(minion):
    assert minion.state(FORGOTTEN, FQDN, test=True)["result"] is None

    assert minion.state(FORGOTTEN, FQDN)["result"] is True

    assert left() == set()
    assert minion.state(FORGOTTEN, FQDN)["changes"] == {}


def test_nothing_is_forgotten_where_clean_is_refused(minion, tmp_path):
    refusal(tmp_path).write_text("this host runs the deployed engine")
    before = left()

    ret = minion.state(FORGOTTEN, FQDN)

    assert (ret["result"], left()) == (False, before)
    assert "runs the deployed engine" in ret["comment"]


@pytest.mark.parametrize("text", ["{broken", '{"healthy": "yes"}', "[]"])
@pytest.mark.parametrize("test", [True, False])
def test_a_broken_record_is_a_clear_failure_of_the_first_state(minion, text, test):
    (records.DIRECTORY / "deployment.json").write_text(text)

    states = minion.apply("hosted_engine.preflight", test=test)

    fit = states["Host is ready for the hosted engine"]
    assert (fit["result"], fit["changes"]) == (False, {})
    assert "deployment.json" in fit["comment"]
    assert "docs/operation.md" in fit["comment"]
    assert "Traceback" not in fit["comment"]
