"""
What reality can't tell, kept below ``/var/lib/hosted-engine``: one JSON file a fact.

Written to a temporary name, synced, renamed: a power cut leaves the old record or the new one.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

DIRECTORY = Path("/var/lib/hosted-engine")


def read(name: str) -> dict[str, Any] | None:
    """
    The record ``name``, or None where there is none.

    Raises CommandExecutionError when the file can't be read or isn't a JSON object: guessing here
    could copy over a running engine's disk.
    """
    path = DIRECTORY / f"{name}.json"
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandExecutionError(
            f"The record {path} can't be read: {error}. Look at it, and remove it if it is broken"
        ) from error
    if not isinstance(value, dict):
        raise CommandExecutionError(f"The record {path} isn't a JSON object: remove it")
    return value


def write(name: str, value: dict[str, Any]) -> None:
    """Write the record ``name``, whole or not at all."""
    write_file(DIRECTORY / f"{name}.json", json.dumps(value, indent=1, sort_keys=True) + "\n")


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
