"""File storage domains, in the layout that vdsm gives them: a folder of an export."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import sanlock

from . import mounts
from .errors import StorageDomainDoesNotExist, StorageDomainNotEmpty
from .layout import MIB, folders, link, metadata, own, parsed, sparse
from .process import run

# Bytes of the special files of a domain.
SPECIAL = {"ids": MIB, "inbox": 16 * MIB, "outbox": 16 * MIB, "leases": 16 * MIB, "xleases": MIB}
KIND = "file"


class FileDomain:
    """A domain on an export: images are folders, a volume has its ``.meta`` and its ``.lease``."""

    kind = KIND

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self._folder = folder
        self._images = folder / "images"

    @classmethod
    def find(cls, domain_id: str) -> FileDomain | None:
        """The domain on connected storage, or None."""
        for pattern in ("*", "glusterSD/*"):
            for folder in mounts.MOUNTS.glob(f"{pattern}/{domain_id}"):
                if (folder / "dom_md/metadata").is_file():
                    return cls(folder)
        return None

    @classmethod
    def create(cls, domain_id: str, name: str, connection: Any) -> None:
        """Make one on a connected export. Raises StorageDomainNotEmpty where there is one."""
        kind, root, remote = mounts.location(connection)
        if not os.path.ismount(root):
            raise StorageDomainDoesNotExist((domain_id, f"{remote} is not connected"))
        if used := [entry.name for entry in root.iterdir() if (entry / "dom_md").exists()]:
            raise StorageDomainNotEmpty((remote, used))
        folder = root / domain_id
        folders(folder, folder / "dom_md", folder / "images")
        for special, size in SPECIAL.items():
            sparse(folder / "dom_md" / special, size)
        sanlock.write_lockspace(domain_id.encode(), str(folder / "dom_md/ids"))
        facts = folder / "dom_md/metadata"
        facts.write_text(metadata(domain_id, name, kind, remote))
        own(facts, 0o644)

    def ids(self) -> str:
        """Path of its lockspace."""
        return str(self._folder / "dom_md/ids")

    def metadata(self) -> dict[str, str]:
        """What it says of itself."""
        return parsed((self._folder / "dom_md/metadata").read_text())

    def format(self) -> None:
        """Remove it with all that is on it."""
        shutil.rmtree(self._folder)

    def stats(self) -> dict[str, int]:
        """Bytes that are free and taken on its file system."""
        about = os.statvfs(self._folder)
        taken = about.f_blocks - about.f_bfree
        return {"available": about.f_bavail * about.f_frsize, "used": taken * about.f_frsize}

    def images(self) -> list[str]:
        """Ids of its images."""
        return sorted(entry.name for entry in self._images.iterdir())

    def volumes(self, image: str) -> list[str]:
        """Ids of an image's volumes; of none where there is no such image."""
        folder = self._images / image
        return sorted(at.stem for at in folder.glob("*.meta")) if image else []

    def has(self, image: str) -> bool:
        """Whether there is such an image."""
        return bool(image) and (self._images / image).is_dir()

    def create_volume(self, image: str, volume: str, facts: dict[str, Any], _initial: int) -> None:
        """Make a volume by its facts. Nothing is left of one that fails; raises OSError then."""
        path = self._images / image / volume
        folders(path.parent)
        try:
            size = facts["CAP"]
            if facts["FORMAT"] == "COW":
                run("qemu-img", "create", "-qf", "qcow2", "-o", "compat=1.1", str(path), str(size))
                own(path, 0o660)
            else:
                sparse(path, size)
            if facts["TYPE"] == "PREALLOCATED":
                with path.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, size)
            sparse(lease := path.with_name(f"{volume}.lease"), MIB)
            disks = [(str(lease), 0)]
            sanlock.write_resource(self.id.encode(), volume.encode(), disks)
        except (OSError, sanlock.SanlockException):
            shutil.rmtree(path.parent)
            raise
        meta = path.with_name(f"{volume}.meta")
        meta.write_text("".join(f"{key}={value}\n" for key, value in facts.items()) + "EOF\n")
        own(meta, 0o644)

    def facts(self, image: str, volume: str) -> dict[str, str]:
        """What the ``.meta`` file says."""
        lines = (self._images / image / f"{volume}.meta").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def sizes(self, image: str, volume: str) -> tuple[int, int]:
        """Bytes of a volume: how long it is, and how much room it takes."""
        about = (self._images / image / volume).stat()
        return about.st_size, about.st_blocks * 512

    def show(self, image: str, at: Path) -> None:
        """Make ``at`` a link to an image's folder."""
        link(at, self._images / image)

    def lease(self, path: str, _image: str, volume: str) -> tuple[str, int]:
        """Path and offset of the lease of a volume that was prepared at ``path``."""
        return f"{path}.lease", 0

    def deactivate(self, image: str) -> None:
        """Files need no such thing."""

    def delete(self, image: str, discard: bool) -> None:
        """Remove an image with its volumes."""
        shutil.rmtree(self._images / image)
