"""docs/reference.md, and CONTRIBUTING's map of the package: what the docstrings say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HEAD = """# Reference

Made by `make docs` from the docstrings: don't edit it here. `salt-call --local sys.doc MODULE` and
`sys.state_doc STATE` show them whole, with examples, units and the errors that they raise.
"""
MAP = re.compile(r"(<!-- made by `make docs` from the rooms -->\n).*?(<!-- end -->)", re.DOTALL)


def page(root: Path) -> str:
    """docs/reference.md of a checkout."""
    states = "".join(_functions(path) for path in sorted(root.glob("_states/*.py")))
    modules = "".join(_functions(path) for path in sorted(root.glob("_modules/*.py")))
    return f"{HEAD}\n# States\n{states}\n# Execution modules\n{modules}"


def with_map(text: str, root: Path) -> str:
    """CONTRIBUTING.md with its made part as it would be."""
    rooms = root / "_utils" / "ovirt_he"
    order = re.findall(r"\w+", (_doc(rooms / "__init__.py")).rpartition(":")[2])
    tool = root / "tools" / "pillar_from_answers"
    rows = "".join(map(_room, [*(rooms / name for name in order), tool]))
    return MAP.sub(lambda part: part[1] + rows + part[2], text)


def _room(folder: Path) -> str:
    files = (path for path in sorted(folder.glob("*.py")) if path.stem != "__init__")
    lines = "".join(f"- `{path.stem}`: {_first(_doc(path))}\n" for path in files)
    return f"\n### {folder.name}\n{_doc(folder / '__init__.py')}\n\n{lines}"


def _functions(path: Path) -> str:
    tree = ast.parse(path.read_text())
    found = [
        f"- `{path.stem}.{node.name}({', '.join(_arguments(node))})`: "
        f"{_first(ast.get_docstring(node) or '')}\n"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    return f"\n## {path.stem}\n{_doc(path)}\n\n{''.join(found)}"


def _arguments(node: ast.FunctionDef) -> Iterator[str]:
    given = node.args
    names = [argument.arg for argument in given.args]
    defaults = [ast.unparse(default) for default in given.defaults]
    plain = len(names) - len(defaults)
    yield from names[:plain]
    yield from (f"{name}={default}" for name, default in zip(names[plain:], defaults, strict=True))
    if given.vararg:
        yield f"*{given.vararg.arg}"
    if given.kwarg:
        yield f"**{given.kwarg.arg}"


def _doc(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").strip()


def _first(text: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())
