"""An archive as engine-backup packs it, made by Python's own tarfile."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

MEMBERS = ("./config", "./files", "./md5sum", "./db/engine_backup.db")


def archive(path: Path, version: str = "4.5.6", mode: str = "w:gz", leave: str = "") -> Path:
    """A backup as engine-backup packs it: the members in any order, below ./ ."""
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, content in (
            *((n, os.urandom(9000)) for n in MEMBERS),
            ("./version", version.encode()),
        ):
            if name != leave:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return path
