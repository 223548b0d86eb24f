"""Why the engine isn't healthy, as far as this host can tell."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hosted_engine_command as command
import hosted_engine_terminal as terminal

LOGS = Path("/var/log/ovirt-hosted-engine-ha")


def addresses(settings: Mapping[str, Any]) -> str:
    """Where the engine's name leads to, and where its VM is: the usual reason for bad health."""
    fqdn, vm = settings["engine"]["fqdn"], settings["vm"]
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(fqdn, None)}
    except OSError as error:
        return f"{fqdn} can't be resolved on this host: {error}. Correct it in DNS"
    seen = {vm["address"].split("/")[0]} if vm["address"] else _neighbours(vm["mac"])
    if not seen:
        return f"{fqdn} resolves to {_listed(found)}; the VM's address isn't known here"
    if seen & found:
        return f"{fqdn} resolves to the VM's address {_listed(seen & found)}"
    return (
        f"{fqdn} resolves to {_listed(found)}, but the VM ({vm['mac']}) has {_listed(seen)}: "
        "correct the name in DNS, or the address in DHCP or in hosted_engine:vm:address"
    )


def _neighbours(mac: str) -> set[str]:
    entries = json.loads(command.run("ip", "-j", "neigh", "show").stdout or "[]")
    return {entry["dst"] for entry in entries if entry.get("lladdr", "").lower() == mac}


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values))


def logs(settings: Mapping[str, Any]) -> str:
    """The last lines of agent, broker, and of the VM's own log."""
    name = settings["vm"]["name"]
    paths = (LOGS / "agent.log", LOGS / "broker.log", Path(f"/var/log/libvirt/qemu/{name}.log"))
    tails = (
        f"{path}:\n{terminal.safe(path.read_text(errors='replace'), lines=6)}"
        for path in paths
        if path.is_file()
    )
    return "\n".join(tails)
