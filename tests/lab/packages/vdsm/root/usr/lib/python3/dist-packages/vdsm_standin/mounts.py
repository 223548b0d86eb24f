"""
Storage connections: the server's export, mounted below /rhev/data-center/mnt.

The lab has no NFS: an export is the folder /srv/nas/PATH, and mounting is a bind mount that keeps
the source's name: so /proc/mounts reads as with the real one. Gluster is real.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

from .errors import MountError, StorageServerAccessPermissionError, VdsmError
from .process import as_vdsm, run

MOUNTS = Path("/rhev/data-center/mnt")
TYPES = ("nfs", "posixfs", "glusterfs")
# Where the servers' exports lie in a host.
EXPORTS = Path("/srv/nas")
# The process that serves the mount outlives vdsmd.
SCOPE = ("systemd-run", "--quiet", "--scope", "--slice=vdsm-glusterfs")
OPTION = re.compile(r"[a-z0-9_-]+(=[\w.:/-]+)?")


def mount_point(address: str, path: str, type: str = "nfs") -> Path:
    """Where a server's path is mounted: ``_`` doubled, then ``/`` made ``_``."""
    name = f"{address}:{path.rstrip('/') or '/'}"
    folder = MOUNTS / "glusterSD" if type == "glusterfs" else MOUNTS
    return folder / name.replace("_", "__").replace("/", "_")


def location(connection: Any) -> tuple[str, Path, str]:
    """A domain's type, mount point and remote path, from what ``connect`` gets."""
    type, address, path = (connection[key] for key in ("type", "address", "path"))
    return type.upper(), mount_point(address, path, type), f"{address}:{path}"


def connect(
    type: str,
    address: str,
    path: str,
    mount_options: str | None = None,
    vfs_type: str | None = None,
    **_others: object,
) -> dict[str, str]:
    """
    Mount an export or a volume, once. Other arguments (NFS version, ids) change nothing here.

    Raises MountError 477 (no such server or export, bad option), or 469 where vdsm may not write.
    """
    if type == "glusterfs" and vfs_type != "glusterfs":
        raise MountError((32, f"mount: unknown filesystem type '{vfs_type}'"))
    where = mount_point(address, path, type)
    if not os.path.ismount(where):
        if type == "glusterfs":
            options = ["-o", mount_options] if mount_options else []
            command = [*SCOPE, "mount", "-t", type, *options, f"{address}:{path}"]
        else:
            source = EXPORTS / path.strip("/")
            _check_source(f"{address}:{path}", address, source, mount_options)
            command = ["mount", "--bind", str(source)]
        where.mkdir(parents=True, exist_ok=True)
        try:
            run(*command, str(where))
        except VdsmError as err:
            raise MountError((32, str(err))) from err
    if not as_vdsm("test", "-r", where, "-a", "-w", where, "-a", "-x", where):
        run("umount", str(where))
        raise StorageServerAccessPermissionError(f"path = {where}")
    return {"path": str(where)}


def disconnect(address: str, path: str, type: str = "nfs", **_others: object) -> None:
    """Unmount an export; nothing happens where it isn't mounted."""
    where = mount_point(address, path, type)
    if os.path.ismount(where):
        run("umount", "--lazy", str(where))
        where.rmdir()


def _check_source(name: str, address: str, source: Path, mount_options: str | None) -> None:
    for option in filter(None, (mount_options or "").split(",")):
        if not OPTION.fullmatch(option):
            raise MountError((32, "mount.nfs: an incorrect mount option was specified"))
    try:
        socket.getaddrinfo(address.strip("[]"), 2049)
    except OSError as err:
        reason = f"mount.nfs: Failed to resolve server {address}: Name or service not known"
        raise MountError((32, reason)) from err
    if not source.is_dir():
        reason = "failed, reason given by server: No such file or directory"
        raise MountError((32, f"mount.nfs: mounting {name} {reason}"))
