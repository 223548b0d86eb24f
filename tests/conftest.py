"""How the tests share the machine: the lab is one worker's, other files run beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# The longest first: a worker that begins them last would be waited for.
ALONE = ("integration", "kernel")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook, too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A worker takes a whole group: one lab for all of its tests, one file of the others."""
    for item in items:
        where = item.path.relative_to(TESTS)
        group = where.parts[0] if where.parts[0] in ALONE else str(where)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in ALONE)
