"""The command ``sanlock``: daemon, client status, direct init/dump/read_leader."""

from __future__ import annotations

import errno
import os

from vdsm_standin import direct

from . import client, records
from .daemon import serve
from .paths import lockspace, split
from .records import LeaseError

USAGE = """\
sanlock <command> <action> ...
commands: daemon, client, direct
client action ...
  sanlock client status
direct action ...
  sanlock direct init [-Z 512|4096] [-A 1M|2M|4M|8M] -s LOCKSPACE
  sanlock direct dump PATH[:OFFSET]
  sanlock direct read_leader -s LOCKSPACE
LOCKSPACE = NAME:HOST_ID:PATH:OFFSET (escape a colon within PATH as \\:)
"""
HEADER = "%8s %36s %48s %10s %4s %4s %s"


def main(arguments: list[str]) -> int:  # noqa: PLR0911
    """Run the command; 0 or 1, as the real one."""
    match arguments:
        case ["daemon", *_]:
            serve()
        case ["client" | "status", *rest] if rest in (["status"], []):
            return _status()
        case ["direct", "init", "-s", text]:
            return _init(text)
        case ["direct", "init", "-Z", "512" | "4096" as size, "-A", "1M", "-s", text]:
            return _init(text, int(size))
        case ["direct", "dump", path]:
            return _dump(path)
        case ["direct", "read_leader", "-s", text]:
            return _read_leader(text)
        case _:
            print(USAGE, end="")
            return 1
    return 0


def _status() -> int:
    try:
        print(*client.call("status"), sep="\n")
    except OSError:
        # The real one says nothing at all when its daemon is down.
        return 1
    return 0


def _init(text: str, sector: int = records.SECTOR) -> int:
    space = lockspace(text)
    code = _open_code(space.path) if space.name else -errno.EINVAL
    if code == 0:
        try:
            # A device says what its sectors are; of a file the options tell, else 512.
            if not direct.is_block(space.path):
                direct.try_sector(space.path, sector)
            records.initialise(space.path, space.offset, space.name, sector)
        except OSError as err:
            code = -(err.errno or errno.EIO)
    print(f"init done {code}")
    return 1 if code else 0


def _open_code(path: str) -> int:
    """-19 for a path that can't be opened, as the real one says it."""
    return 0 if path and os.access(path, os.R_OK | os.W_OK) else -errno.ENODEV


def _dump(text: str) -> int:
    path, offset = (*split(text), "")[:2]
    if not os.access(path, os.R_OK):
        print(f"Device {path} not found.")
        return 1
    print(HEADER % ("offset", "lockspace", "resource", "timestamp", "own", "gen", "lver"))
    for host_id in range(1, records.HOSTS + 1):
        try:
            record = records.read(path, int(offset or 0), None, host_id)
        except LeaseError:
            break
        if record.timestamp:
            where = f"{(host_id - 1) * records.SECTOR:08}"
            owner = (f"{record.timestamp:010}", f"{host_id:04}", f"{record.generation:04}", "")
            print((HEADER % (where, record.lockspace, record.owner, *owner)).rstrip())
    return 0


def _read_leader(text: str) -> int:
    space = lockspace(text)
    try:
        record = records.read(space.path, space.offset, space.name, max(space.host_id, 1))
    except LeaseError as err:
        print(f"read_leader done {err.code}")
        return 1
    except OSError:
        print(f"read_leader done {-errno.ENODEV}")
        return 1
    print("read_leader done 0")
    print(f"space_name {record.lockspace}\nresource_name {record.owner}")
    print(f"owner_id {record.owner_id}\ntimestamp {record.timestamp}")
    return 0
