"""The rooms of the package: a room imports from the rooms before it, and nothing in a circle."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "_utils" / "ovirt_he"
ROOMS = (
    "core", "pillar", "host", "bootstrap", "guest", "ha", "engine", "preflight",
)  # fmt: skip
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever in it: ``core.state``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ovirt_he."):
            room, *rest = str(node.module).split(".")[1:]
            found |= {f"{room}.{name}" for name in rest or [alias.name for alias in node.names]}
    return found


def test_each_room_is_known_and_says_what_lives_in_it():
    rooms = {path.parent.name: path for path in PACKAGE.glob("*/__init__.py")}

    assert set(rooms) == set(ROOMS) == {path.parent.name for path in MODULES}
    assert all(len(ast.get_docstring(ast.parse(path.read_text())) or "") > 80
               for path in rooms.values())  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_a_room_imports_from_the_rooms_before_it(path):
    allowed = ROOMS[: ROOMS.index(path.parent.name) + 1]

    assert {name for name in imported(path) if name.split(".")[0] not in allowed} == set()


def test_no_module_imports_itself_by_way_of_others():
    graph = {f"{path.parent.name}.{path.stem}": imported(path) for path in MODULES}

    assert set().union(*graph.values()) <= set(graph)
    graphlib.TopologicalSorter(graph).prepare()
