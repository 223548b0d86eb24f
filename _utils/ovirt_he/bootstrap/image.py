"""
The appliance's image: read once from a qcow2 or an OVA, never trusted, written sparse.

An OVA is a tar, gzip'ed or not, with one qcow2 in it. It's read as a stream: nothing is unpacked by
its name, and nothing is decompressed twice.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from salt.exceptions import CommandExecutionError

from ovirt_he.core.errors import NotYet
from ovirt_he.core.tar import TarFile

# The package states in a file of this directory where its image is, and its checksum.
PACKAGES = Path("/etc/ovirt-hosted-engine")
QCOW2 = b"QFI\xfb"
GZIP = b"\x1f\x8b"
HEADER_BYTES = 104
CHUNK = 1 << 20
ZEROES = bytes(CHUNK)
# Incompatible features that are fine: dirty, compression type, extended L2. Not: corrupt, and an
# external data file, by which an image could name any file of the host as its content.
HARMLESS = 0b11001


class Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: io.RawIOBase) -> None:
        self.file, self.sha1 = file, hashlib.sha1(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # type: ignore[override]
        count: int = self.file.readinto(buffer)  # type: ignore[attr-defined]
        self.sha1.update(buffer[:count])
        return count


def installed_version() -> str:
    """Version of the installed appliance, such as 4.5-20230101; "": unknown."""
    versions = {values.get("version", "") for values in _packages()}
    return versions.pop() if len(versions) == 1 else ""


def images() -> list[tuple[str, str]]:
    """Path and SHA-1 ("": none is stated) of each image that a package of an appliance brought."""
    return [
        (values["path"], values.get("sha1sum", "").lower())
        for values in _packages()
        if Path(values.get("path", "")).is_file()
    ]


def _packages() -> list[dict[str, str]]:
    """The configuration file of each installed appliance."""
    found = []
    for conf in sorted(PACKAGES.glob("10-appliance*.conf")):
        pairs = (line.partition("=") for line in conf.read_text().splitlines())
        found.append({key.strip(): value.strip() for key, _, value in pairs})
    return found


def installed() -> tuple[str, str]:
    """
    Path and SHA-1 of the image that the appliance's package brought; "": it states none.

    Raises NotYet when there is none, CommandExecutionError when there is more than one.
    """
    found = images()
    if not found:
        raise NotYet(
            f"No appliance is installed: no {PACKAGES}/10-appliance*.conf names an image that "
            "exists. Install the appliance's package, or set appliance:source"
        )
    if len(found) > 1:
        raise CommandExecutionError(
            f"Several appliances are installed: {', '.join(path for path, _ in found)}. "
            "Say by appliance:source which to take"
        )
    return found[0]


def write(source: Path, target: BinaryIO) -> str:
    """
    Write the image in ``source`` to ``target``, holes where it has only zeroes.

    Returns the SHA-1 of ``source``. Raises CommandExecutionError for what is broken, hostile, or
    neither a qcow2 nor an OVA; ``target`` then holds rubbish.
    """
    try:
        with source.open("rb", buffering=0) as raw:
            hashed = Hashed(raw)
            stream: Any = io.BufferedReader(hashed, CHUNK)
            magic = stream.peek(4)[:4]
            if magic == QCOW2:
                _copy(stream, target)
            elif magic[:2] == GZIP:
                unpacked: Any
                with gzip.open(stream) as unpacked:
                    _from_archive(unpacked, target)
            else:
                _from_archive(stream, target)
            # All bytes count for the checksum, and a gzip's own checksum is at its very end.
            while stream.read(CHUNK):
                pass
            return hashed.sha1.hexdigest()
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError) as error:
        raise CommandExecutionError(
            f"{source} is neither a qcow2 nor a whole OVA: {error}. Fetch it again"
        ) from error
    except OSError as error:
        raise CommandExecutionError(f"Copying the appliance from {source}: {error}") from error


def virtual_size(path: Path) -> int:
    """
    Bytes that the disk in a qcow2 has.

    Raises CommandExecutionError when ``path`` isn't a qcow2 that stands by itself.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0")
    magic, version, backing, _, cluster_bits, size, encryption = struct.unpack_from(
        ">4sIQIIQI", header
    )
    features = struct.unpack_from(">Q", header, 72)[0] if version >= 3 else 0
    if magic != QCOW2 or version not in (2, 3) or not 9 <= cluster_bits <= 21:
        raise CommandExecutionError(f"{path} isn't a qcow2 image")
    if backing or encryption or features & ~HARMLESS:
        raise CommandExecutionError(
            f"{path} doesn't stand by itself: it has a backing file, an external data file, is "
            "encrypted, or marked as corrupt. Take the appliance as oVirt builds it"
        )
    if not size or size % 512:
        raise CommandExecutionError(f"{path} has an impossible size: {size} bytes")
    return int(size)


def _from_archive(stream: IO[bytes], target: BinaryIO) -> None:
    found: list[str] = []
    with TarFile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            _refuse_hostile(member)
            content = archive.extractfile(member)
            if content is None:
                continue
            start = content.read(len(QCOW2))
            if start != QCOW2:
                continue
            found.append(member.name)
            if len(found) > 1:
                raise tarfile.TarError(f"it holds more than one disk: {', '.join(found)}")
            target.write(start)
            _copy(content, target)
            if target.tell() != member.size:
                raise tarfile.TarError(f"{member.name} is cut short")
    if not found:
        raise tarfile.TarError("it holds no disk in the format qcow2")
    while stream.read(CHUNK):
        pass


def _refuse_hostile(member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise tarfile.TarError(f"its member {member.name} leads out of it")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise tarfile.TarError(f"its member {member.name} is neither a file nor a directory")


def _copy(source: IO[bytes], target: BinaryIO) -> None:
    """Copy to the end; whole blocks of zeroes become holes."""
    while chunk := source.read(CHUNK):
        if chunk == ZEROES[: len(chunk)]:
            target.seek(len(chunk), os.SEEK_CUR)
        else:
            target.write(chunk)
    target.truncate()
