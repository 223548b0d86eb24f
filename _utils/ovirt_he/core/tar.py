"""Tar archives of others: what tarfile would read into memory at once is bounded."""

from __future__ import annotations

import tarfile
from typing import IO, Any

# Reads of content are at most as large. A longer name or record of pax is an attack: tarfile reads
# them whole.
BYTES_AT_ONCE = 2**20


class TarFile(tarfile.TarFile):
    """
    A tar archive, opened as ``TarFile.open(path, "r|*")``.

    Raises tarfile.ReadError for a header of more than a MiB, beside what tarfile raises.
    """

    def __init__(
        self, name: Any = None, mode: Any = "r", fileobj: Any = None, **options: Any
    ) -> None:
        super().__init__(name, mode, _Bounded(fileobj), **options)


class _Bounded:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        if size > BYTES_AT_ONCE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
