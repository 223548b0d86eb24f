"""
The lab's NAS: folders that hosts share, mounted so that they look exported. Gluster and SAN beside.

This kernel has no NFS. An overlay mount may have any source name, and a bind mount keeps it: so
/proc/mounts in a host shows ``nas.lab.test:/exports/engine1`` as with NFS.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from . import gluster, san
from .run import run
from .settings import DOMAIN, STORAGE, sites

VDSM = 36


class Share(NamedTuple):
    """A folder that hosts see: the mount's source, and where it lies in a host."""

    folder: Path
    source: str
    seen: str

    @property
    def mount(self) -> Path:
        return self.folder / "mount"


def shares(hosts: int) -> list[Share]:
    """An export for each site."""
    return [
        Share(STORAGE / site, f"nas.{DOMAIN}:/exports/{site}", f"/srv/nas/exports/{site}")
        for site in sites(hosts)
    ]


def binds() -> dict[Path, str]:
    """What is mounted on the machine, and where it is seen in a host; the SAN's images too."""
    known = {share.mount: share.seen for share in shares(len(list(STORAGE.glob("engine*"))))}
    return {path: seen for path, seen in known.items() if os.path.ismount(path)} | san.binds()


def up(hosts: int) -> None:
    """Make and mount the shares that aren't there yet, and the SAN. What is on them stays."""
    for share in shares(hosts):
        folders = {name: share.folder / name for name in ("lower", "data", "work", "mount")}
        if os.path.ismount(share.mount):
            continue
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        if not any(folders["data"].iterdir()):
            os.chown(folders["data"], VDSM, VDSM)
            folders["data"].chmod(0o755)
        layers = "lowerdir={lower},upperdir={data},workdir={work}".format(**folders)
        run(["mount", "-t", "overlay", share.source, "-o", layers, share.mount])
    san.up(hosts)
    if gluster.made():
        gluster.up()


def down() -> None:
    """Unmount the shares, and end Gluster's server and the SAN's. What is on them stays."""
    for path in sorted(STORAGE.glob("engine*/mount")):
        if os.path.ismount(path):
            run(["umount", path])
    gluster.down()
    san.down()
