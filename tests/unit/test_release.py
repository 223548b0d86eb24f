"""What a release is made of: wheels and their Pythons, the tarball, versions that agree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from minion import ROOT

sys.path.insert(0, str(ROOT))
from release import libvirt_floor, tarball, wheelhouse

FORMULA = yaml.safe_load((ROOT / "FORMULA").read_text())
LOCKS = sorted((ROOT / "constraints").glob("*.txt"))
# `make test` has both; lint and unit tests alone run on a machine without.
headers = pytest.mark.skipif(
    not shutil.which("pkg-config")
    or subprocess.run(["pkg-config", "libvirt"], check=False).returncode != 0,
    reason="no libvirt-dev, which tests/lab/requirements.apt names",
)


def asked(*command: str | Path) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def functions(path: Path) -> dict[str, str]:
    symbols = ET.parse(path).getroot().iter("function")
    return {one.get("name", ""): one.get("version", "") for one in symbols}


@headers
def test_headers_are_cut_down_to_what_an_older_libvirt_has(tmp_path):
    whole = functions(Path(asked("pkg-config", "--variable", "libvirt_api", "libvirt")))
    newer = {name for name, since in whole.items() if int(since.split(".")[0]) > 6}
    assert newer

    libvirt_floor.write(tmp_path, "6.0.0")

    left = functions(tmp_path / "libvirt-api.xml")
    assert not newer & set(left)
    assert {"virDomainDefineXMLFlags", "virNetworkCreate"} <= set(left)
    common = (tmp_path / "include/libvirt/libvirt-common.h").read_text()
    assert "define LIBVIR_VERSION_NUMBER 6000000" in common


@headers
def test_pkg_config_finds_the_older_libvirt(tmp_path, monkeypatch):
    libvirt_floor.write(tmp_path, "8.0.0")
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))

    for option, answer in {
        "--modversion": "8.0.0",
        "--cflags": f"-I{tmp_path}/include",
        "--variable=libvirt_api": f"{tmp_path}/libvirt-api.xml",
    }.items():
        assert asked("pkg-config", option, "libvirt") == answer


def test_a_python_that_isnt_here_is_named_with_what_to_do():
    with pytest.raises(wheelhouse.Missing, match=r"no CPython 3\.99 .*uv python install 3\.99"):
        wheelhouse.interpreter("3.99")


@pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="no headers of this Python, which tests/lab/requirements.apt names",
)
def test_a_python_of_the_asked_version_is_taken():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert asked(wheelhouse.interpreter(version), "-V").startswith(f"Python {version}.")


def test_what_isnt_a_wheelhouse_is_never_emptied(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(SystemExit, match=r"thesis\.txt"):
        wheelhouse.build(tmp_path, ["3.99"])

    assert (tmp_path / "thesis.txt").exists()


def test_packages_take_the_formula_and_no_tests():
    """SPM takes the whole checkout where FORMULA names no files."""
    taken = set(FORMULA["files"])

    assert {"_modules", "_states", "_utils", "hosted_engine", "pillar.example"} <= taken
    assert not taken & {"tests", ".ci", "release", "Makefile"}
    assert all((ROOT / name).exists() for name in taken)


def test_tarball_holds_the_formula_alone(tmp_path):
    path = tarball.main(tmp_path / "dist")

    top = f"{path.name.removesuffix('.tar.gz')}/"
    with tarfile.open(path) as packed:
        members = packed.getmembers()
    names = {one.name.removeprefix(top) for one in members if one.isfile()}
    listed = asked("git", "-C", ROOT, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    kept = (*FORMULA["files"], "docs", "tools")
    assert names == {name for name in listed if name.split("/")[0] in kept}
    assert {"hosted_engine/init.sls", "_utils/ovirt_he/core/state.py", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests", "release", "."))]
    assert {one.mode & 0o022 for one in members} == {0}


def test_tarball_with_wheels_takes_their_long_names_and_has_another_name(tmp_path):
    tags = "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"
    wheel = f"ovirt_engine_sdk_python-4.6.3-cp310-cp310-{tags}.whl"
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / wheel).write_text("a wheel")

    plain, path = tarball.main(tmp_path / "dist"), tarball.main(tmp_path / "dist", wheels)

    with tarfile.open(path) as packed, tarfile.open(plain) as without:
        added = set(packed.getnames()) - set(without.getnames())
    top = plain.name.removesuffix(".tar.gz")
    assert path.name == f"{top}-wheels.tar.gz"
    assert added == {f"{top}/wheelhouse/{wheel}"}
    shown = asked("tar", "-xOzf", path, f"{top}/wheelhouse/{wheel}")
    assert shown == "a wheel"


def test_every_place_names_the_same_version():
    version = FORMULA["version"]
    project = (ROOT / "pyproject.toml").read_text()
    (newest, *_) = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert re.findall(r'^version = "(.*)"', project, re.MULTILINE) == [version]
    assert newest == version
    assert f"base: v{version}\n" in (ROOT / "docs/master.md").read_text()


def test_every_library_of_the_checkout_is_locked():
    project = (ROOT / "pyproject.toml").read_text()
    groups = project.partition("[dependency-groups]")[2].partition("[tool.ruff]")[0]
    named = {name.lower() for name in re.findall(r'^  "([\w-]+)', groups, re.MULTILINE)}
    assert {"salt", "ruff", "libvirt-python"} <= named

    for lock in LOCKS:
        lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
        assert named <= {line.partition("==")[0] for line in lines}, lock.name
        assert all(re.match(r"[\w.-]+==\S+( ; .*)?$", line) for line in lines), lock.name
    assert re.findall(r'"(salt==.*)"', project)[0] in LOCKS[-1].read_text().splitlines()


def test_locks_are_of_the_salt_that_the_makefile_names():
    (salts,) = re.findall(r"^SALTS := (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert [lock.stem for lock in LOCKS] == [salt.partition(".")[0] for salt in salts.split()]
    for lock, salt in zip(LOCKS, salts.split(), strict=True):
        assert f"salt=={salt}" in lock.read_text().splitlines()


def test_locks_name_no_index():
    """Who installs has an index of their own; uv.lock would name ours for each file."""
    for lock in LOCKS:
        assert "://" not in lock.read_text()
        assert "index" not in lock.read_text()
