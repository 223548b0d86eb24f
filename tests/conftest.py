"""How the tests share the machine: each of the two labs is one worker's, other files run beside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# In this lab what is killed, cleaned and rerun; all other deployments in the second: about as long.
FIRST_LAB = ("test_clean", "test_iscsi", "test_killed")
# The longest first: a worker that begins them last would be waited for.
ALONE = ("first lab", "second lab", "kernel")

# Each worker has a lab folder of its own; what is built for the labs is shared.
if (WORKER := os.environ.get("PYTEST_XDIST_WORKER", "gw0")) != "gw0":
    LAB = Path(os.environ.get("HOSTED_ENGINE_LAB", "/var/lib/hosted-engine-lab"))
    os.environ.setdefault("HOSTED_ENGINE_CACHE", str(LAB / "cache"))
    os.environ["HOSTED_ENGINE_LAB"] = f"{LAB}-{WORKER}"


def group(file: Path) -> str:
    """What one worker takes as a whole: a lab's tests, the kernels', or a file of the others."""
    if "integration" in file.parts:
        return "first lab" if file.stem in FIRST_LAB else "second lab"
    return "kernel" if file.parent.name == "kernel" else str(file)


class Groups(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group(Path(nodeid.split("::", maxsplit=1)[0]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [*ALONE, of := group(item.path)].index(of))
