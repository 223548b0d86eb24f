"""Volumes on this host's mounts, of which some are dead; real mounts, asked as vdsm."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.host import volume
from salt.exceptions import CommandExecutionError, CommandNotFoundError

from .dead_mount import DeadMount

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: wants root")
DOMAIN, IMAGE, VOLUME = (f"{digit * 8}-2222-4333-8444-555555555555" for digit in "123")
OURS = {"type": "nfs", "address": "nas.example.com", "path": "/exports/engine"}
GLUSTER = {"type": "glusterfs", "address": "gl1", "path": "/engine_1"}


class Site:
    """Mounts as vdsm has them; each domain's volume lies where ``place`` put it."""

    def __init__(self, folder: Path) -> None:
        self.mounts, self.prepared = folder / "mnt", folder / "prepared"
        self.ours = self.mounts / "nas.example.com:_exports_engine"
        self.foreign = self.mounts / "aaa:_exports"

    def place(self, mount: Path) -> Path:
        path = mount / DOMAIN / "images" / IMAGE / VOLUME
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 4096)
        os.chown(path, 36, 36)
        return path

    def prepare(self, path: Path) -> Path:
        """As vdsm: a link to the image's directory."""
        link = self.prepared / DOMAIN / IMAGE
        link.parent.mkdir(parents=True)
        link.symlink_to(path.parent)
        return link / VOLUME

    def find(self, storage: dict[str, Any] | None = OURS) -> Path | None:
        return volume.find(DOMAIN, IMAGE, VOLUME, storage)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # Not pytest's own folder: vdsm can't pass it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        site = Site(Path(name))
        monkeypatch.setattr(volume, "MOUNTS", site.mounts)
        monkeypatch.setattr(volume, "PREPARED", site.prepared)
        monkeypatch.setattr(volume, "ASK_SECONDS", 2)
        yield site


def test_a_volume_is_found_on_its_own_mount(site):
    assert site.find() is None
    path = site.place(site.ours)

    assert site.find() == path
    assert site.find(GLUSTER) is None
    assert volume.size(path) == 4096
    assert not volume.is_block_device(path)


def test_a_volume_on_gluster(site):
    on_gluster = site.place(site.mounts / "glusterSD" / "gl1:_engine__1")

    assert site.find(GLUSTER) == on_gluster


def test_a_volume_on_a_lun_is_seen_once_vdsm_prepared_it(site):
    """vdsm links a block domain's volumes below /run alone: what lies below blockSD isn't its."""
    elsewhere = site.place(site.mounts / "blockSD")
    assert site.find({"type": "fc"}) is site.find() is None

    prepared = site.prepare(elsewhere)

    assert site.find({"type": "fc"}) == site.find() == prepared


def test_the_path_that_vdsm_prepared_comes_first(site):
    prepared = site.prepare(site.place(site.ours))

    assert site.find() == prepared


@pytest.mark.parametrize("error", [0, errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("storage", [OURS, None])
def test_another_domains_dead_mount_is_nothing_to_ours(site, error, storage):
    path = site.place(site.ours)
    with DeadMount(site.foreign, error):
        before = time.monotonic()

        assert site.find(storage) == path
        assert time.monotonic() - before < 8


def test_another_domains_dead_mount_is_not_even_asked(site):
    with DeadMount(site.foreign):
        before = time.monotonic()

        assert site.find() is None
        assert time.monotonic() - before < 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [(errno.ESTALE, "Stale file handle"), (0, "timed out after 2 s")],
)
def test_our_own_dead_mount_is_told_and_blocks_nothing(site, error, reason):
    """Not None: that would be a storage that isn't connected."""
    with DeadMount(site.ours, error):
        with pytest.raises(CommandExecutionError, match=reason):
            site.find()
        with pytest.raises(CommandExecutionError, match=reason):
            volume.size(site.ours / "disk")


def test_a_prepared_path_that_leads_nowhere_is_no_path(site):
    path = site.place(site.ours)
    prepared = site.prepare(path)
    path.rename(path.parent.parent / "moved")
    path.parent.rmdir()

    assert not prepared.exists()
    assert site.find() is None


def test_what_vdsm_may_not_see_is_unknown(site):
    os.chown(site.place(site.ours).parent, 0, 0)
    (site.ours / DOMAIN / "images" / IMAGE).chmod(0o700)

    with pytest.raises(CommandExecutionError, match="Permission denied"):
        site.find()


def test_size_of_what_is_not_there(site):
    with pytest.raises(CommandExecutionError, match="No such file"):
        volume.size(site.ours)


def test_direct_io_on_a_dead_mount_ends(site):
    with DeadMount(site.ours), pytest.raises(CommandExecutionError, match="timed out after 1 s"):
        volume.read(site.ours / "disk", 4096, timeout=1)


def test_advice_to_install_comes_with_a_missing_command_alone():
    how = {"advice": "Look at the log", "package": "coreutils"}

    with pytest.raises(CommandNotFoundError) as missing:
        command.run("no-such-command", **how)
    with pytest.raises(CommandExecutionError) as failed:
        command.run("cat", "/no/such/file", **how)
    with pytest.raises(CommandExecutionError) as slow:
        command.run("sleep", "60", timeout=0.1, **how)

    assert str(missing.value) == "no-such-command isn't installed. It comes with coreutils"
    for error in (failed, slow):
        assert "coreutils" not in str(error.value)
        assert "Look at the log" in str(error.value)


def test_a_command_that_cannot_be_killed_is_left_behind(monkeypatch):
    """As one that waits for dead storage in the kernel; here its kill is lost."""
    monkeypatch.setattr(subprocess.Popen, "kill", lambda self: None)
    monkeypatch.setattr(command, "KILLED_SECONDS", 0.1)
    before = time.monotonic()

    with pytest.raises(CommandExecutionError, match="timed out after"):
        command.run("sleep", "5", timeout=0.1)
    assert time.monotonic() - before < 3
