"""How the tests share the machine: the lab is one worker's, other files run beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# The longest first: a worker that begins them last would be waited for.
ALONE = ("integration", "kernel")


class Groups(LoadScopeScheduling):
    """A worker takes a whole group: one lab for all of its tests, one file of the others."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return next((name for name in ALONE if f"{name}/" in file), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in ALONE)
