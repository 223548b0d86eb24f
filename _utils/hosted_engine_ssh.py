"""Commands in the bootstrap guest, over ssh that is verified from its first packet."""

from __future__ import annotations

import shlex
import socket
import subprocess
from typing import IO, Any

import hosted_engine_command as command
import hosted_engine_layout as layout
from hosted_engine_state import NotYet

PORT = 22
CONNECT_SECONDS = 10
# ssh's own exit code, when it isn't the command's: no connection, or none that can be trusted.
NO_CONNECTION = 255
Completed = subprocess.CompletedProcess[str]


def run(
    settings: dict[str, Any],
    address: str,
    *arguments: str,
    timeout: float,
    stdin: str | IO[bytes] | None = None,
    codes: tuple[int, ...] = (0,),
    advice: str = "",
) -> Completed:
    """
    Run a command as root in the guest; its host key and ours are those of the seed.

    Raises NotYet before the keys are made, CommandExecutionError when ssh or the command fails.
    """
    files = layout.of(settings)
    if not files.known_hosts.exists() or not files.client_key.exists():
        raise NotYet(f"There are no keys in {files.directory} yet: hosted_engine.bootstrap")
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": files.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": files.client_key,
        "IdentityAgent": "none",
        "ConnectTimeout": CONNECT_SECONDS,
        "ServerAliveInterval": 15,
        "ServerAliveCountMax": 4,
        "LogLevel": "ERROR",
        "Port": PORT,
    }
    return command.run(
        *("ssh", "-F", "none", "-T"),
        *(word for key, value in options.items() for word in ("-o", f"{key}={value}")),
        *(f"root@{address}", "--", shlex.join(arguments)),
        timeout=timeout,
        stdin=stdin,
        codes=codes,
        advice=advice,
    )


def listens(address: str) -> bool:
    """Whether something takes connections on the guest's ssh port."""
    try:
        socket.create_connection((address, PORT), 2).close()
    except OSError:
        return False
    return True
