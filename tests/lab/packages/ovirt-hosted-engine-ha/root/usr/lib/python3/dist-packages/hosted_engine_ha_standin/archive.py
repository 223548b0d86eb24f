"""
The configuration archive, read as the agent does it: ``dd | tar`` from the start of the disk.

tar on a pipe sees neither compression nor a name that is written otherwise: both end in a refusal.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from vdsm_standin import direct

MEMBERS = ("vm.conf", "broker.conf", "version", "fhanswers.conf", "hosted-engine.conf")
ARCHIVE_BYTES = 20480


class ArchiveError(Exception):
    """The archive can't be read, or not be written."""


def _tar(path: str, *options: str) -> tuple[int, str, str]:
    """Pipe the disk into tar; return code, output and complaints of tar, or dd's complaint."""
    past_the_cache = ["iflag=direct"] if Path(path).is_block_device() else []
    with subprocess.Popen(
        ["dd", f"if={path}", "bs=4k", "status=none", *past_the_cache],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as disk:
        tar = subprocess.run(["tar", *options], stdin=disk.stdout, capture_output=True, check=False)
        assert disk.stdout and disk.stderr
        disk.stdout.close()
        disk_said = disk.stderr.read().decode(errors="replace")
    output = tar.stdout.decode(errors="replace")
    if "failed to open" in disk_said or "error reading" in disk_said:
        raise ArchiveError(disk_said.strip())
    return tar.returncode, output, tar.stderr.decode(errors="replace").strip()


def extract(path: str, name: str) -> str:
    """One member's text. Raises ArchiveError where tar can't give it by just that name."""
    code, output, said = _tar(path, "-xOf", "-", name)
    if code:
        raise ArchiveError(f"Unable to extract {name} from {path}: {said}")
    return output


def read(path: str) -> dict[str, str]:
    """
    All members of the archive on a disk.

    Raises ArchiveError: not a tar, compressed, a name missing or written as ``./name``, a member
    cut off (it reads back as NULs).
    """
    code, listing, said = _tar(path, "-tvf", "-")
    if code:
        raise ArchiveError(f"{path} isn't a valid HE configuration image: {said}")
    for name in MEMBERS:
        if name not in listing:
            raise ArchiveError(f"'{name}' is not stored in the HE configuration image")
    members = {name: extract(path, name) for name in MEMBERS}
    for name, text in members.items():
        if "\0" in text:
            raise ArchiveError(f"'{name}' is damaged in the HE configuration image: NULs in it")
    return members


def pack(members: dict[str, str]) -> bytes:
    """Make an archive. Raises ArchiveError where it isn't exactly 20480 bytes long."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    content = buffer.getvalue().rstrip(b"\0")
    # Whole records of 20480 bytes, with at least the two empty blocks that end an archive.
    length = -(-(-(-len(content) // 512) * 512 + 1024) // ARCHIVE_BYTES) * ARCHIVE_BYTES
    if length != ARCHIVE_BYTES:
        raise ArchiveError(f"Archive size {length} doesn't match expected size {ARCHIVE_BYTES}")
    return content.ljust(length, b"\0")


def replace(path: str, name: str, text: str) -> None:
    """Write one member anew, keeping the others."""
    members = read(path) | {name: text}
    direct.write(path, 0, pack(members))
