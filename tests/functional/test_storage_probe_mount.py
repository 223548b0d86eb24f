"""The look at an export that can't be mounted, or by a server that hangs."""

from __future__ import annotations

import os
import socket
import stat
import time

import pytest
from ovirt_he.host import storage_probe

from functional.nas import GLUSTER, NFS, mounts_of_all, nas

__all__ = ["nas"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: wants root")


def test_a_daemon_that_keeps_the_mounts_output_open_is_not_waited_for(nas):
    text = (nas.helpers / "mount.nfs").read_text()
    nas.helper("real", text)
    nas.helper("nfs", f'#!/bin/sh\nsleep 60 &\nexec python3 {nas.helpers}/mount.real "$@"\n')
    before = time.monotonic()

    assert nas.inspect()["looked"] is True
    assert time.monotonic() - before < 20


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"path": "/nope"}, "access denied by server while mounting localhost:/nope"),
        ({"path": "/nope", "nfs_version": "v4_2"}, "reason given by server: No such file or dir"),
        ({"nfs_version": "v3"}, "Protocol not supported"),
        ({"mount_options": "backup-volfile-servers=b"}, "an incorrect mount option was specified"),
        ({"address": "nas.invalid"}, "Failed to resolve server nas.invalid"),
        ({"type": "glusterfs", "path": "/nope"}, "failed to fetch volume file (key:/nope)"),
    ],
)
def test_the_mounts_own_reason(nas, changed, reason):
    (nas.folder / "server.json").write_text('{"versions": ["4.2"]}')
    if changed.get("path") == "/nope" and "nfs_version" not in changed:
        (nas.folder / "server.json").unlink()

    told = nas.inspect(NFS | changed)

    assert reason in told["error"]
    assert "localhost:/" in told["error"] or "nas.invalid:/" in told["error"]


def test_a_helper_that_is_missing_is_no_error(nas):
    helper = nas.helpers / "mount.glusterfs"
    helper.unlink()
    # An overlay's word for "gone": this machine's own mustn't show.
    os.mknod(helper, stat.S_IFCHR, os.makedev(0, 0))

    told = nas.inspect(GLUSTER)

    assert told["looked"] is False
    assert "mount.glusterfs isn't installed" in told["why_not"]
    assert "domains" not in told


def test_a_server_that_hangs_ends_in_time_and_leaves_nothing(nas):
    nas.helper("nfs", f'#!/bin/sh\nmount --bind {nas.export} "$2"\nexec sleep 600\n')
    before = time.monotonic()

    told = nas.inspect(SECONDS=2)

    assert "timed out after 2 s" in told["error"]
    assert time.monotonic() - before < 20
    assert str(nas.folder) not in mounts_of_all()


def test_a_server_that_cannot_be_reached_is_told_before_the_mount(nas):
    """It listens, but takes no connection: its backlog is full, as packets that nobody answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        nas.ports["nfs"] = port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        told = nas.inspect(NFS | {"address": "127.0.0.1"})
        for one in waiting:
            one.close()

    assert f"127.0.0.1 doesn't answer at TCP port {port}" in told["error"]


def test_a_port_that_refuses_is_told_with_a_mount_that_fails_alone(nas):
    """nfsd that is down looks to mount.nfs, with version 3, as a version that isn't supported."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nas.ports["nfs"] = free.getsockname()[1]

    assert nas.inspect(NFS | {"address": "127.0.0.1"})["looked"] is True
    told = nas.inspect(NFS | {"address": "127.0.0.1", "path": "/nope"})
    assert told["error"].endswith(f"; 127.0.0.1 refuses TCP port {nas.ports['nfs']}")


@pytest.mark.parametrize(
    ("kind", "version", "given", "wanted"),
    [
        ("nfs", "auto", "", "soft,nosharecache,timeo=100,retrans=3,nolock"),
        ("nfs", "v3", "lock", "soft,nosharecache,timeo=100,retrans=3,nfsvers=3,lock"),
        ("nfs", "v4", "", "soft,nosharecache,timeo=100,retrans=3,nfsvers=4"),
        ("nfs", "v4_0", "", "soft,nosharecache,timeo=100,retrans=3,nfsvers=4,minorversion=0"),
        ("glusterfs", "auto", "log-level=INFO", "log-level=INFO"),
    ],
)
def test_the_options_are_vdsms(kind, version, given, wanted):
    storage = {"type": kind, "nfs_version": version, "mount_options": given}

    assert storage_probe.options(storage) == wanted
