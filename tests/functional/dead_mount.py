"""A mount whose server is dead: the kernel's own FUSE, with nobody or an error at its other end."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from pathlib import Path
from types import TracebackType

LIBC = ctypes.CDLL(None, use_errno=True)
DETACH = 2
# Kernel's struct fuse_in_header, fuse_out_header, fuse_init_out.
REQUEST, ANSWER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
INIT, VERSION = 26, struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 1, 1, 4096, 1, 0, 0, 0)


class DeadMount:
    """
    ``path`` answers nothing, or each question with ``error``; it's unmounted at the block's end.

    Whoever asks a mount that answers nothing waits until then, or until it is killed.
    """

    def __init__(self, path: Path, error: int = 0) -> None:
        self.path, self.error = path, error
        path.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> DeadMount:
        self._device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if LIBC.mount(b"dead", str(self.path).encode(), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), f"mounting {self.path}")
        if self.error:
            threading.Thread(target=self._answer, daemon=True).start()
        return self

    def _answer(self) -> None:
        while True:
            try:
                request = os.read(self._device, 2**17)
                _, kind, number, *_ = REQUEST.unpack_from(request)
                data = VERSION if kind == INIT else b""
                code = 0 if kind == INIT else -self.error
                os.write(self._device, ANSWER.pack(ANSWER.size + len(data), code, number) + data)
            except OSError as error:
                if error.errno in (errno.ENODEV, errno.EBADF):
                    return  # unmounted

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        LIBC.umount2(str(self.path).encode(), DETACH)
        if not self.error:
            os.close(self._device)
