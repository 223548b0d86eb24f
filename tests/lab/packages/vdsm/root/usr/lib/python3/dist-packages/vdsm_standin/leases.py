"""
sanlock as vdsm uses it: its configuration, host ids in domains, leases for guests.

libvirt's plugin takes a guest's leases where it's installed; sanlock's stand-in has none, and takes
them for any process.
"""

from __future__ import annotations

import errno
import pwd
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import sanlock
from sanlock import SanlockException

from . import storage
from .process import run

USER, GROUPS = "sanlock", "disk,kvm"
CONFIGURATION = Path("/etc/sanlock/sanlock.conf")
HOST_ID = Path("/etc/vdsm/vdsm.id")
LIBVIRT = Path("/etc/libvirt")
PLUGINS = "*-linux-gnu/libvirt/lock-driver/sanlock.so"
# Host ids that were asked for, by domain.
MONITORED: dict[str, tuple[bytes, int, str]] = {}


class Lease(NamedTuple):
    """A volume's lease: lockspace (the domain), resource (the volume), and where it lies."""

    lockspace: str
    resource: str
    path: str
    offset: int

    @classmethod
    def of(cls, volume: dict[str, Any]) -> Lease:
        return cls(*(volume[key] for key in ("domainID", "volumeID", "leasePath", "leaseOffset")))


def by_libvirt() -> bool:
    """Whether libvirt takes the leases of its guests."""
    return any(Path("/usr/lib").glob(PLUGINS))


def configure() -> None:
    """Let sanlock read vdsm's volumes under this host's own name, and libvirt ask it for leases."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return
    run("usermod", "--append", "--groups", GROUPS, USER)
    # HA's daemons ask it too.
    run("usermod", "--append", "--groups", USER, "vdsm")
    before = CONFIGURATION.read_text() if CONFIGURATION.exists() else ""
    # With a name that stays, a host has its id back at once after a power cut.
    text = f"our_host_name = {HOST_ID.read_text().strip()}\nmax_worker_threads = 50\n"
    if text != before:
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(text)
        run("systemctl", "restart", "sanlock.service")
    if by_libvirt():
        _set(LIBVIRT / "qemu.conf", lock_manager='"sanlock"')
        _set(LIBVIRT / "qemu-sanlock.conf", auto_disk_leases="0", require_lease_for_disks="0")


def _set(path: Path, **settings: str) -> None:
    text = path.read_text() if path.exists() else ""
    for name, value in settings.items():
        text = re.sub(rf"^{name}\s*=.*\n", "", text, flags=re.MULTILINE) + f"{name} = {value}\n"
    path.write_text(text)


def start_monitoring(sdUUID: str, hostID: int, **_others: object) -> None:
    """Begin to own a host id in a domain's lockspace."""
    place = (sdUUID.encode(), hostID, storage.find(sdUUID).ids())
    try:
        sanlock.add_lockspace(*place, wait=False)
    except SanlockException as err:
        if err.errno not in (errno.EEXIST, errno.EINPROGRESS):
            raise
    MONITORED[sdUUID] = place


def monitored(domains: Iterable[str] = (), **_others: object) -> dict[str, Any]:
    """``acquired`` for each monitored domain: whether the host id is owned."""
    asked = domains or MONITORED
    return {name: {"acquired": bool(sanlock.inq_lockspace(*MONITORED[name]))} for name in asked}


def acquire(wanted: list[Lease], pid: int) -> None:
    """Take leases for a process. Raises SanlockException where another host has one."""
    for lease in wanted:
        disks = [(lease.path, lease.offset)]
        sanlock.acquire(lease.lockspace.encode(), lease.resource.encode(), disks, pid=pid)


def add(xml: str, wanted: list[Lease]) -> str:
    """A domain's XML with the leases that libvirt is to take."""
    domain = ElementTree.fromstring(xml)
    devices = domain.find("devices")
    assert devices is not None
    for lease in wanted:
        element = ElementTree.SubElement(devices, "lease")
        ElementTree.SubElement(element, "lockspace").text = lease.lockspace
        ElementTree.SubElement(element, "key").text = lease.resource
        ElementTree.SubElement(element, "target", path=lease.path, offset=str(lease.offset))
    return ElementTree.tostring(domain, encoding="unicode")
