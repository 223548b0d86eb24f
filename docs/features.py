"""docs/features.md: what the Ansible role can do, line by line, and the tests that prove it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HEAD = """# What it can do, beside the Ansible role

Made by `make docs` from docs/features.yaml and from the markers on the tests: don't edit it here.

"Role" is oVirt's Ansible role for the hosted engine, with the `hosted-engine` command around it.
Each line names tests that would fail without it. Those that ran against stand-ins are in
[not-tried-here.md](not-tried-here.md); *extensive* ones run in `make test-all` only.
"""
MOST = 3


def page(listed: Path, tests: Path) -> str:
    """The page of a list of features and of a folder of tests."""
    proofs = proofs_in(tests)
    areas = yaml.safe_load(listed.read_text())
    return HEAD + "".join(_area(area, rows, proofs) for area, rows in areas.items())


def proofs_in(tests: Path) -> dict[str, list[str]]:
    """Links to the tests of each feature: integration tests first."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    rank = ["integration", "functional", "unit"]
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests.parent).as_posix()
        kind = path.relative_to(tests).parts[0]
        for name, function, extensive in marks(path):
            link = f"[{function}](../{where})" + (" (*extensive*)" if extensive else "")
            found[name].append((rank.index(kind) + extensive, link))
    return {name: [link for _, link in sorted(links)] for name, links in found.items()}


def marks(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Feature, test, whether it is extensive: of a file, without running it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            named = [_mark(part) for part in node.decorator_list]
            extensive = any(name == "extensive" for name, _ in named)
            for name, arguments in named:
                if name == "feature":
                    for feature in arguments:
                        yield feature, node.name, extensive


def _mark(node: ast.expr) -> tuple[str, list[Any]]:
    arguments = []
    if isinstance(node, ast.Call):
        arguments = [ast.literal_eval(part) for part in node.args if isinstance(part, ast.Constant)]
        node = node.func
    return (node.attr if isinstance(node, ast.Attribute) else ""), arguments


def _area(area: str, rows: dict[str, dict[str, str]], proofs: dict[str, list[str]]) -> str:
    head = f"\n## {area}\n\n| what | role | proven here by |\n|---|---|---|\n"
    return head + "".join(
        f"| {row['what']} | {row['role'] or 'no'} | {', '.join(proofs.get(name, [])[:MOST])} |\n"
        for name, row in rows.items()
    )
