"""HA's lockspace, in which sanlock gives each host an id of its own."""

from __future__ import annotations

from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.host import volume

LOCKSPACE = "hosted-engine"
BYTES = 1024**2
# sanlock's leader record: magic, little-endian, at 0; name of the lockspace at 56.
LEADER_MAGIC = 0x12212010.to_bytes(4, "little")
LEADER_NAME = slice(56, 104)
# How sanlock refuses a file on storage with 4096-byte sectors (Gluster): it assumes 512 for files,
# and detects the size of a device. 1 MiB has room for 250 hosts, as vdsm's lockspaces.
WRONG_SECTORS = "init done -22"
LARGE_SECTORS = ("-Z", "4096", "-A", "1M")


def name(path: Path) -> str | None:
    """Name of the lockspace at the start of a volume; None: there is none."""
    sector = volume.read(path, volume.BLOCK)
    if not sector.startswith(LEADER_MAGIC):
        return None
    return sector[LEADER_NAME].rstrip(b"\0").decode(errors="replace")


def initialise(path: Path) -> None:
    """
    Write a lockspace with all its locks free to the start of a volume.

    Raises CommandExecutionError where sanlock refuses.
    """
    init, target = (*volume.AS_VDSM, "sanlock", "direct", "init"), place(path)
    advice = "Check the storage, and see: journalctl -u sanlock"
    done = command.run(*init, "-s", target, codes=(0, 1), advice=advice)
    if done.returncode == 0:
        return
    if WRONG_SECTORS not in done.stdout:
        output = (done.stdout + done.stderr).strip()
        raise CommandExecutionError(f"{' '.join(init)} -s {target}: {output}. {advice}")
    command.run(*init, *LARGE_SECTORS, "-s", target, advice=advice)


def place(path: Path) -> str:
    """The lockspace at the start of a volume, in the form of sanlock's command line."""
    escaped = str(path).replace("\\", "\\\\").replace(":", "\\:")
    return f"{LOCKSPACE}:0:{escaped}:0"


def holds_host_id() -> bool:
    """Whether sanlock holds a host id in HA's lockspace, that is, this host's agent works."""
    output = command.run("sanlock", "client", "status", codes=(0, 1)).stdout
    return any(line.startswith(f"s {LOCKSPACE}:") for line in output.splitlines())
