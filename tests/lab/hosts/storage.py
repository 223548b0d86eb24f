"""
The lab's NAS: folders that hosts share, mounted so that they look exported.

This kernel has no NFS. An overlay mount may have any source name, and a bind mount keeps it: so
/proc/mounts in a host shows ``nas.lab.test:/exports/engine1`` where NFS would.
"""

from __future__ import annotations

import os
from pathlib import Path

from .run import run
from .settings import DOMAIN, EXPORTS, STORAGE

VDSM = 36


def exports(hosts: int) -> list[str]:
    """Names of the exports: one a host, and some more than a small lab needs."""
    return [f"engine{number}" for number in range(1, max(EXPORTS, hosts) + 1)]


def mounts() -> list[Path]:
    """Where the exports that are mounted lie on the machine, each in a folder of its name."""
    return sorted(path for path in STORAGE.glob("engine*/mount") if os.path.ismount(path))


def up(hosts: int) -> None:
    """Make and mount the exports that aren't there yet. What is on them stays."""
    for export in exports(hosts):
        folders = {name: STORAGE / export / name for name in ("lower", "data", "work", "mount")}
        if os.path.ismount(folders["mount"]):
            continue
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        if not any(folders["data"].iterdir()):
            os.chown(folders["data"], VDSM, VDSM)
            folders["data"].chmod(0o755)
        layers = "lowerdir={lower},upperdir={data},workdir={work}".format(**folders)
        source = f"nas.{DOMAIN}:/exports/{export}"
        run(["mount", "-t", "overlay", source, "-o", layers, folders["mount"]])


def down() -> None:
    """Unmount the exports. What is on them stays."""
    for path in mounts():
        run(["umount", path])
