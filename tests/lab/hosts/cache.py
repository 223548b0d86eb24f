"""Built things, keyed by what they were made from, and shared by every checkout on the machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .run import run
from .settings import CACHE

# A running host still sees the one of its start.
KEPT = 6


def key(*inputs: Path | str) -> str:
    """A short hash over texts and over files' names, modes and contents; pages don't count."""
    digest = hashlib.sha256()
    for value in inputs:
        for path in _files(value) if isinstance(value, Path) else ():
            digest.update(f"{path.relative_to(value)} {path.stat().st_mode:o}\0".encode())
            digest.update(path.read_bytes())
        if isinstance(value, str):
            digest.update(value.encode() + b"\0")
    return digest.hexdigest()[:12]


def _files(top: Path) -> Iterable[Path]:
    if top.is_file():
        return [top]
    found = (Path(folder) / name for folder, _, names in os.walk(top) for name in names)
    made = (path for path in found if "__pycache__" not in path.parts and not path.is_symlink())
    return sorted(path for path in made if path.suffix != ".md")


def cached(kind: str, wanted: str, build: Callable[[Path], None], prune: bool = True) -> Path:
    """
    The folder that ``build`` fills, built once for each key.

    It gets its name only when it is whole, so a killed build leaves nothing that looks finished.
    ``prune`` removes all but the newest few of its kind; not for what hosts are mounted on.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    final = CACHE / f"{kind}-{wanted}"
    with locked(CACHE / f"{kind}.lock"):
        if not final.is_dir():
            for left in CACHE.glob(f"{kind}.*.partial"):
                run(["rm", "-rf", "--one-file-system", left])
            # A name of its own: what a killed build started may still be writing to the last one.
            partial = CACHE / f"{kind}.{os.getpid()}.partial"
            partial.mkdir()
            build(partial)
            partial.rename(final)
        os.utime(final)
        if prune:
            known = (path for path in CACHE.glob(f"{kind}-*") if path.is_dir())
            for old in sorted(known, key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(old)
    return final


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file; it ends with the process, so a kill leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
