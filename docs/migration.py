"""The tables in docs/migration.md: each name of another tool with its place, or a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Between them stands what is made; the prose around it is written by hand.
MADE = re.compile(
    r"(<!-- made by `make docs` from _utils/ovirt_he/migrate/(\w+)\.py -->\n).*?(<!-- end -->)",
    re.DOTALL,
)


def with_tables(page: str) -> str:
    """The page with its made parts as they would be."""
    from ovirt_he.migrate import ansible, answer_reasons, answer_table

    made = {
        "ansible": places(ansible.TABLE, "variable"),
        "ansible_reasons": reasons(ansible.REASONS, "variables"),
        "answer_table": places(answer_table.TABLE, "answer"),
        "answer_reasons": reasons(answer_reasons.REASONS, "answers"),
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
