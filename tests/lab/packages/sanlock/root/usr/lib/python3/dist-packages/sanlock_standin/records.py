"""Delta lease records: one 512-byte sector a host id, as sanlock 3.x lays them out."""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass, replace

from vdsm_standin import direct

MAGIC = 0x12212010
VERSION = 0x00030004
SECTOR = 512
HOSTS = 2000
LOCKSPACE_BYTES = 1048576
NAME_BYTES = 48
# magic, version, flags, sector size, hosts, most hosts, owner, generation, lease version, space,
# resource, timestamp, unused: what the checksum covers. Then checksum, unused, io timeout.
BODY = struct.Struct(f"<IIIIQQQQQ{NAME_BYTES}s{NAME_BYTES}sQQ")
TAIL = struct.Struct("<IHH")
IO_TIMEOUT = 10

SANLK_LEADER_MAGIC = -223
SANLK_LEADER_CHECKSUM = -227
SANLK_LEADER_LOCKSPACE = -228


@dataclass(frozen=True)
class Record:
    """Who owns a host id; timestamp 0: nobody. Seconds of the owner's monotonic clock."""

    lockspace: str
    owner: str = ""
    owner_id: int = 0
    generation: int = 0
    timestamp: int = 0


class LeaseError(Exception):
    """A negative sanlock or errno code, and what it says."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code, self.message = code, message


def crc32c(data: bytes) -> int:
    """CRC-32C as sanlock computes it: start with ~1, no final inversion."""
    value = ~1 & 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


def pack(record: Record, sector: int = SECTOR) -> bytes:
    """One sector for a record."""
    body = BODY.pack(
        MAGIC, VERSION, 0x10, sector, 0, 1, record.owner_id, record.generation, 0,
        record.lockspace.encode(), record.owner.encode()[:NAME_BYTES], record.timestamp, 0,
    )  # fmt: skip
    return (body + TAIL.pack(crc32c(body), 0, IO_TIMEOUT)).ljust(sector, b"\0")


def unpack(sector: bytes, lockspace: str | None = None) -> Record:
    """Read a sector. Raises LeaseError where it was never initialised, or is another's."""
    fields = BODY.unpack_from(sector)
    if fields[0] != MAGIC:
        raise LeaseError(SANLK_LEADER_MAGIC, "Sanlock leader magic not found")
    if TAIL.unpack_from(sector, BODY.size)[0] != crc32c(sector[: BODY.size]):
        raise LeaseError(SANLK_LEADER_CHECKSUM, "Sanlock leader checksum is wrong")
    space, owner = (field.rstrip(b"\0").decode() for field in fields[9:11])
    if lockspace is not None and space != lockspace:
        raise LeaseError(SANLK_LEADER_LOCKSPACE, f"Sanlock lockspace on disk is named {space}")
    return Record(space, owner, fields[6], fields[7], fields[11])


def initialise(path: str, offset: int, name: str, sector: int = SECTOR) -> None:
    """Write the free sectors of a lockspace; OSError where the file can't take them."""
    # 1 MiB holds 250 records of 4096 bytes.
    sectors = pack(Record(name), sector) * (HOSTS * SECTOR // sector)
    direct.write(path, offset, sectors.ljust(LOCKSPACE_BYTES, b"\0"))


def read(path: str, offset: int, name: str | None, host_id: int) -> Record:
    """The record of one host id."""
    sector = direct.read(path, offset + (host_id - 1) * SECTOR, SECTOR)
    if len(sector) < SECTOR:
        raise LeaseError(-errno.EINVAL, f"{path} is too short for a lockspace")
    return unpack(sector, name)


def write(path: str, offset: int, host_id: int, record: Record) -> None:
    """Write the record of one host id."""
    direct.write(path, offset + (host_id - 1) * SECTOR, pack(record))


def free(record: Record) -> Record:
    """The same record with no owner alive."""
    return replace(record, timestamp=0)
