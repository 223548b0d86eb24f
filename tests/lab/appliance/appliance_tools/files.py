"""Where things lie in the appliance, and how they are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def root() -> Path:
    """The appliance's root: ``/``, or what APPLIANCE_ROOT names, for use outside of the guest."""
    return Path(os.environ.get("APPLIANCE_ROOT", "/"))


def pki() -> Path:
    """The engine's certificates and keys."""
    return root() / "etc/pki/ovirt-engine"


def state() -> Path:
    """What stands for the engine's database."""
    return root() / "var/lib/ovirt-engine"


def setup_conf() -> Path:
    """What engine-setup remembers of its answers: no secrets."""
    return root() / "etc/ovirt-engine-setup.conf"


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole or not at all: a kill in between leaves what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    Path(name).replace(path)
