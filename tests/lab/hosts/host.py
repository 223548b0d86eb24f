"""A hypervisor of the lab, as tests see it: a name, commands, files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .run import LabError
from .settings import DOMAIN, HOSTS, NAMESPACE, host_address

HIERARCHIES = ["unified", "systemd"]
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


class Host:
    """One hypervisor: ``Host("hv1").run(["virsh", "list"]).stdout``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.address = host_address(name)
        self.fqdn = f"{name}.{DOMAIN}"
        self.folder = HOSTS / name
        self.root = self.folder / "root"

    @property
    def cgroups(self) -> list[Path]:
        """Control groups that hold all that runs in the host; the first one is version 2."""
        top = Path("/sys/fs/cgroup")
        tops = [top / name for name in HIERARCHIES if (top / name).is_dir()] or [top]
        return [path / NAMESPACE / self.name for path in tops]

    def processes(self) -> list[int]:
        """Process ids, on the machine, of the host and of what keeps it."""
        found: list[int] = []
        for group, _, _ in os.walk(self.cgroups[0]):
            # A group that ends while it is walked has nothing to add.
            try:
                found += map(int, Path(group, "cgroup.procs").read_text().split())
            except OSError:
                continue
        return found

    def leader(self) -> int | None:
        """Process id, on the machine, of the host's own process 1; None when it is off."""
        for pid in self.processes():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            inner = status.partition("\nNSpid:")[2].partition("\n")[0].split()
            if inner[1:] == ["1"]:
                return pid
        return None

    def command(self, argv: Sequence[object]) -> list[str]:
        """The argument vector that runs ``argv`` inside the host. Raises LabError if it is off."""
        leader = self.leader()
        if leader is None:
            raise LabError(f"{self.name} is not running; tests/lab/lab up starts it")
        enter = ["nsenter", f"--target={leader}", "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        # Whoever ends the command on the machine ends it in the host.
        bound = ["setpriv", "--pdeathsig", "KILL", "--"]
        clean = ["env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
        return [*enter, *bound, *clean, *map(str, argv)]

    def run(
        self,
        argv: Sequence[object],
        input: str | None = None,
        check: bool = True,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """
        Run a command in the host as root; output is text.

        With ``check``, raises LabError with the output when the exit code isn't 0; raises
        subprocess.TimeoutExpired after ``timeout`` seconds.
        """
        fed: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        done = subprocess.run(
            self.command(argv), check=False, capture_output=True, text=True, timeout=timeout, **fed
        )
        if check and done.returncode:
            what = f"{' '.join(map(str, argv))} on {self.name} returned {done.returncode}"
            raise LabError(f"{what}:\n{done.stdout}{done.stderr}")
        return done

    def read(self, path: str) -> str:
        """A file's text, read inside the host."""
        return self.run(["cat", "--", path]).stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file inside the host, with the folders it needs."""
        self.run(["install", "-D", "-m", f"{mode:o}", "/dev/stdin", path], input=text)
