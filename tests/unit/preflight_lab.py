"""A host for preflight's checks, on which everything is as it should be; its readings are given."""

from __future__ import annotations

import copy
import json
import os
import socket
import subprocess
from typing import Any
from unittest.mock import create_autospec

import pytest
from ovirt_he.bootstrap import image
from ovirt_he.core import command, records
from ovirt_he.guest import hosts_file
from ovirt_he.ha import conf
from ovirt_he.host import stage, subnet
from ovirt_he.pillar import settings
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import machine, network

PILLAR: dict[str, Any] = {
    "hosted_engine": {
        "engine": {"fqdn": "engine.example.com"},
        "storage": {"address": "nas.example.com", "path": "/exports/engine"},
        "vm": {"address": "192.0.2.10/24", "memory_mib": 4096, "cpus": 1, "disk_gib": 1},
        "secrets": {"admin_password": "hunter2"},
    }
}
GRAINS = {"fqdn": "node1.example.com", "cpu_flags": ["vmx"]}
LINKS = [
    {"ifname": "lo", "address": "00:00:00:00:00:00", "addr_info": []},
    {
        "ifname": "eno1",
        "address": "52:54:00:00:00:01",
        "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}],
    },
    {"ifname": "eno2", "address": "52:54:00:00:00:02", "addr_info": []},
]
ROUTES = [{"dst": "default", "gateway": "192.0.2.1", "dev": "eno1"}]
NAMES = {
    "engine.example.com": ["192.0.2.10"],
    "node1.example.com": ["192.0.2.11"],
    "nas.example.com": ["192.0.2.5"],
}


class Lab:
    """What the checks see of the host; a test changes one thing."""

    def __init__(self) -> None:
        self.links, self.routes = copy.deepcopy(LINKS), copy.deepcopy(ROUTES)
        self.all_routes = [*self.routes, {"dst": "192.0.2.0/24", "dev": "eno1"}]
        self.names, self.dns = copy.deepcopy(NAMES), copy.deepcopy(NAMES)
        self.neighbours: list[dict[str, str]] = []
        self.pillar = copy.deepcopy(PILLAR)
        self.grains: dict[str, Any] = dict(GRAINS)

    def command(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        answers: dict[str, Any] = {
            "ip -json -d address show": self.links,
            "ip -json -4 neigh show 192.0.2.10": self.neighbours,
            "ip -json -6 neigh show 2001:db8::10": self.neighbours,
        }
        for option in ("-4", "-6"):
            answers |= {
                f"ip -json {option} route show default": self.routes,
                f"ip -json {option} route show table all": self.all_routes,
            }
        line = " ".join(arguments)
        if line.startswith("getent -s dns ahosts "):
            found = self.dns.get(arguments[-1], [])
            text = "".join(f"{address} STREAM x\n" for address in found)
            return subprocess.CompletedProcess(arguments, 0 if found else 2, text, "")
        return subprocess.CompletedProcess(arguments, 0, json.dumps(answers[line]), "")

    def resolve(self, name: str, *_: Any, **__: Any) -> list[Any]:
        if name not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, 0)) for address in self.names[name]]

    def host(self) -> preflight.Host:
        return preflight.Host(settings.merge(self.pillar, self.grains), self.grains, {})

    def problems(self, check: preflight.Check) -> list[dict[str, str]]:
        return list(check(self.host()))

    def keys(self, check: preflight.Check) -> list[str]:
        return [one["key"].removeprefix("hosted_engine:") for one in self.problems(check)]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A host on which everything is as it should be."""
    lab = Lab()
    run = create_autospec(command.run, side_effect=lab.command)
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(network.socket, "getaddrinfo", lab.resolve)
    monkeypatch.setattr(subnet, "RESOLVERS", tmp_path / "resolv.conf")
    unreachable = create_autospec(socket.create_connection, side_effect=OSError(113, "No route"))
    monkeypatch.setattr(network.socket, "create_connection", unreachable)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    monkeypatch.setattr(hosts_file, "HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(network, "BOOTSTRAP_NETWORK", tmp_path / "network.xml")
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(conf, "CONFIGURATION", tmp_path / "hosted-engine.conf")
    monkeypatch.setattr(image, "PACKAGES", tmp_path / "packages")
    monkeypatch.setattr(machine, "ENGINE_UNITS", [tmp_path / "ovirt-engine.service"])
    monkeypatch.setattr(stage, "RUNNING", tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "packages").mkdir()
    (tmp_path / "meminfo").write_text("MemTotal: 16 kB\nMemAvailable:    8388608 kB\n")
    lab.pillar["hosted_engine"]["bootstrap"] = {"directory": str(tmp_path / "bootstrap")}
    return lab


def running(directory, name: str) -> None:
    (directory / "run" / f"{name}.pid").write_text(str(os.getpid()))
