"""Salt's libraries on a host that has no compiler, no headers and no package index."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .site import Site, failures

sys.path.insert(0, str(Path(__file__).parents[2]))
from release import wheelhouse

PIP = "/opt/saltstack/salt/bin/pip"
IMPORTED = (
    "import libvirt, pycurl, pycdlib; from ovirtsdk4 import reader; "
    "print(libvirt.open('test:///default').getHostname(), reader.Reader.read('<vm/>') is not None)"
)


def test_the_host_can_build_nothing(site: Site) -> None:
    for command in ("gcc", "cc", "pkg-config"):
        assert site.run(["sh", "-c", f"command -v {command}"], codes=(1, 127)).stdout == ""
    site.run(["test", "-e", "/usr/include/libvirt"], codes=(1,))
    site.run(["test", "-e", "/usr/include/libxml2"], codes=(1,))


def test_without_wheels_preflight_says_so(site: Site) -> None:
    pillar = {"hosted_engine": {"python": {"wheelhouse": "/srv/pillar"}}}

    states = site.apply("hosted_engine.preflight", pillar=pillar)

    told = failures(states)
    assert "/srv/pillar has no wheels of" in told
    assert "gcc" in told


def test_it_gets_them_from_the_wheelhouse(site: Site) -> None:
    states = site.apply("hosted_engine.appliance")

    assert not failures(states), failures(states)
    (pip,) = [state for state in states if state.function == "pip.installed"]
    assert pip.result is True
    assert pip.changes
    listed = site.output(PIP, "list", "--format=freeze")
    for name in ("libvirt-python", "ovirt-engine-sdk-python", "pycurl", "pycdlib"):
        assert f"{name}==" in listed.lower().replace("_", "-")
    # Not built here: the wheel says for which platforms it was made.
    shown = site.output(PIP, "show", "-f", "libvirt-python")
    assert "libvirtmod" in shown
    assert site.output("/opt/saltstack/salt/bin/python3", "-c", IMPORTED).endswith("True")


def test_wheels_need_no_newer_libvirt_and_glibc_than_el_8s(tmp_path: Path) -> None:
    """By the linker's own tables, not by the wheels' names."""
    from hosts import root

    oldest = {"LIBVIRT": wheelhouse.LIBVIRT, "GLIBC": wheelhouse.GLIBC}
    wheels = list(root.wheelhouse().glob("libvirt*.whl")) + list(
        root.wheelhouse().glob("ovirt*.whl")
    )
    assert wheels
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(tmp_path / wheel.name)
    for library in tmp_path.rglob("*.so"):
        shown = subprocess.run(
            ["readelf", "-V", library], capture_output=True, text=True, check=True
        )
        needed = re.findall(r"Name: (LIBVIRT|GLIBC)_([0-9.]+)", shown.stdout)
        assert needed, library
        newer = [one for one in needed if _number(one[1]) > _number(oldest[one[0]])]
        assert newer == [], library


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.mark.parametrize("version", wheelhouse.PYTHONS)
def test_wheels_of_each_salts_python_load(version: str, tmp_path: Path) -> None:
    """Without index, as a host installs them; a machine that lacks this Python can't say."""
    from hosts import root

    try:
        python = wheelhouse.interpreter(version)
    except wheelhouse.Missing as missing:
        pytest.skip(str(missing))
    uv = [sys.executable, "-m", "uv"]
    venv, requirements = tmp_path / "venv", wheelhouse.REQUIREMENTS
    subprocess.run([*uv, "venv", "-q", "--python", python, venv], check=True)
    install = [*uv, "pip", "install", "-q", "--no-index", "--only-binary=:all:", "--python", venv]
    subprocess.run([*install, "--find-links", root.wheelhouse(), "-r", requirements], check=True)
    done = subprocess.run(
        [venv / "bin/python", "-c", IMPORTED], capture_output=True, text=True, check=False
    )

    assert done.stdout.endswith("True\n"), done.stderr
