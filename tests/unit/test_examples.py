"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import ovirt_he
import pytest

PACKAGE = Path(ovirt_he.__file__ or "").parent
# The loop's own example is a sketch: __salt__ is Salt's.
SKETCHES = {"core.state": {"converging"}}
MODULES = [
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in sorted(PACKAGE.glob("*/*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_what_an_example_shows_comes_back(name: str) -> None:
    if name.startswith("engine."):
        pytest.importorskip("ovirtsdk4", reason="the SDK is installed by `make venv`")
    module = importlib.import_module(f"ovirt_he.{name}")
    found = [
        each
        for each in doctest.DocTestFinder().find(module)
        if each.examples and each.name.rpartition(".")[2] not in SKETCHES.get(name, ())
    ]
    assert found
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)

    failed = [each.name for each in found if runner.run(each).failed]

    assert failed == []
