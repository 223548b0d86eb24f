"""What the score and the engine's health are made of."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import storage
from .score import Measured

HEALTH = "http://{fqdn}/ovirt-engine/services/health"
DB_UP = re.compile(r".*DB Up.*")
TIMEOUT = 10
NETWORK_TESTS = 5
# The load is an average over that long; the first over less.
LOAD_SECONDS, FIRST_LOAD_SECONDS = 60, 10
STAT = Path("/proc/stat")


def engine_is_up(fqdn: str, timeout: float = TIMEOUT) -> tuple[bool, str]:
    """Whether the engine's health page says so, and what was seen; by HTTP, as the real one."""
    url = HEALTH.format(fqdn=fqdn)
    try:
        with urllib.request.urlopen(url, timeout=timeout) as page:
            said = page.read(1000).decode(errors="replace")
    except (OSError, urllib.error.URLError) as err:
        return False, f"{url}: {err}"
    return DB_UP.match(said) is not None, said


def network_is_up(values: Mapping[str, str]) -> bool:
    """The network test that hosted-engine.conf chose; ``ping`` where it doesn't say."""
    match values.get("network_test") or "ping":
        case "none":
            return True
        case "dns":
            with open("/etc/resolv.conf") as file:  # noqa: PTH123
                servers = re.findall(r"^nameserver\s+(\S+)", file.read(), re.MULTILINE)
            return any(_connects(server, 53) for server in servers)
        case "tcp":
            return _connects(values["tcp_t_address"], int(values["tcp_t_port"]))
        case _:
            ping = ["ping", "-c", "1", "-W", "2", values["gateway"]]
            return subprocess.run(ping, capture_output=True, check=False).returncode == 0


def _connects(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def network_quality(values: Mapping[str, str]) -> float:
    """The share of the tests that passed."""
    passed = 0
    for number in range(NETWORK_TESTS):
        time.sleep(0.5 if number else 0)
        passed += network_is_up(values)
    return passed / NETWORK_TESTS


def bridge_is_up(name: str) -> bool:
    """Whether the management bridge is there and has a carrier."""
    shown = subprocess.run(
        ["ip", "-json", "link", "show", "dev", name], capture_output=True, text=True, check=False
    )
    return shown.returncode == 0 and json.loads(shown.stdout)[0]["operstate"] == "UP"


def free_memory_mib() -> int | None:
    """Vdsm's ``memFree``; None where it doesn't answer."""
    try:
        return int(storage.vdsm("Host.getStats")["memFree"])
    except (RuntimeError, KeyError):
        return None


class CpuLoad:
    """The share of all CPUs' time that was used since the last call, without the engine's VM."""

    def __init__(self, vm_id: str) -> None:
        self.vm_id = vm_id
        self.total, self.busy = self._ticks()

    def _ticks(self) -> tuple[int, int]:
        # The last two, guests' time, are part of the first two.
        fields = [int(word) for word in STAT.read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), sum(fields) - sum(fields[3:5])

    def __call__(self) -> float:
        total, busy = self._ticks()
        load = (busy - self.busy) / max(1, total - self.total)
        self.total, self.busy = total, busy
        return max(0.0, load - self._engine())

    def _engine(self) -> float:
        try:
            facts = storage.vdsm("VM.getStats", vmID=self.vm_id)
        except RuntimeError:
            return 0.0
        percent = float(facts.get("cpuUser", 0)) + float(facts.get("cpuSys", 0))
        return percent / (os.cpu_count() or 1) / 100


class Monitors:
    """What the score is made of, each looked at again and again."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.network = Watch(lambda: network_quality(values), 1.0, seconds=3)
        self.bridge = Watch(lambda: bridge_is_up(values["bridge"]), True, seconds=3)
        self.memory = Watch(free_memory_mib, free_memory_mib(), seconds=30)
        load = CpuLoad(values["vmid"])
        self.load = Watch(load, 0.0, LOAD_SECONDS, delay=FIRST_LOAD_SECONDS)

    def measured(self) -> Measured:
        """What each said last."""
        return Measured(self.network.value, self.load.value, self.bridge.value, self.memory.value)


class Watch:
    """Runs a probe over and over in a thread of its own; ``value`` is what it said last."""

    def __init__(
        self, probe: Callable[[], Any], first: Any, seconds: float, delay: float = 0
    ) -> None:
        self.value = first
        self._probe, self._seconds, self._delay = probe, seconds, delay
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        time.sleep(self._delay)
        while True:
            self.value = self._probe()
            time.sleep(self._seconds)
