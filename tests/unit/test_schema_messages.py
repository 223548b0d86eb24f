"""What a fault in the pillar is called: the type that is there, in YAML's words, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.pillar.validate import problems

TEXT = {"type": "string", "description": "A name."}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "string wanted, not 5 (integer): put it in quotes"),
        (True, "string wanted, not True (boolean): put it in quotes"),
        (None, "string wanted, not None (null): put it in quotes"),
        (1.5, "string wanted, not 1.5 (another type): put it in quotes"),
        ({"a": 1}, "string wanted, not this (object)"),
        (["a"], "string wanted, not this (array)"),
    ],
)
def test_the_wrong_type_is_named(value: Any, shown: str) -> None:
    assert list(problems(value, TEXT, "key")) == [f"key: {shown}. A name."]


def test_true_is_no_number() -> None:
    (problem,) = problems(True, {"type": "integer", "description": "A number."}, "key")

    assert problem == "key: integer wanted, not True (boolean). A number."


@pytest.mark.parametrize(("value", "fault"), [(1, ""), (0, "less than 1"), (9, ""), (10, "more")])
def test_limits_are_allowed_themselves(value: int, fault: str) -> None:
    schema = {"type": "integer", "description": "A number.", "minimum": 1, "maximum": 9}

    found = list(problems(value, schema, "key"))

    assert len(found) == bool(fault)
    assert all(fault in problem for problem in found)


def test_an_items_fault_names_its_place() -> None:
    schema = {"type": "array", "description": "Names.", "items": {"type": "string"}}

    (problem,) = problems(["a", 2], schema, "key")

    assert problem.startswith("key:1: string wanted")
    assert problem.endswith("Names.")
