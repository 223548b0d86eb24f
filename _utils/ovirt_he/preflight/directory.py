"""Checks of preflight: where the bootstrap VM's files will lie."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from ovirt_he.bootstrap import vm_files
from ovirt_he.core import records
from ovirt_he.host import mounts
from ovirt_he.preflight.check import Check, Host, Problem, problem

KEY = "bootstrap:directory"
ANOTHER = "Name one of its own, such as /var/lib/hosted-engine/bootstrap"
# The state gives the directory to root and closes it: these are everybody's, empty or not.
SYSTEM = {
    *("/", "/boot", "/dev", "/etc", "/home", "/media", "/mnt", "/opt", "/proc", "/root", "/run"),
    *("/srv", "/sys", "/tmp", "/usr", "/usr/local", "/var", "/var/cache", "/var/lib"),  # noqa: S108
    *("/var/lib/libvirt", "/var/lib/libvirt/images", "/var/log", "/var/spool", "/var/tmp"),  # noqa: S108
}
# What mkfs puts into a file system of its own.
NOBODYS = {"lost+found"}
REMOTE = ("nfs", "cifs", "smb", "ceph", "9p", "afs", "lustre", "fuse.glusterfs", "fuse.sshfs")
IN_MEMORY = ("tmpfs", "ramfs")


def bootstrap_directory_is_ours(host: Host) -> Iterator[Problem]:
    """
    The bootstrap VM's directory doesn't exist, is empty, or belongs to this deployment. Its
    owner and mode are changed, and it is removed at the end, so it must not be a system
    directory or a home directory.
    """
    named = Path(host.settings["bootstrap"]["directory"])
    real = Path(os.path.realpath(named))
    homes = {Path(os.path.realpath(user.pw_dir)) for user in pwd.getpwall()}
    if str(real) in SYSTEM or real in homes | {Path(os.path.realpath(records.DIRECTORY))}:
        what = f"{named} is the system's, a user's home, or that of the deployment's records"
        yield problem(KEY, f"{what}: its owner and mode would be changed", ANOTHER)
    elif real.exists() and not real.is_dir():
        yield problem(KEY, f"{named} isn't a directory", ANOTHER)
    elif real.is_dir():
        ours = {path.name for path in vm_files.Layout(real).ours()} | NOBODYS
        others = sorted(path.name for path in real.iterdir() if path.name not in ours)
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            yield problem(KEY, f"{named} holds what isn't this deployment's: {shown}", ANOTHER)


def bootstrap_directory_is_passable(host: Host) -> Iterator[Problem]:
    """
    QEMU's user, which isn't in root's group, can pass through each parent directory of the
    bootstrap VM's directory, and of the targets of symbolic links among them.
    """
    named = Path(host.settings["bootstrap"]["directory"])
    for directory in _above(named):
        if not directory.stat().st_mode & stat.S_IXOTH:
            mode = stat.S_IMODE(directory.stat().st_mode)
            what = f"{directory} ({mode:04o}) isn't passable for others, and so not for QEMU's user"
            yield problem(KEY, what, "Name a directory elsewhere, such as below /var")
            return


def _above(path: Path) -> list[Path]:
    """The directories above a path that exist, from the root on, without symbolic links."""
    found: dict[Path, None] = {}
    for each in (*reversed(path.parents), path):
        if each.exists():
            real = Path(os.path.realpath(each))
            for above in (*reversed(real.parents), *([] if each == path else [real])):
                found[above] = None
    return list(found)


def bootstrap_directory_is_local(host: Host) -> Iterator[Problem]:
    """
    The bootstrap VM's directory is on a local file system: a file server could refuse root to
    give files to QEMU, and a file system in memory is lost at a boot.
    """
    named = host.settings["bootstrap"]["directory"]
    real = os.path.realpath(named)
    types = mounts.types()
    above = [point for point in types if os.path.commonpath([point, real]) == point]
    kind = types[max(above, key=len)] if above else ""
    if kind.startswith(REMOTE):
        yield problem(KEY, f"{named} is on a server ({kind})", "Name one on a disk of this host")
    elif kind in IN_MEMORY:
        yield problem(KEY, f"{named} is in memory ({kind})", "Name one on a disk of this host")


CHECKS: list[Check] = [
    bootstrap_directory_is_ours,
    bootstrap_directory_is_passable,
    bootstrap_directory_is_local,
]
