"""
Make the pages that would rot by hand: docs/pillar.md and docs/pillar.schema.json from the schema,
docs/steps.md and docs/features.md from markers, docs/preflight.md from the checks, the tables in
docs/migration.md, docs/reference.md and the map in CONTRIBUTING.md from docstrings.

``--check`` writes nothing, and fails where a page isn't what it would be.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "_utils"), str(ROOT / "tools"), str(ROOT)]

PILLAR_HEAD = """# The pillar

Made by `make docs` from the schema in `_utils/ovirt_he/pillar/schema.py`: don't edit it here.

Everything lies below `hosted_engine`. A key that isn't here is an error. Only keys in **bold**
must be given: all others have a default. Sizes and times say their unit. Put a MAC address in
quotes: YAML reads some of them as numbers.
"""

STEPS_HEAD = """# The steps

Made by `make docs` from the markers on the integration tests: don't edit it here.

The 31 steps of oVirt's design page "Hosted Engine Deployment": the phase and the state by which
each comes about, and the test that proves it, by another path than the code took. Durable states
are checked in every run; transitional ones only until the host is deployed.

| step | phase | state | kind | proof |
|---|---|---|---|---|
"""


class Step(NamedTuple):
    """A marker ``step`` of a test, and what the test says of itself."""

    number: int
    phase: str
    state: str
    kind: str
    proof: str


def pillar_page(schema: dict[str, Any]) -> str:
    """docs/pillar.md of a schema."""
    groups = {name: item for name, item in schema["properties"].items() if "properties" in item}
    single = {name: item for name, item in schema["properties"].items() if name not in groups}
    parts = [PILLAR_HEAD]
    for name, group in groups.items():
        required = group["required"] if name in schema["required"] else []
        parts.append(_section(name, group["description"], group["properties"], required))
    parts.append(_section("Beside the groups", "Keys straight below `hosted_engine`.", single, []))
    return "".join(parts)


def json_schema(schema: dict[str, Any]) -> str:
    """docs/pillar.schema.json: a whole pillar file's JSON Schema, for editors."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pillar of the hosted-engine formula",
        "type": "object",
        "properties": {"hosted_engine": _for_editors(schema)},
    }
    return json.dumps(document, indent=2) + "\n"


def _for_editors(schema: dict[str, Any]) -> dict[str, Any]:
    """Without a default for a key that must be given, and without the names of other tools."""
    inner = {name: _for_editors(item) for name, item in schema.get("properties", {}).items()}
    kept = {
        key: value
        for key, value in schema.items()
        if key not in ("named", "renamed") and (key, value) != ("default", None)
    }
    return kept | {"properties": inner} if inner else kept


def _section(title: str, text: str, items: dict[str, Any], required: list[str]) -> str:
    head = f"\n## {title}\n{text}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(_row(key, item, key in required) for key, item in items.items())


def _row(key: str, item: dict[str, Any], required: bool) -> str:
    shown = f"**{key}**" if required else key
    choices = " or ".join(f"`{choice}`" for choice in item.get("enum", ()))
    names = {"array": "list of strings", "object": "mapping of strings"}
    kind = choices or names.get(item["type"], item["type"])
    cells = (shown, kind, _default(item), item["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(item: dict[str, Any]) -> str:
    value = item.get("default")
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def steps_page(folder: Path) -> str:
    """docs/steps.md of the tests in a folder."""
    rows = [
        f"| {step.number} | {step.phase} | {step.state} | {step.kind} | {step.proof} |\n"
        for step in sorted(step for path in folder.glob("test_*.py") for step in steps_of(path))
    ]
    return STEPS_HEAD + "".join(rows)


def steps_of(path: Path) -> Iterator[Step]:
    """The markers of a file, without running it: the tests' own libraries needn't be there."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            for call in (node for part in function.decorator_list for node in ast.walk(part)):
                if isinstance(call, ast.Call) and _name(call.func) == "step":
                    yield _step(call, function, path)


def _step(call: ast.Call, function: ast.FunctionDef, path: Path) -> Step:
    told = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    summary = (ast.get_docstring(function) or "").split("\n\n")[0]
    link = f"[{function.name}](../tests/integration/{path.name})"
    proof = " ".join(f"{link} {summary}".split()).replace("|", "\\|")
    number = ast.literal_eval(call.args[0])
    return Step(number, told["phase"], told["state"], told["kind"], proof)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def pages() -> dict[Path, str]:
    """Every made page with its text."""
    from ovirt_he.pillar.schema import SCHEMA

    from docs import checks, features, reference
    from docs.migration import with_tables

    migration = ROOT / "docs" / "migration.md"
    contributing = ROOT / "CONTRIBUTING.md"
    return {
        ROOT / "docs" / "features.md": features.page(
            ROOT / "docs" / "features.yaml", ROOT / "tests"
        ),
        ROOT / "docs" / "preflight.md": checks.page(),
        ROOT / "docs" / "pillar.md": pillar_page(SCHEMA),
        ROOT / "docs" / "pillar.schema.json": json_schema(SCHEMA),
        ROOT / "docs" / "steps.md": steps_page(ROOT / "tests" / "integration"),
        migration: with_tables(migration.read_text()),
        ROOT / "docs" / "reference.md": reference.page(ROOT),
        contributing: reference.with_map(contributing.read_text(), ROOT),
    }


def main(arguments: list[str]) -> int:
    stale = []
    for path, text in pages().items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if "--check" not in arguments:
            path.write_text(text)
    if stale:
        print(("stale, run make docs: " if "--check" in arguments else "made: ") + ", ".join(stale))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
