"""
Reading and writing volumes as they must be: block devices past the page cache, in whole sectors.

Each host has a page cache of its own for a device, so another host's writes are only seen directly.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path

SECTOR = 512


def is_block(path: str | Path) -> bool:
    """Whether a path leads to a block device."""
    return stat.S_ISBLK(Path(path).stat().st_mode)


@contextlib.contextmanager
def _opened(path: str | Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | (os.O_DIRECT if is_block(path) else 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _buffer(length: int) -> Iterator[mmap.mmap]:
    """Memory that direct I/O takes: pages."""
    with mmap.mmap(-1, length) as memory:
        yield memory


def _whole(offset: int, length: int) -> tuple[int, int]:
    """The sectors around a range: where they start, and how long they are."""
    start = offset // SECTOR * SECTOR
    return start, -(-(offset + length) // SECTOR) * SECTOR - start


def read(path: str | Path, offset: int, length: int) -> bytes:
    """Bytes from an offset on, fewer at the end."""
    start, whole = _whole(offset, length)
    with _opened(path, os.O_RDONLY) as descriptor, _buffer(whole) as memory:
        got = os.preadv(descriptor, [memory], start)
        return memory[offset - start : min(got, offset - start + length)]


def try_sector(path: str | Path, length: int) -> None:
    """Raise OSError (EINVAL) where the file system takes no direct I/O of that length."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with _buffer(length) as memory:
            os.preadv(descriptor, [memory], 0)
    finally:
        os.close(descriptor)


def write(path: str | Path, offset: int, data: bytes) -> None:
    """Write at an offset and wait until it is on the storage. OSError where it doesn't fit."""
    start, whole = _whole(offset, len(data))
    with _buffer(whole) as memory:
        if whole != len(data):
            around = read(path, start, whole)
            memory[: len(around)] = around
            # A file needn't get longer than it becomes by what is written.
            whole = whole if is_block(path) else max(len(around), offset - start + len(data))
        memory[offset - start : offset - start + len(data)] = data
        with _opened(path, os.O_WRONLY) as descriptor:
            if os.pwritev(descriptor, [memoryview(memory)[:whole]], start) != whole:
                raise OSError(28, "short write", str(path))
            os.fsync(descriptor)
