"""Why the engine isn't healthy, as far as this host can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.guest import address

LOGS = Path("/var/log/ovirt-hosted-engine-ha")


def addresses(settings: Mapping[str, Any]) -> str:
    """Where the engine's name leads to, and where its VM is: the usual reason for bad health."""
    return address.compared(settings)[1]


def logs(settings: Mapping[str, Any]) -> str:
    """The last lines of agent, broker, and of the VM's own log."""
    name = settings["vm"]["name"]
    paths = (LOGS / "agent.log", LOGS / "broker.log", Path(f"/var/log/libvirt/qemu/{name}.log"))
    tails = (
        f"{path}:\n{safe(path.read_text(errors='replace'), lines=6)}"
        for path in paths
        if path.is_file()
    )
    return "\n".join(tails)
