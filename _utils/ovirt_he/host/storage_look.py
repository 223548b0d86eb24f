"""
A program of its own: mounts an export in its own namespace, and examines it as vdsm and QEMU.

Run in new mount and process namespaces, so that mount and file system's daemon end with it. Asked
by JSON on stdin, answers by JSON on stdout; needs nothing but Python itself.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# uid, gid and further groups on every EL host, before there are such users as well.
VDSM = (36, 36, [36])
QEMU = (107, 107, [107, 36])
BLOCK_SIZES = (512, 4096)
CONNECT_SECONDS = 10
# Covered by a tmpfs in this program's namespace only; on the host it stays as it is.
PLACE = Path("/mnt")
# vdsm's is less than 1 KiB.
METADATA_SIGNS = 65536
SCRATCH = ".hosted-engine-probe-"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What file systems and filers keep in an export by themselves; hidden entries besides.
OWN = re.compile(r"\.|@|#|\$|lost\+found$|a?quota\.|System Volume Information$")
LOG_LINES = re.compile(r"^\[[^]]*\] E (.*)$", re.MULTILINE)


class Refused(Exception):
    """The export can't be mounted; the reason is the mount's own."""


def mounted(kind: str, source: str, options: str) -> Path:
    """Mount it, and return where."""
    _mount("tmpfs", "none", "mode=0755", PLACE)
    point, log = PLACE / "export", PLACE / "log"
    point.mkdir()
    if kind == "glusterfs" and "log-file=" not in options:
        options = ",".join(filter(None, (options, f"log-file={log}")))
    try:
        _mount(kind, source, options, point)
    except Refused as error:
        logged = LOG_LINES.findall(log.read_text(errors="replace")) if log.is_file() else []
        raise Refused(" ".join((str(error), *logged[-2:]))) from error
    return point


def _mount(kind: str, source: str, options: str, point: Path) -> None:
    arguments = ["mount", "-t", kind, *(["-o", options] if options else []), source, str(point)]
    # Not a pipe: a file system's daemon that kept it open would keep us waiting.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        code = subprocess.run(arguments, stdout=output, stderr=output, check=False).returncode
        output.seek(0)
        reason = " ".join(output.read().split())
    if code:
        raise Refused(f"exit code {code}: {reason}")


def reach(host: str, port: int) -> str:
    """
    Reach the server, in less time than a mount takes to give up; a port that refuses is reported.

    That is no failure yet: version 3 of NFS may use another port. If the mount fails, its reason
    is only that the version isn't supported.
    """
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
        return ""
    except ConnectionRefusedError:
        return f"; {host} refuses TCP port {port}"
    except OSError as error:
        raise Refused(f"{host} doesn't answer at TCP port {port}: {error}") from error


@contextlib.contextmanager
def acting_as(uid: int, gid: int, groups: list[int]) -> Iterator[None]:
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


def reason(action: Any, *arguments: Any) -> str:
    """Why it fails; empty where it doesn't."""
    try:
        action(*arguments)
    except OSError as error:
        return str(error.strerror or error)
    return ""


UNTRIED = {"writable": None, "block_size": 0, "write_problem": "not tried beside a storage domain"}


def written(point: Path) -> dict[str, Any]:
    """Whether a file can be made, written past the page cache, read back, and removed again."""
    scratch = point / f"{SCRATCH}{uuid.uuid4()}"
    facts: dict[str, Any] = {"writable": False, "block_size": 0, "write_problem": ""}
    try:
        os.close(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o660))
    except OSError as error:
        return facts | {"write_problem": str(error.strerror)}
    try:
        for size in BLOCK_SIZES:
            problem = reason(_direct, scratch, size)
            if not problem:
                return facts | {"writable": True, "block_size": size}
        plain = reason(scratch.write_bytes, b"x")
        return facts | {"writable": not plain, "write_problem": plain or problem}
    finally:
        scratch.unlink()


def _direct(path: Path, size: int) -> None:
    """Write and read a block of that size by direct I/O; its pages are aligned."""
    block = mmap.mmap(-1, size)
    block.write(os.urandom(size))
    file = os.open(path, os.O_RDWR | os.O_DIRECT)
    try:
        os.pwritev(file, [block], 0)
        os.fsync(file)
        back = mmap.mmap(-1, size)
        if os.preadv(file, [back], 0) != size or back[:] != block[:]:
            raise OSError("what was written isn't what is read back")
    finally:
        os.close(file)


def content(point: Path) -> dict[str, Any]:
    """Storage domains, as vdsm finds them, and what else there is; None: it can't be listed."""
    try:
        paths = sorted(point.iterdir())
    except OSError:
        return {"domains": None, "others": None}
    # vdsm's own look leaves hidden ones out as well.
    made = [path for path in paths if not path.name.startswith(".") and _has_metadata(path)]
    others = [shown(path.name) for path in paths if path not in made and not OWN.match(path.name)]
    return {"domains": [domain(path) for path in made], "others": others}


def shown(text: str) -> str:
    """A name that is safe to print and to encode, whatever bytes it has."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _has_metadata(path: Path) -> bool:
    """By directory dom_md, whatever its parent's name: vdsm makes no domain beside one."""
    try:
        (path / "dom_md").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        return UUID.fullmatch(path.name) is not None
    return True


def domain(path: Path) -> dict[str, str]:
    try:
        with (path / "dom_md" / "metadata").open(errors="replace") as metadata:
            text = metadata.read(METADATA_SIGNS)
    except OSError as error:
        return {"id": shown(path.name), "name": "", "pool": "", "problem": str(error.strerror)}
    lines = (line.partition("=") for line in text.rstrip("\0").splitlines())
    values = {key: shown(value) for key, _, value in lines}
    name, pool = values.get("DESCRIPTION", ""), values.get("POOL_UUID", "")
    return {"id": shown(path.name), "name": name, "pool": pool, "problem": ""}


def _passed(point: Path) -> None:
    """Read the directory and look a name up in it, there or not: the rights to read and to pass."""
    list(point.iterdir())
    with contextlib.suppress(FileNotFoundError):
        (point / SCRATCH).lstat()


def look(asked: dict[str, Any]) -> dict[str, Any]:
    refusal = reach(asked["host"], asked["port"]) if asked["port"] else ""
    try:
        point = mounted(asked["type"], asked["source"], asked["options"])
    except Refused as error:
        raise Refused(f"{error}{refusal}") from error
    with acting_as(*VDSM):
        facts = content(point)
        # Where somebody's domain lies nothing is tried: it may be in use.
        facts |= UNTRIED if facts["domains"] else written(point)
        room = os.statvfs(point)
    facts |= {"free": room.f_bavail * room.f_frsize, "size": room.f_blocks * room.f_frsize}
    with acting_as(*QEMU):
        facts["qemu_problem"] = reason(_passed, point)
    return facts


def main() -> None:
    try:
        facts = look(json.load(sys.stdin))
    except (Refused, OSError) as error:
        facts = {"refused": str(error)}
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
