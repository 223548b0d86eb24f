"""A user-mode host: started, asked over ssh, frozen, ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hosts.run import until
from hosts.settings import CHECKOUT, LAB

from .build import Parts

# Beside the lab's own network, and like it without a way out.
NAMESPACE = f"{LAB.name}-uml"
FOLDER = LAB / "kernel"
# Held as long as somebody uses the hosts; a kill lets go of it.
LOCK = LAB / "kernel.lock"
BRIDGE_ADDRESS = "10.78.0.1/24"
BOOT_SECONDS = 240


class UserModeHost:
    """``nas`` or ``hv``: its wires are taps on the namespace's bridge."""

    def __init__(self, parts: Parts, name: str, address: str, memory_mib: int, wires: int) -> None:
        self.parts, self.name, self.address, self.memory_mib = parts, name, address, memory_mib
        self.taps = [f"t-{name}{number}" for number in range(wires)]
        self.folder = FOLDER / name
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to boot, from a fresh disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        disk = self.folder / "disk.cow"
        disk.unlink(missing_ok=True)
        # The process id of a run that was killed would be kept.
        shutil.rmtree(self.folder / self.name, ignore_errors=True)
        wires = [
            f"vec{number}:transport=tap,ifname={tap},mac=52:54:00:78:{len(self.name):02x}:"
            f"{number:02x},depth=64,gro=0"
            for number, tap in enumerate(self.taps)
        ]
        console = (self.folder / "console.log").open("wb")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", NAMESPACE, *self.parts.program, f"mem={self.memory_mib}M",
             "seccomp=on", f"umid={self.name}", f"uml_dir={self.folder}/", "root=/dev/ubda",
             f"ubd0={disk},{self.parts.disk}", "rootfstype=ext4", "rw", *wires, "con=null",
             "con0=null,fd:1", "ssl=null", f"lab.name={self.name}", f"lab.checkout={CHECKOUT}"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "TMPDIR": "/dev/shm"},
        )  # fmt: skip

    def wait(self) -> None:
        """Until it can be asked."""
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self.run("true", check=False, timeout=10).returncode == 0:
                    return
            assert self.process and self.process.poll() is None, self.console()
            assert time.monotonic() < deadline, self.console()
            time.sleep(0.5)

    def console(self) -> str:
        return (self.folder / "console.log").read_text(errors="replace")[-3000:]

    def command(self, *command: str) -> list[str]:
        """The command line that runs one in the host: a shell's words, as ssh has it."""
        return ["ip", "netns", "exec", NAMESPACE, *self.parts.ssh(self.address), *command]

    def run(
        self, *command: str, input: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*command), input=input, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def script(self, text: str, timeout: float = 120) -> str:
        return self.run("bash", "-eu", "-s", input=text, timeout=timeout).stdout

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The host hangs meanwhile: it neither answers nor refuses."""
        os.kill(self._kernel(), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._kernel(), signal.SIGCONT)

    def _kernel(self) -> int:
        return int((self.folder / self.name / "pid").read_text())

    def stop(self) -> None:
        """Shut down; what doesn't end is ended."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run("systemctl", "poweroff", check=False, timeout=10)
            self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        self.process = None


def network_up(taps: list[str]) -> None:
    """One bridge, which passes tagged frames as they are, and a tap for each wire."""
    network_down()
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    for arguments in (
        ["link", "set", "lo", "up"],
        ["link", "add", "br0", "type", "bridge", "forward_delay", "0"],
        ["address", "add", BRIDGE_ADDRESS, "dev", "br0"],
        ["link", "set", "br0", "up"],
        *(["tuntap", "add", "dev", tap, "mode", "tap"] for tap in taps),
        *(["link", "set", tap, "master", "br0", "up"] for tap in taps),
    ):
        subprocess.run(["ip", "-n", NAMESPACE, *arguments], check=True)


def network_down() -> None:
    """Take the network away, and what still runs in it: hosts whose test was killed."""
    if not Path("/run/netns", NAMESPACE).exists():
        return
    for number in _processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert until(lambda: not _processes(), 30), f"{NAMESPACE} has processes: {_processes()}"
    subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)


def destroy() -> None:
    """End and remove the hosts, unless somebody uses them."""
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        network_down()
        shutil.rmtree(FOLDER, ignore_errors=True)


def _processes() -> list[int]:
    listed = subprocess.run(
        ["ip", "netns", "pids", NAMESPACE], check=True, capture_output=True, text=True
    )
    return [int(number) for number in listed.stdout.split()]
