"""What ``make mutants`` changes: one thing each, in valid Python, and always the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutants import mutations
from mutants.targets import TARGETS

ROOT = Path(__file__).parents[2]
SOURCE = '''\
"""Sizes."""


def large(size: int, limit: int = 10) -> bool:
    """Whether it is."""
    if size < 0 or not limit:
        raise ValueError(f"{size} is no size")
    return size >= limit


def other():
    return "ä" in "bä"
'''


def test_each_mutant_is_one_change(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text(SOURCE)

    made = {(one.old, one.new) for one in mutations.of_file(tmp_path, "sizes.py", ("large",))}

    assert made == {
        ("10", "(11)"),
        ("size < 0 or not limit", "(not (size < 0 or not limit))"),
        ("size < 0 or not limit", "(size < 0 and (not limit))"),
        ("size < 0 or not limit", "(size < 0)"),
        ("size < 0 or not limit", "(not limit)"),
        ("size < 0", "(size <= 0)"),
        ("size < 0", "(size >= 0)"),
        ("0", "(1)"),
        ("not limit", "(limit)"),
        ('raise ValueError(f"{size} is no size")', "pass"),
        ("return size >= limit", "return None"),
        ("size >= limit", "(size > limit)"),
        ("size >= limit", "(size < limit)"),
    }


def test_a_mutant_stands_where_its_code_stood(tmp_path: Path) -> None:
    """Also behind letters of several bytes."""
    (tmp_path / "sizes.py").write_text(SOURCE)
    source = (tmp_path / "sizes.py").read_bytes()

    for mutant in mutations.of_file(tmp_path, "sizes.py"):
        changed = mutant.applied(source)
        ast.parse(changed)
        assert changed.decode().replace(mutant.new, mutant.old, 1).count(mutant.old) >= 1
        assert changed != source


def test_the_sample_stays_while_other_code_changes(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text(SOURCE)
    before = sorted(one.order() for one in mutations.of_file(tmp_path, "sizes.py", ("large",)))
    (tmp_path / "sizes.py").write_text(
        SOURCE.replace("def large", "def new():\n    pass\n\n\ndef large")
    )

    after = sorted(one.order() for one in mutations.of_file(tmp_path, "sizes.py", ("large",)))

    assert after == before


def test_a_function_that_is_gone_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text(SOURCE)

    with pytest.raises(LookupError, match="no such functions: small"):
        mutations.of_file(tmp_path, "sizes.py", ("small",))


def test_every_target_is_there() -> None:
    for target in TARGETS:
        assert mutations.of_file(ROOT, target.path, target.functions)
        assert [one for one in target.tests if not (ROOT / one.partition("::")[0]).exists()] == []
    total = sum(min(6, len(mutations.of_file(ROOT, *one[:2]))) for one in TARGETS)
    assert total >= 150
