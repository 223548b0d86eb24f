"""
engine-backup: the engine's state and PKI into one file, and back.

The archive is laid out as the real one's: a tar of ``version``, ``os_version``, ``config``,
``md5sum``, ``files`` (itself a tar, by xz) and ``db/engine_backup.db``; here that is state.json.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from appliance_tools import files

PATHS = (
    "etc/pki/ovirt-engine",
    "etc/ovirt-engine",
    "etc/ovirt-engine-setup.conf",
    "etc/dnf/plugins/versionlock.list",
    "var/lib/ovirt-engine",
)
DATABASE = "db/engine_backup.db"
STATE = "var/lib/ovirt-engine/state.json"
# Backups of an older release that this one restores, as a pair of both.
VALID_PAIRS = (("4.3", "4.5"), ("4.4", "4.5"))
COMPRESSORS = {"gzip": "gz", "bzip2": "bz2", "xz": "xz", "None": ""}
# What an engine that is restored doesn't go on with.
CLEANED = ("tasks", "jobs")


class BackupError(Exception):
    """Why there is no backup, or why it wasn't restored."""


def release(version: str) -> str:
    """The first two parts of a version."""
    return ".".join(version.split(".")[:2])


def loose(version: str) -> list[int | str]:
    """A version as Python's loose versions are compared: numbers, words, what is between them."""
    parts = re.findall(r"\d+|[a-z]+|[^a-z\d.]+", version)
    return [int(part) if part.isdigit() else part for part in parts]


def can_be_restored(made: str, here: str) -> bool:
    """Whether an engine of version ``here`` takes a backup of version ``made``."""
    if release(made) == "4.3" and int(made.split(".")[2]) < 10:
        return False
    if (release(made), release(here)) in VALID_PAIRS:
        return True
    try:
        return release(made) == release(here) and loose(made) <= loose(here)  # type: ignore[operator]
    except TypeError:  # the real one's Python ends with a traceback, which isn't success
        return False


def _member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"./{name}")
    member.size, member.mtime, member.mode = len(content), int(time.time()), 0o600
    archive.addfile(member, io.BytesIO(content))


def _files() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=0) as archive:
        for path in PATHS:
            if (files.root() / path).exists():
                archive.add(
                    files.root() / path,
                    arcname=path,
                    filter=lambda member: None if member.name == STATE else member,
                )
    return packed.getvalue()


def backup(file: Path, version: str, compressor: str) -> None:
    """Write a backup of this engine, which may run."""
    if not files.setup_conf().exists():
        raise BackupError("Engine is not set up on this machine")
    state = files.root() / STATE
    contents = {
        "files": _files(),
        # An engine that never ran knows nothing yet.
        DATABASE: state.read_bytes() if state.exists() else b"{}",
        "version": f"{version}\n".encode(),
        "os_version": b"debian12\n",
        "config": b"SCOPE_FILES=1\nSCOPE_ENGINE_DB=1\nDB_DUMP_FORMAT=custom\n",
    }
    sums = [f"{_md5(content)}  {name}\n" for name, content in contents.items()]
    file.touch(mode=0o600)
    with tarfile.open(file, mode=f"w:{COMPRESSORS[compressor]}") as archive:  # type: ignore[call-overload]
        for name, content in contents.items():
            _member(archive, name, content)
        _member(archive, "md5sum", "".join(sums).encode())


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def restore(file: Path, version: str) -> None:
    """Put a backup's files and database in place, on a machine whose engine doesn't run."""
    running = ["systemctl", "is-active", "--quiet", "ovirt-engine.service"]
    if subprocess.run(running, check=False).returncode == 0:
        raise BackupError("Engine service is active - can not restore backup")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _unpack(file, Path(folder))
        except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as err:
            raise BackupError(f"cannot open {file}: {err}") from err
        _restore(Path(folder), version)


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as archive:
        archive.extractall(folder)


def _restore(folder: Path, version: str) -> None:
    check = ["md5sum", "-c", "md5sum", "--status"]
    if subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode:
        raise BackupError("Checksum verification failed")
    made = (folder / "version").read_text().strip()
    if not can_be_restored(made, version):
        raise BackupError(
            f"Backup was created by version '{made}' and can not be restored using the installed"
            f" version {version}"
        )
    _unpack(folder / "files", files.root())
    state = json.loads((folder / DATABASE).read_bytes())
    if state:
        for kind in CLEANED:
            state[kind] = type(state[kind])()
        files.write(files.root() / STATE, json.dumps(state, indent=1), mode=0o600)


def main(version: str) -> int:
    """Run engine-backup as its arguments say; its exit code."""
    parser = argparse.ArgumentParser(prog="engine-backup", allow_abbrev=False)
    parser.add_argument("--mode", required=True, choices=("backup", "restore"))
    parser.add_argument("--scope", action="append")
    parser.add_argument("--file", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--archive-compressor", choices=tuple(COMPRESSORS), default="gzip")
    parser.add_argument("--provision-all-databases", action="store_true")
    parser.add_argument("--restore-permissions", action="store_true")
    arguments = parser.parse_args()
    act: Callable[[], None] = (
        (lambda: backup(arguments.file, version, arguments.archive_compressor))
        if arguments.mode == "backup"
        else (lambda: restore(arguments.file, version))
    )
    print(f"Start of engine-backup with mode '{arguments.mode}'")
    try:
        if arguments.mode == "restore":
            _check(arguments)
        act()
    except (BackupError, OSError, subprocess.CalledProcessError) as err:
        print(f"FATAL: {err}", file=sys.stderr)
        outcome, code = f"FATAL: {err}", 1
    else:
        if arguments.mode == "restore":
            print("You should now run engine-setup.")
        print("Done.")
        outcome, code = "Done.", 0
    with arguments.log.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {arguments.mode}: {outcome}\n")
    return code


def _check(arguments: argparse.Namespace) -> None:
    if not arguments.file.exists():
        raise BackupError(f"{arguments.file} does not exist")
    if not arguments.provision_all_databases:
        raise BackupError("Can't restore without a database: --provision-all-databases")
    if not arguments.restore_permissions:
        raise BackupError(
            "Please pass one of --restore-permissions or --no-restore-permissions when restoring a"
            " backup with a custom dump format"
        )
