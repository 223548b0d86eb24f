"""
The metadata disk: 4096 bytes a host at 4096 * host id, block 0 for all, UTF-8 in all of them.

A host's block: ``version|version|timestamp|host id|score|engine status|host name|maintenance|
stopped|crc32|conf_on_shared_storage|local_conf_timestamp`` in 512 bytes, then words for people.
"""

from __future__ import annotations

import binascii
import json
from typing import Any

from vdsm_standin import direct

BLOCK = 4096
HOSTS = 2000
# Hosts beyond these are rare: comparing their blocks with zeros is cheaper than decoding them.
LIKELY = 64
ZEROS = memoryview(bytes((HOSTS + 1 - LIKELY) * BLOCK))
# What the broker decodes as text each time.
READ_BYTES = (HOSTS + 1) * BLOCK
FIELDS = 12
SUMMARY = 512
NO_CRC = "00000000"


class MetadataError(Exception):
    """A block, or all of the disk, isn't what HA can read."""


def decode(data: bytes) -> list[str]:
    """Blocks as text, without empty ones at the end. UnicodeDecodeError: another use's bytes."""
    if len(data) < READ_BYTES:
        raise MetadataError(f"Metadata is too short: {len(data)} of {READ_BYTES} bytes")
    if memoryview(data)[LIKELY * BLOCK :] == ZEROS:
        data = data[: LIKELY * BLOCK]
    text = data.decode("utf-8")
    if len(text) == len(data):
        return [text[at : at + BLOCK] for at in range(0, len(text), BLOCK)]
    return [data[at : at + BLOCK].decode("utf-8") for at in range(0, len(data), BLOCK)]


def read(path: str) -> list[str]:
    """Read all blocks of the disk."""
    return decode(direct.read(path, 0, READ_BYTES))


def write(path: str, number: int, block: bytes) -> None:
    """Write one block."""
    if len(block) > BLOCK:
        raise MetadataError(f"{len(block)} bytes don't fit into a block")
    direct.write(path, number * BLOCK, block.ljust(BLOCK, b"\0"))


def pack_host(facts: dict[str, Any]) -> bytes:
    """A host's block from the facts that ``parse_host`` gives."""
    tokens = [
        "1", "1", str(facts["host-ts"]), str(facts["host-id"]), str(facts["score"]),
        json.dumps(facts["engine-status"]), facts["hostname"], str(int(facts["maintenance"])),
        str(int(facts["stopped"])), NO_CRC, str(int(facts["conf_on_shared_storage"])),
        str(facts["local_conf_timestamp"]),
    ]  # fmt: skip
    tokens[9] = _checksum(tokens)
    summary = "|".join(tokens).encode()
    if len(summary) > SUMMARY:
        raise MetadataError(f"{len(summary)} bytes don't fit into a host's {SUMMARY}")
    extra = facts["extra"].encode()[: BLOCK - SUMMARY].decode(errors="ignore").encode()
    return summary.ljust(SUMMARY, b"\0") + extra


def parse_host(host_id: int, block: str) -> dict[str, Any] | None:
    """A host's facts, None for an empty block. Raises MetadataError for what isn't one."""
    summary = block[:SUMMARY].rstrip("\0")
    if not block.strip("\0"):
        return None
    tokens = summary.split("|")
    if len(tokens) != FIELDS or not tokens[0].isdecimal():
        found = f"received {len(tokens)} of {FIELDS} expected tokens"
        raise MetadataError(f"Malformed metadata for host {host_id}: {found}")
    crc = tokens[9]
    tokens[9] = NO_CRC
    if crc != _checksum(tokens):
        raise MetadataError(f"Malformed metadata for host {host_id}: checksum {crc} is wrong")
    return {
        "host-id": host_id,
        "host-ts": int(tokens[2]),
        "score": int(tokens[4]),
        "engine-status": json.loads(tokens[5]),
        "hostname": tokens[6],
        "maintenance": tokens[7] != "0",
        "stopped": tokens[8] != "0",
        "crc32": crc,
        "conf_on_shared_storage": tokens[10] != "0",
        "local_conf_timestamp": int(tokens[11]),
        "extra": block[SUMMARY:].rstrip("\0"),
    }


def _checksum(tokens: list[str]) -> str:
    return f"{binascii.crc32('|'.join(tokens).encode()):08x}"


def pack_global(maintenance: bool) -> bytes:
    """Block 0."""
    return f"maintenance={maintenance}".encode()


def parse_global(block: str) -> dict[str, bool]:
    """The flags of block 0; an empty block has none."""
    pairs = [line.split("=", 1) for line in block.rstrip("\0").split("\n") if "=" in line]
    return {key: value in ("True", "true", "1") for key, value in pairs if key == "maintenance"}
