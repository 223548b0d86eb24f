"""What the score and the engine's health are made of."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

BASE_SCORE = 3400
NETWORK_PENALTY = 1600
HEALTH = "{scheme}://{fqdn}/ovirt-engine/services/health"
DB_UP = re.compile(r".*DB Up.*")
# One request; a guest without acceleration needs seconds for a handshake.
TIMEOUT = 10


def engine_is_up(fqdn: str, timeout: float = TIMEOUT) -> tuple[bool, str]:
    """
    Whether the engine's health page says so, and what was seen.

    By HTTP as the real one, else by HTTPS; as there, nobody's certificate is checked.
    """
    unchecked = ssl._create_unverified_context()
    said = ""
    for scheme in ("http", "https"):
        try:
            url = HEALTH.format(scheme=scheme, fqdn=fqdn)
            with urllib.request.urlopen(url, timeout=timeout, context=unchecked) as page:
                said = page.read(1000).decode(errors="replace")
        except (OSError, urllib.error.URLError) as err:
            said = f"{url}: {err}"
            continue
        return DB_UP.match(said) is not None, said
    return False, said


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


class Watch:
    """Runs a probe over and over in a thread of its own; ``value`` is what it said last."""

    def __init__(self, probe: Callable[[], object], first: object, seconds: float) -> None:
        self.value = first
        self._probe, self._seconds = probe, seconds
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.value = self._probe()
            time.sleep(self._seconds)
