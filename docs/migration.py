"""The tables in docs/migration.md: each name of another tool with its place, or a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Between them stands what is made; the prose around it is written by hand.
MADE = re.compile(
    r"(<!-- made by `make docs` from the (\w+) -->\n).*?(<!-- end -->)",
    re.DOTALL,
)


def with_tables(page: str) -> str:
    """The page with its made parts as they would be."""
    from pillar_from_answers import ansible, answers
    from pillar_from_answers import reasons as without_a_key

    made = {
        "variables": places(ansible.TABLE, "variable"),
        "other_variables": reasons(without_a_key.VARIABLES, "variables"),
        "answers": places(answers.TABLE, "answer"),
        "other_answers": reasons(without_a_key.ANSWERS, "answers"),
    }
    return MADE.sub(lambda part: part[1] + made[part[2]] + part[3], page)


def places(table: list[Any], what: str) -> str:
    """A line for each row of a table."""
    rows = [f"| {_code(row.names)} | {_code(row.paths)} |\n" for row in table]
    return f"| {what} | key |\n|---|---|\n" + "".join(rows)


def reasons(by_name: Mapping[str, str], what: str) -> str:
    """A line for each reason."""
    names: dict[str, list[str]] = {}
    for name, reason in by_name.items():
        names.setdefault(reason, []).append(name)
    rows = [f"| {_code(some)} | {reason} |\n" for reason, some in names.items()]
    return f"| {what} | reason |\n|---|---|\n" + "".join(rows)


def _code(names: Any) -> str:
    return ", ".join(f"`{name.removeprefix('OVEHOSTED_')}`" for name in names)
