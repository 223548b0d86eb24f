"""
The lab's Gluster: Debian's server in namespaces of its own, in the lab's network.

Its volumes are replicated, with an arbiter, as oVirt wants them; all bricks are here. It runs once
a volume was asked for; `lab up` and `lab restore` start it again then.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import network
from .run import LabError, run, until
from .settings import DOMAIN, GATEWAY, LAB, STORAGE

SERVER = f"gluster.{DOMAIN}"
# What glusterd knows of its volumes belongs to the bricks: they are kept and restored together.
STATE = STORAGE / "glusterd"
LOG = LAB / "gluster"
PID = LOG / "pid"
VDSM = 36
START_SECONDS = 60
# /run is where its sockets are; brick processes end with the first process of the namespace.
ALONE = (
    *("unshare", "--mount", "--propagation", "private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)
START = """
mount -t tmpfs none /run
mount --bind "$1" /var/lib/glusterd
mount --bind "$2" /var/log/glusterfs
mount --bind "$2/hosts" /etc/hosts
exec glusterd --no-daemon
"""


def made() -> bool:
    """Whether there are volumes."""
    return STATE.is_dir()


def up() -> None:
    """Start the server, with the volumes that it has."""
    if _running():
        return
    for folder in (STATE, LOG):
        folder.mkdir(parents=True, exist_ok=True)
    # The package's sets of options, "virt" among them.
    shutil.copytree("/var/lib/glusterd/groups", STATE / "groups", dirs_exist_ok=True)
    (LOG / "hosts").write_text(f"127.0.0.1 localhost\n{GATEWAY} {SERVER}\n")
    with (LOG / "console.log").open("w") as console:
        server = subprocess.Popen(
            [*network.INSIDE, *ALONE, "sh", "-euc", START, "sh", STATE, LOG],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
        )  # fmt: skip
    PID.write_text(str(server.pid))
    if not until(_answers, START_SECONDS):
        raise LabError(f"glusterd doesn't answer: look into {LOG}")


def volume(site: str) -> None:
    """Have a volume of that name, as oVirt wants it: its options for guests' disks, vdsm's own."""
    up()
    if site in _gluster("volume", "list").split():
        return
    bricks = [STORAGE / f"gluster-{site}" / "data" / str(number) for number in range(3)]
    bricks[0].parent.mkdir(parents=True, exist_ok=True)
    places = [f"{SERVER}:{brick}" for brick in bricks]
    _gluster("volume", "create", site, "replica", "3", "arbiter", "1", *places, "force")
    _gluster("volume", "set", site, "group", "virt")
    for name in ("uid", "gid"):
        _gluster("volume", "set", site, f"storage.owner-{name}", str(VDSM))
    _gluster("volume", "start", site)


def down() -> None:
    """End the server and its bricks' processes."""
    if pid := _running():
        os.kill(pid, signal.SIGKILL)
        if not until(lambda: not _running(), START_SECONDS):
            raise LabError(f"glusterd, process {pid}, survives SIGKILL")


def _running() -> int | None:
    """Process id of what keeps our server's namespaces, or None."""
    try:
        pid = int(PID.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if str(STATE).encode() in words else None


def _answers() -> bool:
    try:
        _gluster("volume", "list")
    except LabError:
        return False
    return True


def _gluster(*words: str) -> str:
    """A command of Gluster's own, beside the server. Raises LabError."""
    pid = _running()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if pid else []
    if not children:
        raise LabError(f"glusterd doesn't run: look into {LOG}")
    beside = ["nsenter", f"--target={children[0]}", "--mount", "--pid", "--net", "--"]
    return run([*beside, "gluster", "--mode=script", *words])
