"""Commands in the bootstrap guest, over ssh with verified host keys."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Callable, Container, Mapping
from typing import IO, Any

from salt.exceptions import CommandExecutionError, CommandNotFoundError

from ovirt_he.bootstrap import vm_files
from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.core.wait import last_seen

PORT = 22
CONNECT_SECONDS = 10
# ssh's own exit code: no connection, or one that can't be verified.
NO_CONNECTION = 255
Completed = subprocess.CompletedProcess[str]
# How long a guest that doesn't answer is retried, seconds: a busy one takes long.
PATIENCE = 60
PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
# psql's output: rows only, unaligned; quiet, since the number of changed rows isn't a row.
ROWS_ALONE = ("-q", "-t", "-A")


def run(
    settings: dict[str, Any],
    address: str,
    *arguments: str,
    timeout: float,
    stdin: str | IO[bytes] | None = None,
    codes: Container[int] = (0,),
    check: bool = True,
    advice: str = "",
) -> Completed:
    """
    Run a command as root in the guest, with the host key and the client key of the seed.

    Raises NotYet before the keys exist, CommandExecutionError when ssh or the command fails.
    """
    paths = vm_files.of(settings)
    if not paths.known_hosts.exists() or not paths.client_key.exists():
        raise NotYet(f"There are no keys in {paths.directory} yet: hosted_engine.bootstrap")
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": paths.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityFile": paths.client_key,
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
        check=check,
        advice=advice,
        shown=f"In the guest ({address}), {command.brief(arguments)}",
    )


class Channel:
    """Commands in the guest at ``address``, with the pillar's time limits (``settings``)."""

    def __init__(self, settings: dict[str, Any], address: str) -> None:
        self.settings, self.address = settings, address
        # How long to retry, seconds; no longer than the guest's whole boot may take.
        self.patience = float(min(settings["timeouts"]["boot"], PATIENCE))

    def run(self, *arguments: str, timeout: float = 0, **more: Any) -> Completed:
        """Run a command once; ``timeout``: seconds, 0: timeouts:command; ``more``: as for run."""
        limit = timeout or self.settings["timeouts"]["command"]
        return run(self.settings, self.address, *arguments, timeout=limit, **more)

    def look(
        self,
        *arguments: str,
        timeout: float = 0,
        codes: Container[int] = (0,),
        check: bool = True,
        patience: float | None = None,
    ) -> Completed:
        """
        Run a command that changes nothing. While the guest doesn't answer in time, it is repeated
        for ``patience`` seconds (None: the default); then the exit code is ``NO_CONNECTION``.

        Raises CommandExecutionError for a code that isn't among ``codes``, NotYet as ``run``.
        """

        def ask() -> Completed:
            try:
                return self.run(*arguments, timeout=timeout, check=False)
            except (NotYet, CommandNotFoundError):
                raise
            except CommandExecutionError as error:
                return Completed(arguments, NO_CONNECTION, "", str(error))

        limit = self.patience if patience is None else patience
        done = last_seen(ask, lambda done: done.returncode != NO_CONNECTION, timeout=limit)
        if check and done.returncode not in codes:
            output = (done.stderr.strip() or done.stdout.strip())[-2000:]
            unanswered = done.returncode == NO_CONNECTION
            what = "no answer" if unanswered else f"exit code {done.returncode}"
            raise CommandExecutionError(
                f"In the guest ({self.address}), {command.brief(arguments)}: {what}: {output}"
                + (". The next run tries again" if unanswered else "")
            )
        return done

    def listens(self) -> bool:
        """Whether something takes connections on the guest's ssh port."""
        return listens(self.address)

    def file(self, path: str) -> str:
        """The text of a file."""
        return self.look("cat", path).stdout

    def write_file(self, path: str, text: str) -> None:
        """Write a file that only root may read; its text isn't on a command line."""
        self.run("install", "-m", "0600", "/dev/stdin", path, stdin=text)

    def sql(self, statement: str) -> list[list[str]]:
        """Rows that a statement returns in the engine's database; a SELECT may be repeated."""
        ask = self.look if statement.lstrip().upper().startswith("SELECT") else self.run
        output = ask(PSQL, *ROWS_ALONE, "-c", statement).stdout
        return [row.split("|") for row in output.splitlines() if row]


def of(settings: dict[str, Any], salt: Mapping[str, Callable[..., Any]]) -> Channel:
    """
    The channel into the bootstrap VM; ``salt`` is __salt__.

    Raises NotYet before its network exists.
    """
    return Channel(settings, str(salt["hosted_engine_network.address"]()))


def listens(address: str) -> bool:
    """Whether something takes connections on the ssh port there."""
    try:
        socket.create_connection((address, PORT), 2).close()
    except OSError:
        return False
    return True
