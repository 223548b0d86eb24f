"""Commands of the host, by argument vector; their failures become errors that say what to do."""

from __future__ import annotations

import os
import subprocess
from typing import IO

from salt.exceptions import CommandExecutionError, CommandNotFoundError

# A command answers in the language that we read, and never from a half-made virtual environment.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


def run(
    *arguments: str,
    timeout: float = 60,
    stdin: str | IO[bytes] | None = None,
    advice: str = "",
    codes: tuple[int, ...] = (0,),
) -> subprocess.CompletedProcess[str]:
    """
    Run a command and return what came back.

    ``timeout`` is in seconds; ``codes`` are the exit codes that aren't failures. Secrets go
    through ``stdin``, never through an argument; a file there is read by the command itself.

    Raises CommandNotFoundError where the command is missing, CommandExecutionError where it fails
    or takes too long, with its last output and ``advice``.
    """
    what = " ".join(arguments)
    text, file = (stdin, None) if isinstance(stdin, str) else (None, stdin)
    try:
        done = subprocess.run(
            arguments,
            input=text,
            stdin=None if text is not None else file or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **ENVIRONMENT},
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandNotFoundError(f"{arguments[0]} isn't installed. {advice}".strip()) from error
    except subprocess.TimeoutExpired as error:
        raise CommandExecutionError(f"{what}: no end within {timeout:g} s. {advice}") from error
    if done.returncode not in codes:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise CommandExecutionError(
            f"{what}: exit code {done.returncode}: {said}\n{advice}".strip()
        )
    return done
