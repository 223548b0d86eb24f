"""The SPM package, built and installed by Salt's own spm: what lands where, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from minion import ROOT

sys.path.insert(0, str(ROOT))
from release import spm

FORMULA = yaml.safe_load((ROOT / "FORMULA").read_text())
PILLAR = yaml.safe_load((Path(__file__).parent / "pillars" / "static.yaml").read_text())
# Directories of the formula that a file server serves.
SERVED = ("_modules", "_states", "_utils", "hosted_engine")
# SPM installs the formula's own directory, what begins with _, the README and the pillar.
LEFT_OUT = {"FORMULA", "LICENSE", "CHANGELOG.md"}


def committed() -> set[str]:
    command = ["git", "ls-tree", "-r", "--name-only", "HEAD", "--", *FORMULA["files"]]
    return set(subprocess.check_output(command, cwd=ROOT, text=True).splitlines())


def content(name: str) -> bytes:
    return subprocess.check_output(["git", "show", f"HEAD:{name}"], cwd=ROOT)


def files(directory: Path) -> set[str]:
    return {str(one.relative_to(directory)) for one in directory.rglob("*") if one.is_file()}


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    return spm.main(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory, package) -> Path:
    """A root into which ``spm local install`` put the package."""
    root = tmp_path_factory.mktemp("root")
    (root / "etc").mkdir()
    places = {f"{name}_path": str(root / name) for name in ("formula", "pillar", "reactor")}
    spm.configuration(root / "etc", places)
    install = [spm.SPM, "-c", root / "etc", "-y", "local", "install", package]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_it_holds_what_is_committed_of_the_formula_and_nothing_else(package):
    with tarfile.open(package) as packed:
        members = [one for one in packed.getmembers() if one.isfile()]

    names = {one.name.removeprefix("hosted_engine/") for one in members}
    assert names == committed()
    assert {"FORMULA", "pillar.example", "hosted_engine/init.sls"} <= names
    assert not [name for name in names if name.startswith(("tests", "docs", "release", "."))]
    assert {one.mode & 0o022 for one in members} == {0}


def test_each_file_lands_where_the_file_server_serves_it(installed):
    wanted = {name for name in committed() if name.split("/")[0] in SERVED}

    found = files(installed / "formula")

    assert found == wanted | {"hosted_engine/README.md"}
    assert "_utils/ovirt_he/core/state.py" in found
    for name in wanted:
        assert (installed / "formula" / name).read_bytes() == content(name), name


def test_the_example_becomes_a_pillar_to_copy(installed):
    assert files(installed / "pillar") == {"hosted_engine.sls.orig"}
    example = (installed / "pillar" / "hosted_engine.sls.orig").read_bytes()
    assert example == content("pillar.example")


def test_licence_and_changelog_are_in_the_package_alone(installed):
    """What docs/libraries.md says: SPM doesn't install what lies beside the formula's directory."""
    here = {name for name in committed() if name.split("/")[0] not in SERVED}

    assert here == {*LEFT_OUT, "README.md", "pillar.example"}
    assert not LEFT_OUT & {Path(name).name for name in files(installed)}


def test_a_minion_runs_from_it(installed, tmp_path):
    """In a process of its own, which knows nothing of this checkout."""
    pillar = tmp_path / "pillar"
    pillar.mkdir()
    (pillar / "top.sls").write_text("base: {'*': [site]}")
    (pillar / "site.sls").write_text("#!json\n" + json.dumps(PILLAR))
    options = {
        "id": "node1.example.com",
        "root_dir": str(tmp_path),
        "file_client": "local",
        "file_roots": {"base": [str(installed / "formula")]},
        "pillar_roots": {"base": [str(pillar)]},
        "enable_fqdns_grains": False,
    }
    (tmp_path / "minion").write_text(json.dumps(options))

    def call(*arguments: str) -> Any:
        command = [spm.SPM.with_name("salt-call"), "-c", tmp_path, "--local", "--out=json"]
        return json.loads(subprocess.check_output([*command, *arguments], cwd=tmp_path))["local"]

    assert "utils.ovirt_he.core.state" in call("saltutil.sync_all")["utils"]
    assert call("hosted_engine.settings")["engine"]["fqdn"] == "engine.example.com"
    low = call("state.show_low_sls", "hosted_engine")
    assert {one["__sls__"] for one in low} >= {"hosted_engine.preflight", "hosted_engine.ha"}


def test_it_is_removed_again_whole(package, tmp_path):
    (tmp_path / "etc").mkdir()
    places = {f"{name}_path": str(tmp_path / name) for name in ("formula", "pillar", "reactor")}
    spm.configuration(tmp_path / "etc", places)
    command = [spm.SPM, "-c", tmp_path / "etc", "-y"]
    subprocess.run([*command, "local", "install", package], check=True, capture_output=True)
    assert files(tmp_path / "formula")

    subprocess.run([*command, "remove", "hosted_engine"], check=True, capture_output=True)

    assert files(tmp_path / "formula") == set()
