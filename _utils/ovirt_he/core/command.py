"""Commands of the host, by argument vector; their failures become errors that say what to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Container
from typing import IO

from salt.exceptions import CommandExecutionError, CommandNotFoundError

# A command answers in the language that we read, and never from a half-made virtual environment.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# For ``codes``, where the caller reads the exit code itself.
ANY = range(256)
# The kernel keeps one that waits for dead storage: after that it's left behind.
KILLED_SECONDS = 2


class TimedOut(CommandExecutionError):
    """A command that didn't end in its time."""


def run(
    *arguments: str,
    timeout: float = 60,
    stdin: str | IO[bytes] | None = None,
    advice: str = "",
    package: str = "",
    codes: Container[int] = (0,),
    shown: str = "",
) -> subprocess.CompletedProcess[str]:
    """
    Run a command and return what came back.

    ``timeout`` is in seconds; ``codes`` are the exit codes that aren't failures; ``shown`` is what
    errors call the command, where its arguments would hide what matters. Secrets go through
    ``stdin``, never through an argument; a file there is read by the command itself.
    ``package`` says where a command that is missing comes from, ``advice`` what to do about one
    that fails.

    Raises CommandNotFoundError where the command is missing, TimedOut where it takes too long,
    CommandExecutionError where it fails, with its last output and ``advice``.
    """
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = run_binary(
        *arguments,
        timeout=timeout,
        stdin=data,
        advice=advice,
        package=package,
        codes=codes,
        shown=shown,
    )
    out, err = (_text(told) for told in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(arguments, done.returncode, out, err)


def run_binary(
    *arguments: str,
    timeout: float = 60,
    stdin: bytes | IO[bytes] | None = None,
    advice: str = "",
    package: str = "",
    codes: Container[int] = (0,),
    shown: str = "",
) -> subprocess.CompletedProcess[bytes]:
    """As ``run``, for bytes that are no text."""
    what = shown or " ".join(arguments)
    data, file = (stdin, None) if isinstance(stdin, bytes) else (None, stdin)
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE if data is not None else file or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **ENVIRONMENT},
        )
    except FileNotFoundError as error:
        source = f"It comes with {package}" if package else ""
        raise CommandNotFoundError(f"{arguments[0]} isn't installed. {source}".strip()) from error
    except OSError as error:
        raise CommandExecutionError(f"{what}: {error}") from error
    try:
        out, err = process.communicate(data, timeout)
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"{what}: timed out after {timeout:g} s. {advice}".strip()) from error
    finally:
        _end(process)
    if process.returncode not in codes:
        said = _text(err.strip() or out.strip())[-2000:]
        raise CommandExecutionError(
            f"{what}: exit code {process.returncode}: {said}\n{advice}".strip()
        )
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close what is left of a command; one that hasn't ended is killed, and not waited for."""
    if process.poll() is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(KILLED_SECONDS)
    for pipe in (process.stdin, process.stdout, process.stderr):
        # What it no longer takes can't be written any more.
        with contextlib.suppress(OSError):
            if pipe:
                pipe.close()


def _text(told: bytes) -> str:
    return told.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
