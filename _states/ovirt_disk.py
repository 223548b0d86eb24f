"""Disks of the engine, as they should be."""

from __future__ import annotations

from typing import Any

import hosted_engine_state as state
from salt.exceptions import CommandExecutionError


def present(name: str, storage_domain: str, disks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """
    Ensure that a storage domain holds disks of these names, made side by side; raw ones unless
    ``format`` is ``cow``.

    .. code-block:: yaml

        Hosted engine disks are there:
          ovirt_disk.present:
            - storage_domain: hosted_storage
            - disks:
                he_virtio_disk:
                  content_type: hosted_engine
                  size_mib: 62464
                  format: cow
                  sparse: true
                he_metadata: {content_type: hosted_engine_metadata, size_mib: 128, sparse: false}

    A disk may be larger than wanted, since it may have been extended; it is never changed.
    """

    def read() -> state.Facts:
        found = __salt__["ovirt_disk.get"](list(disks), storage_domain)
        for disk, wanted in disks.items():
            _check(disk, wanted, found.get(disk))
        return {disk: found[disk]["status"] if disk in found else "absent" for disk in disks}

    added = False

    def step(now: state.Facts | None) -> state.Step:
        nonlocal added
        seen = now or {}
        illegal = [disk for disk in disks if seen[disk] == "illegal"]
        missing = {disk: disks[disk] for disk in disks if seen[disk] == "absent"}
        # What an earlier run left; one that this run made ends the wait, with the reason.
        if illegal and not added:
            return "ovirt_disk.remove", storage_domain, illegal
        if missing and __salt__["hosted_engine.deployed"]():
            raise CommandExecutionError(
                f"The hosted engine's storage {storage_domain} lacks {', '.join(missing)}, though "
                "this host is deployed: a new disk would hold nothing of what was there. Restore "
                "it in the engine, or deploy anew from a backup"
            )
        if missing:
            added = True
            return "ovirt_disk.add", storage_domain, missing
        return "ovirt_disk.wait", storage_domain, list(disks)

    return state.converge(
        name,
        dict.fromkeys(disks, "ok"),
        read=read,
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )


def _check(disk: str, wanted: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        return
    if found["content_type"] != wanted["content_type"]:
        raise CommandExecutionError(
            f"The disk {disk} holds {found['content_type']}, not {wanted['content_type']}: rename "
            "or remove it in the engine"
        )
    if found["format"] != (form := wanted.get("format", "raw")):
        raise CommandExecutionError(
            f"The disk {disk} is {found['format']}, {form} is wanted: set "
            f"hosted_engine:vm:disk_format to {found['format']}, or remove the disk in the engine"
        )
    if found["size_mib"] < wanted["size_mib"]:
        raise CommandExecutionError(
            f"The disk {disk} has {found['size_mib']} MiB, {wanted['size_mib']} MiB are wanted: "
            "remove it in the engine, or lower hosted_engine:vm:disk_gib"
        )
