"""What functional tests share: an engine simulator over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
