"""
Records of a deployment below ``/var/lib/hosted-engine``, of what can't be found out again: one JSON
file per subject.

Written to a temporary name, synced, renamed: a power cut leaves the old record or the new one.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

DIRECTORY = Path("/var/lib/hosted-engine")

GUEST_HOOKS = ("guest_before_setup", "guest_after_setup", "guest_after_host")
HOST_HOOKS = ("host_before_setup", "host_after_setup", "host_after_host", "host_after_deployment")
FILE = (dict, type(None))  # what distinguishes files that have the same path; None: no file
# What each record holds. A field may be missing: an earlier version of the formula knew fewer.
FIELDS: dict[str, dict[str, Any]] = {
    # The bootstrap VM's engine-setup was seen complete.
    "setup": {"domain": str, "overlay": int, "keycloak": bool, "ca_sha256": str},
    # The guest's disk was copied whole: from which file to which volume.
    "copied": {"source": FILE, "storage_domain": str, "image": str, "volume": str},
    # The hooks that ran, by moment; the guest's are removed when its disk is rebuilt.
    "hooks-guest": dict.fromkeys(GUEST_HOOKS, list),
    "hooks-host": dict.fromkeys(HOST_HOOKS, list),
    # The phases before which a run was held up.
    "pauses": {"passed": list},
    # Routes and rules before the host was added to the engine.
    "routes": {
        "address": str, "device": str, "bridge": str, "boot": str, "routes": list, "rules": list,
        "restored": bool, "saved": bool,
    },
    # What the bootstrap VM is made from, and how far it got.
    "bootstrap": {
        "overlay": (int, type(None)), "appliance": FILE, "seed": FILE, "definition": str,
        "started": bool, "failed": str,
    },
    # The appliance's image, and where it came from.
    "appliance": {"source": str, "sha1": str, "image": FILE},
    # What this deployment made, for hosted_engine.clean; and that the engine was seen healthy.
    "deployment": {
        "storage": dict, "made": str, "key": str, "fqdn": str, "vm_id": str, "host_id": int,
        "storage_domain": str, "healthy": bool,
    },
}  # fmt: skip
BROKEN = (
    "Restore it from a backup of this host; without one, remove it only if you know what it "
    "contained: docs/operation.md"
)
# Of a deployment that isn't over. The setup's goes first: with it, a missing record of the copy
# means that none was made.
IN_PROGRESS = ("setup", "copied", "hooks-guest", "hooks-host", "pauses", "routes")


def read(name: str) -> dict[str, Any] | None:
    """
    The record ``name``, or None where there is none.

    Raises CommandExecutionError when the file can't be read or isn't what we write: guessing here
    could copy over a running engine's disk.
    """
    fields = FIELDS[name]
    path = DIRECTORY / f"{name}.json"
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandExecutionError(
            f"The record {path} can't be read: {error}. {BROKEN}"
        ) from error
    if not isinstance(value, dict):
        raise CommandExecutionError(f"The record {path} isn't a JSON object. {BROKEN}")
    wrong = [
        key for key, kind in fields.items() if key in value and not isinstance(value[key], kind)
    ]
    if wrong:
        shown = ", ".join(f"{key}: {value[key]!r}" for key in wrong)
        raise CommandExecutionError(
            f"The record {path} holds what nobody writes: {shown}. {BROKEN}"
        )
    return value


def write(name: str, value: dict[str, Any]) -> None:
    """Write the record ``name``, whole or not at all."""
    write_file(DIRECTORY / f"{name}.json", json.dumps(value, indent=1, sort_keys=True) + "\n")


def update(name: str, **facts: Any) -> None:
    """Write facts into the record ``name``, beside those that it has."""
    write(name, (read(name) or {}) | facts)


def present(names: Iterable[str]) -> list[str]:
    """Which of these records are there, whatever they hold."""
    return [name for name in names if (DIRECTORY / f"{name}.json").exists()]


def ca() -> Path:
    """The engine's CA certificate, as it was read over the verified channel into the guest."""
    return DIRECTORY / "engine-ca.pem"


def remove(name: str) -> None:
    """Forget the record ``name``; it needn't exist."""
    (DIRECTORY / f"{name}.json").unlink(missing_ok=True)


def read_file(path: Path) -> str:
    """
    The text of a file of any kind, empty where there is none.

    Raises CommandExecutionError when it is there and can't be read.
    """
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CommandExecutionError(f"Reading {path}: {error}") from error


def write_file(
    path: Path, content: str | bytes, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """
    Replace ``path`` whole: never seen half-written, nor with other rights than ``mode``.

    Raises CommandExecutionError with the path when the file system refuses.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                if owner:
                    os.fchown(file.fileno(), *owner)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise CommandExecutionError(f"Writing {path}: {error}") from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
