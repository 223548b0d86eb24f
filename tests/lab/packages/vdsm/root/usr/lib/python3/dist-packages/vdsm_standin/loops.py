"""
Volumes of a LUN as block devices: a loop device each, over the volume's part of the LUN.

A volume is active while a process holds its device open, and so it ends with the host. The device
is one of this host alone, as a logical volume's is: other hosts have theirs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from .layout import own

DEVICES = Path("/dev")
HOLDERS = Path("/run/vdsm/volumes")
LOOP_MAJOR, MISC_MAJOR = 7, 10
LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A
AUTOCLEAR = 4
# The file, the sector size; device, inode, its device, offset, size, number and keys, flags, names.
CONFIGURATION = struct.Struct("=II QQQQQ IIII 64s64s32s QQ 64x")
SECTOR = 512


def activate(domain: str, name: str, lun: Path, offset: int, size: int) -> Path:
    """The node /dev/DOMAIN/NAME of ``size`` bytes of a LUN; made where it isn't there."""
    link = DEVICES / domain / name
    if link.exists() and _shows(link.resolve().name, offset):
        return link
    deactivate(domain, name)
    with lun.open("r+b") as file:
        node, descriptor = _configure(file.fileno(), offset, size)
    holder = subprocess.Popen(
        ["sleep", "infinity"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[descriptor],
    )
    os.close(descriptor)
    record = HOLDERS / domain / name
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(str(holder.pid))
    own(node, 0o660)
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(Path("..") / node.name)
    return link


def deactivate(domain: str, name: str) -> None:
    """Let go of a volume; its device ends with its last user."""
    record = HOLDERS / domain / name
    if record.exists():
        pid = int(record.read_text())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        record.unlink()
    (DEVICES / domain / name).unlink(missing_ok=True)


def active(domain: str) -> list[str]:
    """Names of a domain's active volumes."""
    return sorted(record.name for record in (HOLDERS / domain).glob("*"))


def _shows(device: str, offset: int) -> bool:
    seen = Path("/sys/block") / device / "loop/offset"
    return seen.exists() and int(seen.read_text()) == offset


def _configure(backing: int, offset: int, size: int) -> tuple[Path, int]:
    """A free loop device made to show a file: its node and an open descriptor."""
    while True:
        control = os.open(_node("loop-control", 0o020600, _control()), os.O_RDWR)
        try:
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
        finally:
            os.close(control)
        node = _node(f"loop{number}", 0o060660, os.makedev(LOOP_MAJOR, number))
        descriptor = os.open(node, os.O_RDWR)
        about = (0, 0, 0, offset, size, 0, 0, 0, AUTOCLEAR, b"", b"", b"", 0, 0)
        try:
            fcntl.ioctl(descriptor, LOOP_CONFIGURE, CONFIGURATION.pack(backing, SECTOR, *about))
        except OSError as err:
            os.close(descriptor)
            # Another host was faster.
            if err.errno != errno.EBUSY:
                raise
        else:
            return node, descriptor


def _control() -> int:
    lines = (line.split() for line in Path("/proc/misc").read_text().splitlines())
    minor = next(int(number) for number, name in lines if name == "loop-control")
    return os.makedev(MISC_MAJOR, minor)


def _node(name: str, mode: int, device: int) -> Path:
    """A device's node: a host of the lab has no udev that would make it."""
    path = DEVICES / name
    if not path.exists():
        os.mknod(path, mode, device)
    return path
