"""
What functional tests share: an engine simulator over HTTPS, a bare host, libvirt's test driver.

Tests of the engine and of storage have another ``host``: they import theirs by name, which wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from functional.bootstrap_host import Host
from functional.engine_process import FQDN, Engine, run_module


@pytest.fixture(scope="session")
def engine_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a certificate for the engine, made once: they take most of a start's time."""
    folder = tmp_path_factory.mktemp("pki")
    run_module("engine_simulator.pki", "--pki", str(folder), "create", FQDN)
    return folder


@pytest.fixture
def engine(tmp_path: Path, engine_pki: Path) -> Iterator[Engine]:
    """A new engine, with no host and no storage."""
    process = Engine(tmp_path / "engine", engine_pki)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def hypervisor() -> Iterator[Any]:
    """libvirt's test driver, which lives as long as somebody is connected to it."""
    connection = libvirt.open("test:///default")
    yield connection
    for domain in connection.listAllDomains():
        if domain.name() == "HostedEngineLocal":
            if domain.isActive():
                domain.destroy()
            domain.undefine()
    for name in connection.listDefinedNetworks() + connection.listNetworks():
        network = connection.networkLookupByName(name)
        if network.isActive():
            network.destroy()
        network.undefine()
    connection.close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A bare host."""
    return Host(tmp_path, monkeypatch)
