"""
Checks of preflight: the export (nfs, glusterfs) as vdsm would find it, mounted for a moment.

Where it can't be looked at from this host yet, that's a note and no problem; the formula looks
again once its packages are there, before engine-setup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ovirt_he.core import records
from ovirt_he.ha.own_domain import known
from ovirt_he.pillar import storage
from ovirt_he.preflight import network
from ovirt_he.preflight.check import Check, Host, Problem, problem

# What a refusal is about: the pillar's key, and what to do.
REASONS = [
    (
        r"access denied|No such file|Permission denied|fetch volume",
        "path",
        "Export it to this host, or name the right one",
    ),
    (
        r"mount option|Invalid (option|argument)",
        "mount_options",
        "Leave out what this type of storage doesn't support",
    ),
    (
        r"refuses TCP port|doesn't answer|[Cc]onnection|resolve|timed out",
        "address",
        "Look at the server, its service, and firewalls between",
    ),
    (
        r"Protocol not supported|version or transport protocol",
        "nfs_version",
        "Name one that the server supports",
    ),
    (r"", "path", "Look at the server"),
]
# vdsm makes a domain on NFS in blocks of 512 bytes only.
BLOCK_SIZES = {"nfs": (512,), "glusterfs": (512, 4096)}


def export_mounts(host: Host) -> Iterator[Problem]:
    """The export can be mounted with the pillar's NFS version and options."""
    found = host.export
    if (why := found.get("refused")) and resolves(host):
        advice = next(one for one in REASONS if re.search(one[0], why))
        yield problem(f"storage:{advice[1]}", why, advice[2])
    elif found.get("why_not"):
        host.notes.append(f"{found['storage']} wasn't looked at: {found['why_not']}")


def export_is_writable(host: Host) -> Iterator[Problem]:
    """vdsm (36:36) can create and write files on the export, and QEMU's user can read it."""
    found = host.export
    if not found.get("looked"):
        return
    if found["writable"] is False:
        why = found["write_problem"]
        yield problem(
            "storage:path",
            f"{found['storage']}: vdsm (36:36) can't write there: {why}",
            "On the server: chown 36:36 and chmod 0755 the directory, or squash to 36:36 "
            "(all_squash,anonuid=36,anongid=36)",
        )
    elif found["domains"] is None:
        yield problem(
            "storage:path",
            f"{found['storage']}: vdsm (36:36) can't list what is there",
            "On the server: chmod 0755 the directory",
        )
    if why := found["qemu_problem"]:
        yield problem(
            "storage:path",
            f"{found['storage']}: QEMU's user (107, group 36) can't read it: {why}",
            "On the server: chmod 0755 the directory",
        )


def export_takes_direct_io(host: Host) -> Iterator[Problem]:
    """Files on the export can be written and read with direct I/O."""
    found = host.export
    if not found.get("looked") or not found["writable"]:
        return
    sizes = BLOCK_SIZES[host.settings["storage"]["type"]]
    if found["block_size"] not in sizes:
        seen = f"{found['block_size']} bytes" if found["block_size"] else found["write_problem"]
        yield problem(
            "storage:path",
            f"{found['storage']}: no direct I/O in blocks of {' or '.join(map(str, sizes))} bytes "
            f"({seen})",
            "vdsm, sanlock and HA need it: export another file system",
        )


def export_is_free(host: Host) -> Iterator[Problem]:
    """No storage domain is on the export, except the one that this deployment created."""
    found = host.export
    if not found.get("looked") or found["domains"] is None or engine_judges(host):
        return
    for domain in found["domains"]:
        if domain["id"] == own_domain(host):
            if records.read("setup") is None:
                yield problem(
                    "storage:path",
                    f"{found['storage']} holds the storage domain of an earlier bootstrap of this "
                    "deployment, which a new engine can't take over",
                    "Apply hosted_engine.clean first",
                )
            continue
        name = f"{domain['name']} ({domain['id']})" if domain["name"] else domain["id"]
        pool = f", of the data center {domain['pool']}" if domain["pool"] else ""
        why = f"; its metadata can't be read: {domain['problem']}" if domain["problem"] else ""
        yield problem(
            "storage:path",
            f"{found['storage']} holds the storage domain {name}{pool}{why}",
            "Name an empty directory; if nobody needs that domain, remove its directory there",
        )
    if found["others"]:
        shown = ", ".join(found["others"][:5]) + (", …" if found["others"][5:] else "")
        host.notes.append(f"{found['storage']} also holds {shown}: the domain will lie beside it")


def export_has_room(host: Host) -> Iterator[Problem]:
    """
    The export has room for the disk of the engine VM and for what the engine keeps free: 5 GiB
    next to the disk, and the 5 GiB of a new domain's critical space action blocker.
    """
    found = host.export
    if not found.get("looked") or engine_judges(host) or own_domain(host):
        return
    disk = host.settings["vm"]["disk_gib"]
    wanted = (disk + storage.SPARE_GIB + storage.BLOCKER_GIB) * storage.GIB
    if found["free"] < wanted:
        yield problem(
            "vm:disk_gib",
            f"{found['storage']} has {found['free'] / storage.GIB:.1f} GiB free, "
            f"{wanted / storage.GIB:.0f} GiB are needed (disk {disk}, reserved by the engine "
            f"{storage.BLOCKER_GIB}, spare {storage.SPARE_GIB})",
            "Make room there, or lower it",
        )


def resolves(host: Host) -> bool:
    """Whether the server has an address at all: servers_resolve says so."""
    return bool(network.resolve(host.settings["storage"]["address"].strip("[]")))


def own_domain(host: Host) -> str:
    """Id of the storage domain that this deployment made; empty where none is known."""
    domain = known(host.settings)
    return domain.id if domain else ""


def engine_judges(host: Host) -> bool:
    """
    Whether the engine is there already, and may have made a domain that nobody wrote down.

    What lies on the storage is then judged with the engine, in its phase.
    """
    return records.read("setup") is not None and not own_domain(host)


CHECKS: list[Check] = [
    export_mounts,
    export_is_writable,
    export_takes_direct_io,
    export_is_free,
    export_has_room,
]
