"""File storage domains, in the layout that vdsm gives them (version 5), owned by 36:36."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from .errors import InvalidParameter, StorageDomainDoesNotExist, StorageDomainNotEmpty
from .mounts import MOUNTS, mount_point

VDSM, KVM = 36, 36
MIB = 1024 * 1024
LINKS = Path("/run/vdsm/storage")
BLANK = "00000000-0000-0000-0000-000000000000"
# Bytes of the special files of a domain.
SPECIAL = {"ids": MIB, "inbox": 16 * MIB, "outbox": 16 * MIB, "leases": 16 * MIB, "xleases": MIB}


def find(domain_id: str) -> Path:
    """The folder of a domain on connected storage. Raises StorageDomainDoesNotExist."""
    for folder in MOUNTS.glob(f"*/{domain_id}"):
        if (folder / "dom_md/metadata").is_file():
            return folder
    raise StorageDomainDoesNotExist((domain_id,))


def own(path: Path, mode: int) -> None:
    """Give a path to vdsm:kvm."""
    os.chown(path, VDSM, KVM)
    path.chmod(mode)


def sparse(path: Path, size: int, mode: int = 0o660) -> None:
    """Make a file of ``size`` bytes, all holes."""
    with path.open("xb") as file:
        file.truncate(size)
    own(path, mode)


def create(storagedomainID: str, name: str, connection: Any, **_others: object) -> None:
    """Make a domain on a connected export. Raises StorageDomainNotEmpty where there is one."""
    root, remote = _location(connection)
    if not os.path.ismount(root):
        raise StorageDomainDoesNotExist((storagedomainID, f"{remote} is not connected"))
    if used := [entry.name for entry in root.iterdir() if (entry / "dom_md").exists()]:
        raise StorageDomainNotEmpty((remote, used))
    folder = root / storagedomainID
    for part in (folder, folder / "dom_md", folder / "images"):
        part.mkdir()
        own(part, 0o755)
    for special, size in SPECIAL.items():
        sparse(folder / "dom_md" / special, size)
    metadata = folder / "dom_md/metadata"
    metadata.write_text(_metadata(storagedomainID, name, remote))
    own(metadata, 0o644)


def format_domain(storagedomainID: str, **_others: object) -> None:
    """Remove a domain with all that is on it."""
    shutil.rmtree(find(storagedomainID))
    shutil.rmtree(LINKS / storagedomainID, ignore_errors=True)


def stats(storagedomainID: str, **_others: object) -> dict[str, int]:
    """Bytes that are free and taken on the domain's file system."""
    about = os.statvfs(find(storagedomainID))
    taken = about.f_blocks - about.f_bfree
    return {"available": about.f_bavail * about.f_frsize, "used": taken * about.f_frsize}


def _location(connection: Any) -> tuple[Path, str]:
    """Mount point and remote path, from ``{address, path}`` or from ``address:/path``."""
    if isinstance(connection, str):
        address, colon, path = connection.partition(":/")
        if not colon:
            raise InvalidParameter(f"connection {connection}")
        return mount_point(address, f"/{path}"), connection
    address, path = connection["address"], connection["path"]
    return mount_point(address, path), f"{address}:{path}"


def _metadata(domain_id: str, name: str, remote: str) -> str:
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
        "TYPE": "NFS",
        "VERSION": 5,
    }
    lines = [f"{key}={value}" for key, value in facts.items()]
    checksum = hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()
    return "\n".join([*lines, f"_SHA_CKSUM={checksum}", ""])
