"""Which verb comes next for HA on a host, from everything that can be seen of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.engine import host_status

PATH = Path(__file__).parents[2] / "_states" / "ovirt_hosted_engine.py"


@pytest.mark.parametrize("status", sorted(host_status.PASSING))
@pytest.mark.parametrize("wanted", ["deployed", "undeployed"])
def test_a_passing_status_of_the_host_is_waited_for_as_that_of_a_host(
    wanted: str, status: str
) -> None:
    """A host that doesn't respond for a moment isn't HA that takes 20 minutes to come up."""
    spec = importlib.util.spec_from_file_location("state_of_ovirt_hosted_engine", PATH)
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seen = {"status": status, "ha": "configured", "others": ["other"], "runs_engine": False}
    module.__opts__ = {"test": True}
    module.__salt__ = {"ovirt_hosted_engine.get": lambda name: seen}

    ret = getattr(module, wanted)("one")

    assert ret["result"] is None
    assert ret["comment"] == "one: next would be ovirt_host.wait"
