"""Volumes on mounts of the kernel's NFS server with root squash, as vdsm names and mounts them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from usermode.formula import Failed

from .conftest import nfs

DOMAIN, IMAGE, VOLUME = (f"{digit * 8}-2222-4333-8444-555555555555" for digit in "123")
TAIL = f"{DOMAIN}/images/{IMAGE}/{VOLUME}"
MIB = 2**20
OPTIONS = {
    "v3": "soft,nosharecache,timeo=100,retrans=3,vers=3,nolock",
    "v4_2": "soft,nosharecache,timeo=100,retrans=3,vers=4.2",
}


def point(export: str) -> str:
    return f"/rhev/data-center/mnt/nas.lab.test:_exports_{export}"


@contextlib.contextmanager
def mounted(hv, export: str, version: str) -> Iterator[None]:
    source = f"nas.lab.test:/exports/{export}"
    hv.run("mkdir", "-p", point(export))
    hv.run("mount", "-t", "nfs", "-o", OPTIONS[version], source, point(export))
    try:
        yield
    finally:
        hv.run("umount", "-f", "-l", point(export))


@pytest.fixture(scope="module")
def volume(nas) -> Iterator[str]:
    """The configuration's volume on the server: of 36:36, and of nobody else."""
    path = f"/exports/engine1/{TAIL}"
    nas.script(
        f"""
        mkdir -p $(dirname {path})
        truncate -s 1M {path}
        chmod 660 {path}
        chown -R 36:36 /exports/engine1/{DOMAIN}
        """
    )
    yield path
    nas.run("rm", "-rf", f"/exports/engine1/{DOMAIN}")


@contextlib.contextmanager
def exported(nas, export: str) -> Iterator[None]:
    """The export is gone meanwhile: handles of its mounts are stale."""
    nas.run("exportfs", "-u", f"*:/exports/{export}")
    try:
        yield
    finally:
        nas.run("exportfs", "-ra")


def find(version: str = "v3") -> str:
    where = nfs("engine1", version)
    return f"ovirt_he.host.volume.find({DOMAIN!r}, {IMAGE!r}, {VOLUME!r}, {where!r})"


def find_anywhere() -> str:
    return f"ovirt_he.host.volume.find({DOMAIN!r}, {IMAGE!r}, {VOLUME!r})"


@pytest.mark.parametrize("version", OPTIONS)
def test_a_volume_that_root_may_not_read_is_found_and_measured(formula, hv, volume, version):
    with mounted(hv, "engine1", version):
        seen = f"{point('engine1')}/{TAIL}"
        assert hv.run("cat", seen, check=False).returncode != 0

        assert formula().python(find(version)) == seen
        assert formula().python(find_anywhere()) == seen
        assert formula().python(f"ovirt_he.host.volume.size({find(version)})") == MIB
        assert formula().python(f"ovirt_he.host.volume.is_block_device({find(version)})") is False


@pytest.mark.parametrize("version", OPTIONS)
def test_what_is_written_lies_on_the_server_and_is_read_back(formula, hv, nas, volume, version):
    text = f"written over {version}"
    data = f"{text!r}.encode().ljust(8192, b'.')"
    with mounted(hv, "engine1", version):
        formula().python(f"ovirt_he.host.volume.write({find(version)}, {data})")

        # Before anything is unmounted: it's past the page cache.
        assert nas.run("head", "-c", str(len(text)), volume).stdout == text
        assert nas.run("stat", "-c", "%u:%g:%a:%s", volume).stdout == f"36:36:660:{MIB}\n"
        assert formula().python(f"ovirt_he.host.volume.read({find(version)}, 8192) == {data}")


def test_without_its_mount_there_is_no_volume(formula, hv, volume):
    assert formula().python(find()) is None


def test_another_domains_stale_mount_does_not_hide_ours(formula, hv, nas, volume):
    with mounted(hv, "engine1", "v3"), mounted(hv, "engine3", "v3"), exported(nas, "engine3"):
        told = hv.run("ls", point("engine3"), check=False)
        assert "Stale file handle" in told.stderr

        assert formula().python(find()) == f"{point('engine1')}/{TAIL}"
        assert formula().python(find_anywhere()) == f"{point('engine1')}/{TAIL}"


def test_our_own_stale_mount_is_an_error_that_names_it(formula, hv, nas, volume):
    with mounted(hv, "engine1", "v3"):
        assert formula().python(find())
        with exported(nas, "engine1"), pytest.raises(Failed) as failed:
            formula().python(find())

    assert failed.value.kind == "CommandExecutionError"
    assert "Stale file handle" in str(failed.value) and point("engine1") in str(failed.value)


@pytest.mark.parametrize("version", OPTIONS)
def test_a_server_that_hangs_is_an_error_in_time_and_heals(formula, hv, nas, volume, version):
    with mounted(hv, "engine1", version):
        assert formula().python(find(version))
        # What the kernel still knows it needn't ask for.
        hv.script("sync; echo 3 > /proc/sys/vm/drop_caches")
        begun = time.monotonic()
        with nas.frozen(), pytest.raises(Failed) as failed:
            formula().python(f"ovirt_he.host.volume.read({find(version)}, 8192)")
        waited = time.monotonic() - begun

        assert failed.value.kind in ("CommandExecutionError", "TimedOut")
        assert point("engine1") in str(failed.value)
        assert waited < 60, waited
        data: Any = json.dumps("back again")
        write = f"ovirt_he.host.volume.write({find(version)}, {data}.encode().ljust(4096, b'.'))"
        formula().python(write)
        assert nas.run("head", "-c", "10", volume).stdout == "back again"
