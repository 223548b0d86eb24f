"""A host whose deployment is taken down: its storage is a mounted folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.host import storage_probe, volume
from unit.configured import DOMAIN, OTHER

from functional.storage_host import StorageHost

ALLOWED, REMOVED = "hosted_engine_clean.allowed", "hosted_engine_clean.storage_removed"

PLACE = {
    "type": "nfs", "address": "nas.example.com", "path": "/exports/engine",
    "nfs_version": "auto", "mount_options": "",
}  # fmt: skip


def removed(host: StorageHost, test: bool = False) -> dict[str, Any]:
    return host.state(REMOVED, test, name="hosted_storage")


@pytest.fixture
def mount(host: StorageHost) -> Iterator[Path]:
    """The export as vdsm mounts it: our domain, and somebody else's beside it."""
    path = volume.MOUNTS / "nas.example.com:_exports_engine"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "nas.example.com:/exports/engine", path], check=True)
    for domain in (DOMAIN, OTHER):
        for part in ("dom_md", "images"):
            (path / domain / part).mkdir(parents=True)
        (path / domain / "dom_md" / "metadata").write_text(f"CLASS=Data\nSDUUID={domain}\n")
    for found in (path, *path.rglob("*")):
        os.chown(found, 36, 36)
    path.chmod(0o755)
    systemctl = host.folder / "bin" / "systemctl"
    # What restarts vdsmd must do so before its domain goes.
    before = f"*) test -d {path / DOMAIN} || exit 9; "
    systemctl.write_text(systemctl.read_text().replace("*) ", before))
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a look at the export finds, while it isn't mounted for vdsm."""
    found: dict[str, Any] = {"looked": True, "why_not": "", "domains": [{"id": DOMAIN}]}
    asked = found.setdefault("asked", [])

    def inspect(storage: Any) -> dict[str, Any]:
        asked.append(dict(storage))
        return found

    monkeypatch.setattr(storage_probe, "inspect", inspect)
    return found
