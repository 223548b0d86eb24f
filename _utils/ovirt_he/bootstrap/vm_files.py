"""Which files the bootstrap VM consists of; all lie in ``bootstrap:directory``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class Layout(NamedTuple):
    """The files by what they are; none needs to exist."""

    directory: Path

    @property
    def appliance(self) -> Path:
        """The checked image; never written again."""
        return self.directory / "appliance.qcow2"

    @property
    def disk(self) -> Path:
        """The VM's disk: an overlay on the appliance."""
        return self.directory / "disk.qcow2"

    @property
    def seed(self) -> Path:
        """The CD for cloud-init."""
        return self.directory / "seed.iso"

    @property
    def console(self) -> Path:
        """What the guest writes to its serial console."""
        return self.directory / "console.log"

    @property
    def host_key(self) -> Path:
        """The guest's ssh host key; its public half beside it."""
        return self.directory / "host_key"

    @property
    def client_key(self) -> Path:
        """Our key into the guest, until its handover; its public half beside it."""
        return self.directory / "client_key"

    @property
    def known_hosts(self) -> Path:
        """The guest's host key as ssh wants to read it."""
        return self.directory / "known_hosts"

    def ours(self) -> list[Path]:
        """All that exist, including partial files left by an interrupted run."""
        names = (
            self.appliance,
            self.disk,
            self.seed,
            self.console,
            self.host_key,
            self.client_key,
            self.known_hosts,
        )
        found = {path for name in names for path in self.directory.glob(f".{name.name}.*")}
        # virtlogd puts a long console's older parts there.
        found |= set(self.directory.glob(f"{self.console.name}.*"))
        found |= {key.with_suffix(".pub") for key in (self.host_key, self.client_key)}
        return sorted(path for path in found.union(names) if path.exists())


def of(settings: dict[str, Any]) -> Layout:
    """The files below the pillar's ``bootstrap:directory``."""
    return Layout(Path(settings["bootstrap"]["directory"]))


def identity(path: Path) -> dict[str, int] | None:
    """What distinguishes a file from others at the same path; None: there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return {"inode": seen.st_ino, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}
