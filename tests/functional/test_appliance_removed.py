"""The appliance's package is removed, by the real dpkg on a root of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.bootstrap import image

from functional.bootstrap_host import Host

REMOVED = "hosted_engine_appliance.removed"
# A distribution's own package provides the name that the pillar has.
NAME, PACKAGE = "ovirt-engine-appliance", "ovirt-engine-appliance-lab"
CONF = "etc/ovirt-hosted-engine/10-appliance-lab.conf"
IMAGE = "usr/share/ovirt-engine-appliance/lab.qcow2"
OWNER = """
import subprocess
def owner(path):
    done = subprocess.run(
        ["dpkg", "--root={root}", "-S", path.removeprefix("{root}")], capture_output=True, text=True
    )
    return done.stdout.partition(":")[0]
"""


class Packages:
    """A dpkg of its own: what is installed lies below ``root``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        for name in ("info", "updates"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()

    def dpkg(self, *arguments: str | Path) -> Any:
        command = ["dpkg", f"--root={self.root}", "--force-not-root", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def install(self, name: str, files: dict[str, str], *fields: str) -> None:
        tree = self.folder / name
        (tree / "DEBIAN").mkdir(parents=True)
        lines = [f"Package: {name}", "Version: 1", "Architecture: all", "Maintainer: x <x@x.x>"]
        (tree / "DEBIAN/control").write_text("\n".join([*lines, *fields, "Description: x", ""]))
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        subprocess.run(["dpkg-deb", "--build", tree], check=True, capture_output=True)
        installed = self.dpkg("--install", f"{tree}.deb")
        assert installed.returncode == 0, installed.stderr


@pytest.fixture
def packages(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    """A host with the appliance's package."""
    made = Packages(tmp_path / "dpkg")
    path = made.root / IMAGE
    made.install(PACKAGE, {IMAGE: "image", CONF: f"path={path}\n"}, f"Provides: {NAME}")
    (host.folder / "modules/pkg.py").write_text(OWNER.replace("{root}", str(made.root)))
    monkeypatch.setattr(image, "PACKAGES", (made.root / CONF).parent)
    really = host._really

    def run(*arguments: str, **more: Any) -> Any:
        if arguments[0] == "dpkg":
            arguments = ("dpkg", f"--root={made.root}", *arguments[1:])
        return really(*arguments, **more)

    monkeypatch.setattr(host, "_really", run)
    host.with_pillar()
    return made


@pytest.mark.feature("appliance_removed")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_the_package_is_removed_once_whatever_its_full_name(host, packages, test):
    host.deploy()

    first = host.minion.state(REMOVED, NAME, test=test)

    left = packages.dpkg("--get-selections", PACKAGE).stdout
    if test:
        assert first["result"] is None
        assert "install" in left
        return
    assert first["result"] is True, first
    assert "install" not in left.replace("deinstall", "")
    assert not (packages.root / IMAGE).exists()
    again = host.minion.state(REMOVED, NAME)
    assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("appliance_removed")
def test_what_another_package_needs_stays_and_is_told(host, packages):
    host.deploy()
    packages.install("ovirt-hosted-engine-setup", {"usr/x": ""}, f"Depends: {NAME}")

    ret = host.minion.state(REMOVED, NAME)

    assert ret["result"] is False
    assert "ovirt-hosted-engine-setup depends on" in ret["comment"]
    assert (packages.root / IMAGE).exists()


def test_on_the_way_it_is_needed(host, packages):
    ret = host.minion.state(REMOVED, NAME)

    assert ret["result"] is False
    assert "isn't deployed yet" in ret["comment"]
    assert (packages.root / IMAGE).exists()


def test_no_other_package_is_removed(host, packages):
    host.deploy()

    with pytest.raises(Exception, match="brought no appliance's image"):
        host.minion("hosted_engine_appliance.remove", "dpkg")
