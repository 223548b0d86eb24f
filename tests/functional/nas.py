"""Exports, mounted by stand-ins that lie over /usr/sbin in a namespace of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minion import ROOT

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
        """What the process that looks at the storage reports."""
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
