"""A host's network in a namespace of the test, and what the engine's installation does to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ovirt_he.core import command, records
from ovirt_he.host import routes

ADDRESS = "10.9.9.11"


class Network:
    """A host: ``host0`` with address and default route, and the rule of a NAT network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.set("link", "set", "lo", "up")
        self.set("link", "add", "host0", "type", "veth", "peer", "name", "lan")
        self.set("link", "set", "lan", "up")
        self.set("link", "set", "host0", "up")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "host0")
        self.set("route", "add", "default", "via", "10.9.9.1", "dev", "host0")
        self.set("route", "add", "10.8.0.0/16", "via", "10.9.9.2", "dev", "host0", "metric", "50")
        self.set("rule", "add", "to", "192.168.222.0/24", "priority", "100", "table", "main")

    def set(self, *words: str) -> str:
        command = ["ip", "-n", self.name, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def routes(self) -> dict[str, dict[str, Any]]:
        found = json.loads(self.set("-json", "route", "show", "table", "main"))
        return {route["dst"]: route for route in found}

    def move(self) -> None:
        """The address onto a bridge, and with it all routes gone: what host-deploy does."""
        self.set("link", "add", "ovirtmgmt", "type", "bridge")
        self.set("address", "flush", "dev", "host0")
        self.set("link", "set", "host0", "master", "ovirtmgmt")
        self.set("link", "set", "ovirtmgmt", "up")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "ovirtmgmt")

    def move_back(self) -> None:
        """What a boot does with a configuration that nobody saved."""
        self.set("link", "delete", "ovirtmgmt")
        self.set("address", "add", f"{ADDRESS}/24", "dev", "host0")


@pytest.fixture
def network(tmp_path, monkeypatch) -> Iterator[Network]:
    name = f"he-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    run = command.run

    def inside(*arguments: str, **options: Any) -> Any:
        assert arguments[0] == "ip"
        return run("ip", "-n", name, *arguments[1:], **options)

    monkeypatch.setattr(command, "run", inside)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path)
    yield Network(name)
    subprocess.run(["ip", "netns", "delete", name], check=True)


def remember() -> None:
    routes.remember(["127.0.0.99", ADDRESS], "ovirtmgmt")


TWO_GATEWAYS = [
    "nexthop", "via", "10.9.9.1", "dev", "host0", "weight", "3",
    "nexthop", "via", "10.9.9.3", "dev", "host0", "weight", "1",
]  # fmt: skip


def hops(network: Network, *words: str) -> list[tuple[str, str, int]]:
    """Of one route: gateway, device, weight of each next hop, as ip prints them in words."""
    text = network.set(*words)
    found = re.findall(r"via (?:inet6 )?(\S+) dev (\S+)(?: weight (\d+))?", text)
    return [(gateway, device, int(weight or 1)) for gateway, device, weight in found]
