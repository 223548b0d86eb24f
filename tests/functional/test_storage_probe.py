"""
The look at an export, with real mounts and namespaces; mount.nfs and mount.glusterfs stand in.

They lie over /usr/sbin in a mount namespace of the test's own.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT
from ovirt_he.host import storage_probe

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts: wants root")
PACKAGES = ROOT / "tests/lab/packages"
DOMAIN = "22222222-2222-4333-8444-555555555555"
NFS = {"type": "nfs", "address": "localhost", "path": "/engine", "nfs_version": "auto"}
NFS |= {"mount_options": ""}
GLUSTER = NFS | {"type": "glusterfs"}
RUN = """
mount --make-rprivate / &&
mount -t overlay -o lowerdir=$HELPERS:/usr/sbin none /usr/sbin &&
exec "$@"
"""
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ovirt_he.host import storage_probe
from salt.exceptions import CommandExecutionError
storage, changed = json.loads(sys.argv[2])
for name, value in changed.items():
    setattr(storage_probe, name, value)
before = set(open("/proc/self/mounts"))
try:
    told = storage_probe.inspect(storage)
except CommandExecutionError as error:
    told = {"error": str(error)}
# Others on this machine may unmount theirs meanwhile, by removing what those are mounted on.
assert not set(open("/proc/self/mounts")) - before, "the host's mounts changed"
print(json.dumps(told))
"""


class Nas:
    """Folders that are exported, and the helpers that mount them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.helpers = folder, folder / "helpers"
        self.helpers.mkdir()
        self.helper("nfs", (PACKAGES / "nfs-common/root/usr/sbin/mount.nfs").read_text())
        self.helper("glusterfs", Path(__file__).with_name("mount.glusterfs").read_text())
        self.export = folder / "engine"
        self.export.mkdir()
        os.chown(self.export, 36, 36)
        self.ports: dict[str, int] = {"nfs": 0, "glusterfs": 0}

    def helper(self, kind: str, text: str) -> None:
        path = self.helpers / f"mount.{kind}"
        path.write_text(text)
        path.chmod(0o755)

    def domain(self, name: str = DOMAIN) -> Path:
        metadata = self.export / name / "dom_md" / "metadata"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"SDUUID={name}\nDESCRIPTION=hosted_storage\nPOOL_UUID=p1\n")
        for path in (metadata, *list(metadata.parents)[:2]):
            os.chown(path, 36, 36)
        return self.export / name

    def inspect(self, storage: dict[str, Any] = NFS, **changed: Any) -> dict[str, Any]:
        """What a process of its own is told."""
        environment = os.environ | {"LAB_NAS": str(self.folder), "LAB_GLUSTER": str(self.folder)}
        given = json.dumps([storage, {"PORTS": self.ports} | changed])
        inner = ["sh", "-ec", RUN, "sh", sys.executable, "-c", PROGRAM]
        done = subprocess.run(
            ["unshare", "--mount", *inner, str(ROOT / "_utils"), given],
            env=environment | {"HELPERS": str(self.helpers)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def nas() -> Iterator[Nas]:
    # Not pytest's own folder: vdsm can't pass it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Nas(Path(name))


def mounts_of_all() -> str:
    """Every process's mounts, to see what is left of one's own namespaces."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mounts"):
        try:
            found.append(path.read_text())
        except OSError:
            continue  # it has ended meanwhile
    return "".join(found)


@pytest.mark.parametrize("storage", [NFS, GLUSTER])
def test_an_empty_export_can_be_used(nas, storage):
    told = nas.inspect(storage)

    assert told["looked"] is True, told
    assert (told["domains"], told["others"]) == ([], [])
    assert (told["writable"], told["write_problem"], told["qemu_problem"]) == (True, "", "")
    assert told["block_size"] in (512, 4096)
    room = os.statvfs(nas.export)
    assert 0 < told["free"] <= told["size"] == room.f_blocks * room.f_frsize
    assert list(nas.export.iterdir()) == []
    assert str(nas.folder) not in mounts_of_all()


@pytest.mark.feature("storage_looked_at")
def test_a_domain_is_named_with_its_pool(nas):
    nas.domain()

    told = nas.inspect()

    assert told["domains"] == [
        {"id": DOMAIN, "name": "hosted_storage", "pool": "p1", "problem": ""}
    ]
    assert told["others"] == []
    assert told["writable"] is None, "nothing is written beside a domain that may be in use"


def test_what_vdsm_refuses_as_the_rest_of_a_domain_is_one(nas):
    """By its directory dom_md, whatever else it has."""
    (nas.export / "half" / "dom_md").mkdir(parents=True)

    (found,) = nas.inspect()["domains"]

    assert found == {"id": "half", "name": "", "pool": "", "problem": "No such file or directory"}


def test_a_domain_that_vdsm_may_not_pass_is_one(nas):
    os.chown(nas.domain(), 0, 0)
    (nas.export / DOMAIN).chmod(0o700)

    (found,) = nas.inspect()["domains"]

    assert (found["id"], found["problem"]) == (DOMAIN, "Permission denied")


def test_names_of_others_are_safe_to_be_shown(nas):
    """Neither UTF-8 nor a terminal's business."""
    (nas.export / os.fsdecode(b"\xff\x1b[2J")).mkdir()
    (nas.domain() / "dom_md" / "metadata").write_text("DESCRIPTION=\x1b]0;mine\n")

    told = nas.inspect()

    assert told["others"] == ["??[2J"]
    assert told["domains"][0]["name"] == "?]0;mine"


def test_a_daemon_that_keeps_the_mounts_output_open_is_not_waited_for(nas):
    text = (nas.helpers / "mount.nfs").read_text()
    nas.helper("real", text)
    nas.helper("nfs", f'#!/bin/sh\nsleep 60 &\nexec python3 {nas.helpers}/mount.real "$@"\n')
    before = time.monotonic()

    assert nas.inspect()["looked"] is True
    assert time.monotonic() - before < 20


def test_what_a_filer_keeps_for_itself_is_no_content(nas):
    for name in ("lost+found", ".snapshot", ".zfs", "@eaDir", "#recycle", "aquota.user", "images"):
        (nas.export / name).mkdir()

    assert nas.inspect()["others"] == ["images"]


def test_root_owns_the_export(nas):
    os.chown(nas.export, 0, 0)

    told = nas.inspect()

    assert (told["writable"], told["write_problem"]) == (False, "Permission denied")
    assert (told["domains"], told["others"]) == ([], [])


def test_vdsm_may_not_list_the_export(nas):
    os.chown(nas.export, 0, 0)
    nas.export.chmod(0o700)

    told = nas.inspect()

    assert (told["domains"], told["others"], told["writable"]) == (None, None, False)


def test_qemu_may_not_read_the_export(nas):
    nas.export.chmod(0o700)

    told = nas.inspect()

    assert (told["writable"], told["qemu_problem"]) == (True, "Permission denied")


def test_a_file_system_without_direct_io_is_told(nas):
    """By ramfs, which has none."""
    nas.helper("nfs", '#!/bin/sh\nmount -t ramfs -o mode=0777 none "$2"\n')

    told = nas.inspect()

    assert (told["writable"], told["block_size"]) == (True, 0)
    assert told["write_problem"] == "Invalid argument"


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


def test_a_file_in_use_beside_it_stays(nas):
    """An export that is mounted already goes on: its mount, and what is written meanwhile."""
    other = nas.folder / "elsewhere"
    other.mkdir()
    subprocess.run(["mount", "--bind", nas.export, other], check=True)
    try:
        with (other / "disk").open("wb") as disk:
            writer = threading.Thread(target=lambda: [disk.write(b"x") for _ in range(1000)])
            writer.start()
            assert nas.inspect()["others"] == ["disk"]
            writer.join()
        assert str(other) in Path("/proc/self/mounts").read_text()
        assert (nas.export / "disk").stat().st_size == 1000
    finally:
        subprocess.run(["umount", other], check=True)


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
