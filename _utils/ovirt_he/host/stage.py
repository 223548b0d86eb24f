"""How far a deployment has got, judged by files on the host alone: no library, no login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COMMAND = Path("/usr/sbin/hosted-engine")
LINKS = Path("/sys/class/net")
FIPS = Path("/proc/sys/crypto/fips_enabled")
# libvirt's own files: its socket asks for a login once vdsm is there.
DEFINED = Path("/etc/libvirt/qemu")
RUNNING = Path("/run/libvirt/qemu")


def traces(settings: dict[str, Any]) -> dict[str, Any]:
    """Which of packages, image, VMs and management network exist; the host's FIPS mode."""
    directory = Path(settings["bootstrap"]["directory"])
    return {
        "packages": COMMAND.exists(),
        "image": any(directory.glob("*.qcow2")),
        "bootstrap_vm": vm_state(settings["bootstrap"]["name"]),
        "management_bridge": (LINKS / settings["network"]["name"]).exists(),
        "engine_vm": vm_state(settings["vm"]["name"]),
        "fips": in_fips_mode(),
    }


def in_fips_mode() -> bool:
    """Whether this host's kernel runs in FIPS mode."""
    try:
        return FIPS.read_text().strip() == "1"
    except OSError:
        return False


def vm_state(name: str) -> str | None:
    """``running``, ``defined``, or None, of a VM of this host's libvirt."""
    if runs(name):
        return "running"
    return "defined" if (DEFINED / f"{name}.xml").exists() else None


def runs(name: str) -> bool:
    """Whether libvirt runs a VM of this name: its process, not only the file of one that was."""
    try:
        return Path(f"/proc/{int((RUNNING / f'{name}.pid').read_text())}").exists()
    except (FileNotFoundError, ValueError):
        return False


def next_phase(facts: dict[str, Any]) -> str | None:
    """The first phase that has something left to do, as far as files show; None: deployed."""
    if facts["deployed"]:
        leftover = facts["bootstrap_vm"] or facts["image"]
        return "ha" if leftover else None
    if not facts["setup_complete"]:
        return "bootstrap" if facts["packages"] and facts["image"] else "appliance"
    if not facts["configured"]:
        return "engine"
    return "ha" if facts["disk_copied"] else "handover"
