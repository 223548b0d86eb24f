"""engine-backup: the engine's state and PKI into one file, and back."""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance_tools import files

PATHS = (
    "etc/pki/ovirt-engine",
    "etc/ovirt-engine",
    "etc/ovirt-engine-setup.conf",
    "var/lib/ovirt-engine",
)
MEMBERS = ("files.tar", "md5sum", "version")
VERSION = "4.5\n"


class BackupError(Exception):
    """Why there is no backup, or why it wasn't restored."""


def backup(file: Path) -> None:
    """Write a backup of this engine."""
    if not files.setup_conf().exists():
        raise BackupError("Engine is not set up on this machine")
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for path in PATHS:
            archive.add(files.root() / path, arcname=path)
    digest = hashlib.md5(inner.getvalue(), usedforsecurity=False).hexdigest()
    contents = (inner.getvalue(), f"{digest}  files.tar\n".encode(), VERSION.encode())
    file.touch(mode=0o600)
    with tarfile.open(file, mode="w:gz") as archive:
        for name, content in zip(MEMBERS, contents, strict=True):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), int(time.time())
            archive.addfile(member, io.BytesIO(content))


def restore(file: Path) -> None:
    """Put a backup's files in place, on a machine whose engine doesn't run."""
    running = ["systemctl", "is-active", "--quiet", "ovirt-engine.service"]
    if subprocess.run(running, check=False).returncode == 0:
        raise BackupError("Engine service is active, can not restore backup")
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            content = {name: archive.extractfile(name).read() for name in MEMBERS}  # type: ignore[union-attr]
    except (OSError, EOFError, KeyError, tarfile.TarError) as err:
        raise BackupError(f"{file} is not a backup: {err}") from err
    if content["version"].decode() != VERSION:
        raise BackupError(f"Backup was made by version {content['version'].decode().strip()}")
    inner = content["files.tar"]
    if (
        content["md5sum"].split()[0].decode()
        != hashlib.md5(inner, usedforsecurity=False).hexdigest()
    ):
        raise BackupError("Backup's md5sum is wrong")
    command = ["tar", "--extract", "--preserve-permissions", "--directory", str(files.root())]
    subprocess.run(command, input=inner, check=True)


def main() -> int:
    """Run engine-backup as its arguments say; its exit code."""
    parser = argparse.ArgumentParser(prog="engine-backup", allow_abbrev=False)
    parser.add_argument("--mode", required=True, choices=("backup", "restore"))
    parser.add_argument("--scope", action="append")
    parser.add_argument("--file", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--provision-all-databases", action="store_true")
    parser.add_argument("--restore-permissions", action="store_true")
    arguments = parser.parse_args()
    act: Callable[[Path], None] = backup if arguments.mode == "backup" else restore
    print(f"Start of engine-backup with mode '{arguments.mode}'")
    try:
        if arguments.mode == "restore" and not arguments.provision_all_databases:
            raise BackupError("Can't restore without a database: --provision-all-databases")
        act(arguments.file)
    except (BackupError, OSError, subprocess.CalledProcessError) as err:
        print(f"FATAL: {err}", file=sys.stderr)
        outcome, code = f"FATAL: {err}", 1
    else:
        print("Done.")
        outcome, code = "Done.", 0
    with arguments.log.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {arguments.mode}: {outcome}\n")
    return code
