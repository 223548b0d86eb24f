"""What a release is made of: which Pythons get wheels, from which libvirt on they load."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from minion import ROOT

sys.path.insert(0, str(ROOT))
from release import libvirt_floor, tarball, wheelhouse

FORMULA = yaml.safe_load((ROOT / "FORMULA").read_text())


def asked(*command: str | Path) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def functions(path: Path) -> dict[str, str]:
    symbols = ET.parse(path).getroot().iter("function")
    return {one.get("name", ""): one.get("version", "") for one in symbols}


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


def test_tarball_holds_formula_and_wheels(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "libvirt_python-1-cp311-cp311-linux_x86_64.whl").write_text("a wheel")

    path = tarball.main(wheels, tmp_path / "dist")

    with tarfile.open(path) as packed:
        names = packed.getnames()
    top = f"hosted-engine-formula-{FORMULA['version']}"
    assert f"{top}/wheelhouse/libvirt_python-1-cp311-cp311-linux_x86_64.whl" in names
    assert f"{top}/hosted_engine/init.sls" in names
    assert f"{top}/_utils/ovirt_he/core/state.py" in names
    assert not [name for name in names if "/tests" in name or "/." in name]
