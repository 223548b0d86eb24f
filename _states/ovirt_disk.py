"""Disks of the engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from salt.exceptions import CommandExecutionError

ANEW = (
    "The engine neither removes nor renames a hosted engine's disk: while the deployment isn't "
    "complete, run hosted_engine.clean and deploy again"
)


@state.converging
def present(name: str, storage_domain: str, disks: dict[str, dict[str, Any]]) -> state.Goal:
    """
    Ensure that a storage domain holds disks of these names, made side by side; raw ones unless
    ``format`` is ``cow``.

    .. code-block:: yaml

        Hosted engine disks exist:
          ovirt_disk.present:
            - storage_domain: hosted_storage
            - disks:
                he_virtio_disk:
                  content_type: hosted_engine
                  size_mib: 62464
                  format: cow
                  sparse: true
                he_metadata: {content_type: hosted_engine_metadata, size_mib: 128, sparse: false}

    A disk may be larger than wanted, since it may have been extended; it is never changed, and
    never removed: the engine refuses that for a hosted engine's disks. One whose volume couldn't be
    made disappears by itself, and is added again.
    """

    def read() -> state.Facts:
        found = __salt__["ovirt_disk.get"](list(disks), storage_domain)
        for disk, wanted in disks.items():
            _check(disk, wanted, found.get(disk))
        return {disk: found[disk]["status"] if disk in found else "absent" for disk in disks}

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        disk_status = now or {}
        missing = {disk: disks[disk] for disk in disks if disk_status[disk] == "absent"}
        if illegal := [disk for disk in disks if disk_status[disk] == "illegal"]:
            raise CommandExecutionError(
                f"The engine reports these disks as illegal: {', '.join(illegal)}. {ANEW}.\n"
                f"{__salt__['ovirt_event.explanation']()}"
            )
        if missing and __salt__["hosted_engine.deployed"]():
            raise CommandExecutionError(
                f"The hosted engine's storage {storage_domain} lacks {', '.join(missing)}, though "
                "this host is deployed: a new disk would hold nothing of what was there. Restore "
                "it in the engine, or deploy again from a backup"
            )
        if missing:
            return "ovirt_disk.add", storage_domain, missing
        return "ovirt_disk.wait", storage_domain, list(disks)

    return state.Goal(dict.fromkeys(disks, "ok"), read=read, step=step)


def _check(disk: str, wanted: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        return
    if found["content_type"] != wanted["content_type"]:
        raise CommandExecutionError(
            f"The disk {disk} holds {found['content_type']}, not {wanted['content_type']}. {ANEW}"
        )
    if found["format"] != (form := wanted.get("format", "raw")):
        raise CommandExecutionError(
            f"The disk {disk} is {found['format']}, {form} is wanted: set "
            f"hosted_engine:vm:disk_format to {found['format']}. Else: {ANEW}"
        )
    if found["size_mib"] < wanted["size_mib"]:
        raise CommandExecutionError(
            f"The disk {disk} has {found['size_mib']} MiB, {wanted['size_mib']} MiB are wanted: "
            f"lower hosted_engine:vm:disk_gib. Else: {ANEW}"
        )
