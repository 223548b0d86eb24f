"""What lies on the export of a hosted engine, and whether vdsm could use it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

from salt.exceptions import CommandExecutionError, CommandNotFoundError

from ovirt_he.core import command
from ovirt_he.host import storage_look
from ovirt_he.pillar import mount_options, storage

# More than a healthy server needs under load; a dead one is left after it.
SECONDS = 90
# vdsm's defaults, which hold unless somebody changes them in the engine.
NFS_OPTIONS = ("soft", "nosharecache", "timeo=100", "retrans=3")
HELPERS = {
    "nfs": "nfs-utils (Debian: nfs-common)",
    "glusterfs": "glusterfs-fuse (glusterfs-client)",
}
PORTS = {"nfs": 2049, "glusterfs": 24007}
# No mount propagates to the host, unmounting on the host does, and all ends with the program.
ALONE = (
    *("unshare", "--mount", "--propagation", "slave"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)


def options(place: storage.Storage) -> str:
    """
    The options that vdsm mounts it with.

    >>> options({"type": "nfs", "nfs_version": "v4_2", "mount_options": "noatime"})
    'soft,nosharecache,timeo=100,retrans=3,nfsvers=4,minorversion=2,noatime'
    """
    given = [option for option in place["mount_options"].split(",") if option]
    if place["type"] != "nfs":
        return ",".join(given)
    version, minor = place["nfs_version"].removeprefix("v").partition("_")[::2]
    wanted = list(NFS_OPTIONS)
    if version != "auto":
        wanted.append(f"nfsvers={version}")
    if minor:
        wanted.append(f"minorversion={minor}")
    if version in ("auto", "3") and not {"lock", "nolock"} & set(given):
        given.append("nolock")
    return ",".join(wanted + given)


def inspect(place: storage.Storage) -> dict[str, Any]:
    """
    Mount the storage for a moment in a namespace of its own, and return what was found.

    Returns what ``hosted_engine_storage_probe.inspect`` documents. Raises CommandExecutionError.
    """
    facts: dict[str, Any] = {"storage": storage.where(place), "looked": False}
    if problem := _unable(place["type"]):
        return facts | {"why_not": problem}
    try:
        done = command.run(
            *ALONE,
            *(sys.executable, "-I", "-B", storage_look.__file__),
            stdin=json.dumps(_asked(place)),
            timeout=SECONDS,
            check=False,
        )
    except CommandNotFoundError as error:
        return facts | {"why_not": str(error)}
    except command.TimedOut as error:
        raise CommandExecutionError(
            f"{facts['storage']}: mounting it and looking at it timed out after {SECONDS} s. "
            "Look at the server, and at what lies between"
        ) from error
    if done.stderr.startswith("unshare: "):
        return facts | {"why_not": done.stderr.strip()}
    try:
        found = json.loads(done.stdout)
    except ValueError as error:
        raise CommandExecutionError(
            f"Looking at {facts['storage']} failed: exit code {done.returncode}: "
            f"{done.stderr.strip()[-2000:]}"
        ) from error
    if "refused" in found:
        raise CommandExecutionError(
            f"Mounting {facts['storage']}, options "
            f"{mount_options.without_secrets(options(place)) or 'none'}: {found['refused']}"
        )
    return facts | {"looked": True, "why_not": ""} | found


def _unable(kind: str) -> str:
    """Why it can't be looked at from this host as it is; empty if it can."""
    helper = f"mount.{kind}"
    if shutil.which(helper, path=command.ENVIRONMENT["PATH"]) is None:
        return f"{helper} isn't installed yet: it comes with {HELPERS[kind]}"
    return "" if os.geteuid() == 0 else "only root may mount"


def _asked(place: storage.Storage) -> dict[str, Any]:
    """What the program is to look at; no port where the pillar's options leave the usual one."""
    given = options(place)
    names = {option.partition("=")[0] for option in given.split(",")}
    usual = not names & {"port", "proto", "rdma", "udp"}
    if place["type"] == "nfs" and "retry" not in names:
        # mount.nfs itself goes on trying for two minutes.
        given += ",retry=0"
    return {
        "type": place["type"],
        "source": storage.server_path(place),
        "options": given,
        "host": place["address"].strip("[]"),
        "port": PORTS[place["type"]] if usual else 0,
    }
