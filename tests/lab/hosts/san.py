"""
The lab's SAN: LUNs of a user-space iSCSI target (tgt), and some that Fibre Channel shows.

Each site has a target with three LUNs: one that a hosted engine fits on, one that is too small, one
that is used. Hosts log in over the network, with CHAP; blocks they read and write in the images
themselves, for the kernel has no initiator.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from . import network
from .run import LabError, run, until
from .settings import GATEWAY, ISCSI_DISCOVERY, ISCSI_SESSION, LAB, STORAGE, sites, target

IMAGES = STORAGE / "san"
SEEN = "/srv/san"
SOCKET = LAB / "tgtd"
PID = LAB / "tgtd.pid"
PORT = 3260
GIB = 1 << 30
# Sparse: an empty one takes no room.
LUNS = {"large": 24 * GIB, "small": 4 * GIB, "used": 24 * GIB}
START_SECONDS = 10
DISK = 6


def binds() -> dict[Path, str]:
    """The images, and where hosts see them."""
    return {IMAGES: SEEN}


def up(hosts: int) -> None:
    """Make the LUNs that aren't there yet, and have the target show them. What is on them stays."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for fabric in ["fc", *(f"iscsi-{site}" for site in sites(hosts))]:
        for name, size in LUNS.items():
            _image(IMAGES / f"{fabric}-{name}.img", size)
    if not _running():
        _start()
    shown = _admin("target", "show")
    for number, site in enumerate(sites(hosts), 1):
        if f" {target(site)}\n" not in shown:
            _target(number, site)


def down() -> None:
    """End the target."""
    if pid := _running():
        os.kill(pid, signal.SIGKILL)
        until(lambda: not _running(), START_SECONDS)


def _image(path: Path, size: int) -> None:
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    with partial.open("wb") as image:
        image.truncate(size)
    if path.stem.endswith("-used"):
        layout = subprocess.run(
            ["sfdisk", "-q", partial], input="2048,\n", text=True, capture_output=True, check=False
        )
        if layout.returncode:
            raise LabError(f"sfdisk {partial}: {layout.stderr}")
    # Sanlock's daemon, of group disk in a host, locks sectors of it.
    os.chown(partial, 0, DISK)
    partial.chmod(0o660)
    partial.rename(path)


def _running() -> int | None:
    """Process id of our target, or None."""
    try:
        pid = int(PID.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if str(PID).encode() in words else None


def _start() -> None:
    for left in (PID, *LAB.glob("tgtd.*")):
        left.unlink(missing_ok=True)
    options = ["--pid-file", PID, "--iscsi", f"portal={GATEWAY}:{PORT}"]
    run([*network.INSIDE, "tgtd", *options], env={"TGT_IPC_SOCKET": str(SOCKET)})
    if not until(lambda: _admin("system", "show", check=False) != "", START_SECONDS):
        raise LabError(f"tgtd doesn't answer at {SOCKET}")
    for user, password in (ISCSI_SESSION, ISCSI_DISCOVERY):
        _admin("account", "new", "--user", user, "--password", password)
    _admin("account", "bind", "--user", ISCSI_DISCOVERY[0])


def _target(number: int, site: str) -> None:
    this = ["--lld", "iscsi", "--tid", number]
    _admin("target", "new", *this, "--targetname", target(site))
    for lun, name in enumerate(LUNS, 1):
        serial = f"iscsi-{site}-{name}"
        unit = [*this, "--lun", lun]
        _admin("logicalunit", "new", *unit, "--backing-store", IMAGES / f"{serial}.img")
        about = f"vendor_id=LAB,product_id=Disk,scsi_sn={serial},thin_provisioning=1"
        _admin("logicalunit", "update", *unit, "--params", about)
    _admin("account", "bind", *this, "--user", ISCSI_SESSION[0])
    _admin("target", "bind", *this, "--initiator-address", "ALL")


def _admin(mode: str, operation: str, *options: object, check: bool = True) -> str:
    try:
        return run(
            ["tgtadm", "--mode", mode, "--op", operation, *options],
            env={"TGT_IPC_SOCKET": str(SOCKET)},
        )
    except LabError:
        if check:
            raise
        return ""
