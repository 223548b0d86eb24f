"""Every storage, network and group of options together: valid, rendered, taken by the engine."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosted_engine_schema import SCHEMA
from hosted_engine_validate import problems
from minion import Minion
from salt.utils.dictupdate import merge

PARTS = Path(__file__).parent / "pillars" / "parts"


def names(kind: str) -> list[str]:
    return sorted(path.stem for path in PARTS.glob(f"{kind}-*.yaml"))


COMBINATIONS = list(itertools.product(names("storage"), names("network"), names("options")))


def pillar(*parts: str) -> dict[str, Any]:
    """The parts, one over the other."""
    whole: dict[str, Any] = {}
    for part in ("base", *parts):
        whole = merge(whole, yaml.safe_load((PARTS / f"{part}.yaml").read_text()), "recurse")
    return {"hosted_engine": whole}


@pytest.mark.parametrize("parts", COMBINATIONS, ids=" ".join)
def test_it_is_valid_and_renders_without_secrets(parts, tmp_path):
    given = pillar(*parts)
    assert list(problems(given["hosted_engine"], SCHEMA)) == []
    minion = Minion(tmp_path, given)

    assert minion("hosted_engine.problems") == []
    low = minion.low("hosted_engine")

    assert len({chunk["__sls__"] for chunk in low}) >= 6
    assert "not-to-be-seen" not in repr(low)
