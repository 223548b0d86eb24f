"""The tests' pillars, and a minion with one that is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from minion import Minion

PILLARS = Path(__file__).parent / "pillars"


def pillar(name: str) -> dict[str, Any]:
    return yaml.safe_load((PILLARS / f"{name}.yaml").read_text())


@pytest.fixture(scope="module")
def minion(tmp_path_factory):
    return Minion(tmp_path_factory.mktemp("minion"), pillar("static"))
