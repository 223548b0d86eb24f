"""What the bootstrap VM is made from, and whether its disk can be trusted."""

from __future__ import annotations

import hashlib
from typing import Any
from xml.etree import ElementTree

from salt.exceptions import CommandExecutionError

from ovirt_he.bootstrap import definitions, vm_files
from ovirt_he.core import records

Settings = dict[str, Any]


def is_complete(settings: Settings) -> bool:
    """Whether the setup of this very disk was seen complete."""
    seen, disk = records.read("setup"), vm_files.identity(vm_files.of(settings).disk)
    if seen is None or disk is None:
        return False
    ours = settings["bootstrap"]["uuid"]
    return bool(seen["overlay"] == disk["inode"] and seen["domain"] == ours)


def disk_state(connection: Any, settings: Settings, state: str | None) -> str:
    """
    trusted, absent, or why the disk isn't trusted.

    ``state``: the VM's, None where it isn't defined.
    """
    if vm_files.identity(vm_files.of(settings).disk) is None:
        return "absent"
    if is_complete(settings):
        return "trusted"
    made = records.read("bootstrap")
    if made is None:
        return "of unknown origin"
    now = origin(connection, settings)
    doubt = ""
    if changed := [part for part, value in now.items() if made.get(part) != value]:
        doubt = f"outdated: {', '.join(changed)} changed"
    elif made["failed"]:
        doubt = f"failed: {made['failed']}"
    elif made["started"] and state in (None, "shutoff", "crashed"):
        doubt = "interrupted before its setup was complete"
    return doubt or "trusted"


def origin(connection: Any, settings: Settings) -> dict[str, Any]:
    """What the VM is made from, so that a change of it shows."""
    files = vm_files.of(settings)
    disk = vm_files.identity(files.disk)
    return {
        "overlay": None if disk is None else disk["inode"],
        "appliance": vm_files.identity(files.appliance),
        "seed": vm_files.identity(files.seed),
        "definition": hashlib.sha256(definition(connection, settings).encode()).hexdigest(),
    }


def definition(connection: Any, settings: Settings) -> str:
    """
    The VM's definition on this host: kvm where libvirt offers it.

    Raises CommandExecutionError where it doesn't, unless ``host:emulation`` allows qemu.
    """
    tree = ElementTree.fromstring(connection.getCapabilities())  # noqa: S314, libvirt wrote it
    path = f"guest/arch[@name='{definitions.ARCHITECTURE}']/domain"
    if "kvm" in {domain.get("type") for domain in tree.iterfind(path)}:
        return definitions.domain(settings, "kvm")
    if not settings["host"]["emulation"]:
        raise CommandExecutionError(
            "libvirt offers no kvm on this host: switch virtualisation on in its firmware, "
            "or, for tests, set host:emulation"
        )
    return definitions.domain(settings, "qemu")
