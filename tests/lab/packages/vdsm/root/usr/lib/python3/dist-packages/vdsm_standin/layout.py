"""What every storage domain of version 5 has, and who owns it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

VDSM, KVM = 36, 36
MIB = 1024 * 1024
LINKS = Path("/run/vdsm/storage")
BLANK = "00000000-0000-0000-0000-000000000000"


def own(path: Path, mode: int) -> None:
    """Give a path to vdsm:kvm."""
    os.chown(path, VDSM, KVM)
    path.chmod(mode)


def folders(*paths: Path) -> None:
    """Make folders of vdsm's, or leave them."""
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        own(path, 0o755)


def link(path: Path, target: Path) -> None:
    """Make a symbolic link, or leave the one that is there."""
    if not (path.is_symlink() and path.readlink() == target):
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def sparse(path: Path, size: int, mode: int = 0o660) -> None:
    """Make a file of ``size`` bytes, all holes."""
    with path.open("xb") as file:
        file.truncate(size)
    own(path, mode)


def metadata(domain_id: str, name: str, kind: str, remote: str) -> str:
    """The domain's metadata: sorted, with a checksum at its end."""
    facts = {
        "ALIGNMENT": MIB,
        "BLOCK_SIZE": 512,
        "CLASS": "Data",
        "DESCRIPTION": name,
        "IOOPTIMEOUTSEC": 10,
        "LEASERETRIES": 3,
        "LEASETIMESEC": 60,
        "LOCKPOLICY": "",
        "LOCKRENEWALINTERVALSEC": 5,
        "POOL_UUID": "",
        "REMOTE_PATH": remote,
        "ROLE": "Regular",
        "SDUUID": domain_id,
        "TYPE": kind,
        "VERSION": 5,
    }
    lines = [f"{key}={value}" for key, value in facts.items()]
    checksum = hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()
    return "\n".join([*lines, f"_SHA_CKSUM={checksum}", ""])


def parsed(text: str) -> dict[str, str]:
    """The facts of such metadata."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
