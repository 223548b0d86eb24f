"""Commands of the host, by argument vector; their failures become errors that say what to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Container, Iterable
from typing import IO

from salt.exceptions import CommandExecutionError, CommandNotFoundError

# A command answers in the language that we read, and never from a half-made virtual environment.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# The kernel keeps one that waits for dead storage: after that it's left behind.
KILLED_SECONDS = 2
# Characters that an error shows: the beginning of a command, the end of its output.
COMMAND, OUTPUT = 300, 2000


class TimedOut(CommandExecutionError):
    """A command that didn't end in its time."""


def run(
    *arguments: str,
    timeout: float = 60,
    stdin: str | IO[bytes] | None = None,
    shown: str = "",
    advice: str = "",
    package: str = "",
    codes: Container[int] = (0,),
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """
    Run a command and return what came back.

    ``timeout`` is in seconds; ``codes`` are the exit codes that aren't failures, ``check=False``
    takes any. Secrets go through ``stdin``, never through an argument; a file there is read by the
    command itself. Errors show ``shown`` in place of the command, ``package`` says where a missing
    command comes from, ``advice`` what to do about a failure.

    Raises CommandNotFoundError where the command is missing, TimedOut where it takes too long,
    CommandExecutionError where it fails, with its last output and ``advice``.
    """
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = run_binary(
        *arguments, timeout=timeout, stdin=data, shown=shown, advice=advice, package=package,
        codes=codes, check=check,
    )  # fmt: skip
    out, err = (_text(output) for output in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(arguments, done.returncode, out, err)


def run_binary(
    *arguments: str,
    timeout: float = 60,
    stdin: bytes | IO[bytes] | None = None,
    shown: str = "",
    advice: str = "",
    package: str = "",
    codes: Container[int] = (0,),
    check: bool = True,
) -> subprocess.CompletedProcess[bytes]:
    """As ``run``, for bytes that are no text."""
    what = shown or brief(arguments)
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
    if check and process.returncode not in codes:
        output = _text(err.strip() or out.strip())[-OUTPUT:]
        raise CommandExecutionError(
            f"{what}: exit code {process.returncode}: {output}\n{advice}".strip()
        )
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def brief(arguments: Iterable[str]) -> str:
    """
    A command as errors show it: of a script only the beginning.

    >>> brief(["sh", "-c", "cd /root\\nrm -f answers\\n"])
    'sh -c cd /root …'
    """
    first, _, more = " ".join(arguments).partition("\n")
    return f"{first[:COMMAND]} …" if more or len(first) > COMMAND else first


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


def _text(output: bytes) -> str:
    return output.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
