"""Commands in the bootstrap guest, over ssh that is verified from its first packet."""

from __future__ import annotations

import shlex
import socket
import subprocess
from typing import IO, Any

from salt.exceptions import CommandExecutionError, CommandNotFoundError

from ovirt_he.bootstrap import files as layout
from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.core.wait import last_seen

PORT = 22
CONNECT_SECONDS = 10
# ssh's own exit code, when it isn't the command's: no connection, or none that can be trusted.
NO_CONNECTION = 255
Completed = subprocess.CompletedProcess[str]
ANY = tuple(range(256))
# How long a guest that doesn't answer is asked again, seconds: busy ones take many.
PATIENCE = 60


def run(
    settings: dict[str, Any],
    address: str,
    *arguments: str,
    timeout: float,
    stdin: str | IO[bytes] | None = None,
    check: bool = True,
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
        what=f"In the guest ({address}), {command.shown(*arguments)}",
        check=check,
        advice=advice,
    )


def look(
    settings: dict[str, Any],
    address: str,
    *arguments: str,
    timeout: float,
    codes: tuple[int, ...] = ANY,
    patience: float = 0,
) -> Completed:
    """
    Run a command that only looks. No connection, and no end in time, say nothing of what it looks
    for: it's asked again for ``patience`` seconds, then its code is ``NO_CONNECTION``.

    Raises CommandExecutionError for a code that isn't among ``codes``, or as ``run``.
    """

    def ask() -> Completed:
        try:
            return run(settings, address, *arguments, timeout=timeout, check=False)
        except (NotYet, CommandNotFoundError):
            raise
        except CommandExecutionError as error:
            return Completed(arguments, NO_CONNECTION, "", str(error))

    seen = last_seen(ask, lambda done: done.returncode != NO_CONNECTION, timeout=patience)
    if seen.returncode not in codes:
        said = (seen.stderr.strip() or seen.stdout.strip())[-2000:]
        unanswered = seen.returncode == NO_CONNECTION
        what = "no answer" if unanswered else f"exit code {seen.returncode}"
        raise CommandExecutionError(
            f"In the guest ({address}), {command.shown(*arguments)}: {what}: {said}"
            + (". The next run asks again" if unanswered else "")
        )
    return seen


def patience(settings: dict[str, Any]) -> float:
    """How long to ask again, seconds; no longer than the guest's whole boot may take."""
    return float(min(settings["timeouts"]["boot"], PATIENCE))


def listens(address: str) -> bool:
    """Whether something takes connections on the guest's ssh port."""
    try:
        socket.create_connection((address, PORT), 2).close()
    except OSError:
        return False
    return True
