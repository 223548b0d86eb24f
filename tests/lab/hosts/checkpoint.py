"""Keep all hosts' disks and the shared storage under a name, and go back to them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from . import gluster, network, power, san, storage
from .host import Host
from .run import LabError, run
from .settings import CHECKPOINTS, HOSTS, STORAGE

COPY = ["cp", "--archive", "--reflink=auto", "--sparse=always"]
BLOCK = 512  # of st_blocks


def save(name: str) -> None:
    """
    Keep the lab's disks as ``name``, replacing an earlier one of that name.

    Hosts are shut down for it, so that their disks are in order, and those that ran start again.
    """
    hosts = power.existing()
    running = [host for host in hosts if host.leader()]
    power.stop(hosts)
    partial = CHECKPOINTS / f"{name}.partial"
    run(["rm", "-rf", partial])
    for source in [host.folder / part for host in hosts for part in ("disk", "layers")]:
        _copy(source, partial / source.relative_to(HOSTS.parent))
    shared = [*STORAGE.glob("*engine*/data"), san.IMAGES]
    for source in [*shared, *([gluster.STATE] if gluster.made() else [])]:
        _copy(source, partial / source.relative_to(STORAGE.parent))
    (partial / "running").write_text(" ".join(host.name for host in running))
    run(["rm", "-rf", CHECKPOINTS / name])
    partial.rename(CHECKPOINTS / name)
    _start(running)


def restore(name: str) -> None:
    """Replace all hosts and the storage by what ``name`` kept, and start what ran then."""
    kept = CHECKPOINTS / name
    if not (kept / "running").is_file():
        known = ", ".join(sorted(path.parent.name for path in CHECKPOINTS.glob("*/running")))
        raise LabError(f"no checkpoint {name}; there is {known or 'none'}")
    for host in power.existing():
        power.destroy(host)
    storage.down()
    shutil.rmtree(STORAGE, ignore_errors=True)
    shared = [
        *kept.glob("storage/*/data"),
        *kept.glob("storage/san"),
        *kept.glob("storage/glusterd"),
    ]
    for source in [*shared, *kept.glob("hosts/*/disk")]:
        _copy(source, HOSTS.parent / source.relative_to(kept))
    for source in kept.glob("hosts/*/layers"):
        folder = HOSTS / source.parent.name
        for part in ("work", "root"):
            (folder / part).mkdir()
        # Last: it is what says that the host's disk is whole.
        _copy(source, folder / "layers")
    _start([Host(host) for host in (kept / "running").read_text().split()])


def _start(hosts: list[Host]) -> None:
    network.up()
    storage.up(len(power.existing()))
    for host in hosts:
        power.start(host)
    for host in hosts:
        power.wait(host)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    run([*COPY, source, target])
    for folder, _, names in os.walk(source):
        for path in (Path(folder, name) for name in names):
            # A copy has holes where a preallocated disk has room that was never written.
            seen = path.lstat()
            if stat.S_ISREG(seen.st_mode) and seen.st_blocks * BLOCK >= seen.st_size > 0:
                with (target / path.relative_to(source)).open("r+b") as copy:
                    os.posix_fallocate(copy.fileno(), 0, seen.st_size)
