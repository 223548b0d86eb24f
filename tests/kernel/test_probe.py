"""The look at an export of the kernel's NFS server before an engine uses it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from usermode.formula import Failed
from usermode.host import NAMESPACE

from .conftest import nfs

DOMAIN = "44444444-2222-4333-8444-555555555555"
VERSIONS = ("v3", "v4_2")


def inspect(
    formula, export: str = "engine2", version: str = "v3", server: str = "nas.lab.test"
) -> dict[str, Any]:
    storage = nfs(export, version) | {"mount_options": "", "address": server}
    return dict(formula().python(f"ovirt_he.host.storage_probe.inspect({storage!r})"))


@pytest.fixture(autouse=True)
def nothing_is_left(hv) -> Iterator[None]:
    """The look leaves no mount and no process in the host."""
    yield
    assert " nfs" not in hv.run("cat", "/proc/mounts").stdout
    left = "pgrep -af 'mount.nfs|storage_look' || true"
    assert hv.script(left) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_export_is_writable(formula, nas, version):
    told = inspect(formula, version=version)

    assert (told["looked"], told["writable"], told["block_size"]) == (True, True, 512)
    assert (told["domains"], told["others"]) == ([], [])
    assert told["size"] >= told["free"] > 0
    assert nas.run("ls", "-A", "/exports/engine2").stdout == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_what_root_may_not_read_is_listed_as_vdsm_sees_it(formula, nas, version):
    """Metadata of 0660 and 36:36: root, squashed, is 36 there only where the export says so."""
    folder = f"/exports/engine2/{DOMAIN}"
    nas.script(
        f"""
        mkdir -p {folder}/dom_md /exports/engine2/theirs
        printf 'SDUUID={DOMAIN}\\nDESCRIPTION=data1\\nPOOL_UUID=p1\\n' > {folder}/dom_md/metadata
        chmod 660 {folder}/dom_md/metadata
        chown -R 36:36 {folder}
        """
    )
    try:
        told = inspect(formula, version=version)
    finally:
        nas.run("rm", "-rf", folder, "/exports/engine2/theirs")

    assert told["domains"] == [{"id": DOMAIN, "name": "data1", "pool": "p1", "problem": ""}]
    assert told["others"] == ["theirs"]


def test_an_export_that_isnt_vdsms_is_not_writable(formula, nas):
    nas.run("chown", "0:0", "/exports/engine2")
    try:
        told = inspect(formula)
    finally:
        nas.run("chown", "36:36", "/exports/engine2")

    assert (told["looked"], told["writable"]) == (True, False)
    assert told["write_problem"] == "Permission denied"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_export_that_isnt_there_gives_the_mounts_reason(formula, version):
    with pytest.raises(Failed) as failed:
        inspect(formula, "nowhere", version)

    assert "nas.lab.test:/exports/nowhere" in str(failed.value)
    assert "denied" in str(failed.value) or "No such file" in str(failed.value)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_that_the_server_lacks_gives_the_mounts_reason(formula, nas, version):
    nas.run("rpc.nfsd", "0")
    nas.run("rpc.nfsd", "-N", version[1], "4")
    try:
        assert f"-{version[1]}" in nas.run("cat", "/proc/fs/nfsd/versions").stdout
        with pytest.raises(Failed) as failed:
            inspect(formula, version=version)
    finally:
        nas.run("rpc.nfsd", "0")
        nas.run("rpc.nfsd", "-V", "3", "-V", "4", "4")

    assert "not supported" in str(failed.value) or "isn't supported" in str(failed.value)
    assert inspect(formula, version=version)["writable"]


@pytest.fixture
def mute() -> Iterator[str]:
    """An address whose NFS port takes connections, and answers nothing."""
    address = "10.78.0.1"
    listen = f"import socket as s; one = s.create_server(('{address}', 2049)); print(input())"
    inside = ["ip", "netns", "exec", NAMESPACE, "python3", "-c", listen]
    with subprocess.Popen(inside, stdin=subprocess.PIPE) as process:
        yield address
        process.kill()


@pytest.mark.extensive  # the kernel itself gives up after some 40 seconds
def test_a_server_that_takes_connections_and_answers_nothing_ends_in_time(formula, mute):
    begun = time.monotonic()
    with pytest.raises(Failed) as failed:
        inspect(formula, version="v4_2", server=mute)

    assert time.monotonic() - begun < 100
    assert mute in str(failed.value)
    assert "mount system call failed" in str(failed.value) or "timed out" in str(failed.value)


def test_a_server_that_hangs_ends_in_time(formula, nas):
    begun = time.monotonic()
    with nas.frozen(), pytest.raises(Failed) as failed:
        inspect(formula)

    assert time.monotonic() - begun < 100
    assert "nas.lab.test" in str(failed.value)
