"""Mutations of Python functions: small changes that a test should notice, each by itself."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# A comparison and what it may become; an order has its border moved, and is turned round.
COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# Not part of what a function does.
LEFT_OUT = {"annotation", "returns", "decorator_list", "type_params", "ctx", "type_comment"}


class Mutant(NamedTuple):
    """A change of one file: the bytes from ``start`` to ``end`` become ``new``."""

    path: str
    function: str
    line: int
    start: int
    end: int
    old: str
    new: str
    number: int

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def order(self) -> str:
        """Its place in the sample: it stays as long as the mutated code does."""
        key = (self.path, self.function, self.old, self.new, str(self.number))
        return hashlib.sha256("\0".join(key).encode()).hexdigest()

    def __str__(self) -> str:
        old, new = (" ".join(text.split())[:90] for text in (self.old, self.new))
        return f"{self.path}:{self.line} {self.function}: {old}  →  {new}"


def of_file(root: Path, path: str, functions: tuple[str, ...] = ()) -> list[Mutant]:
    """All mutants of a file's functions, or of those that are named."""
    source = (root / path).read_bytes()
    lines = source.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    for name, function in _functions(ast.parse(source)):
        if functions and name not in functions:
            continue
        for node, new in _mutations(function):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            old = source[start:end].decode()
            number = seen[name, old, new] = seen.get((name, old, new), -1) + 1
            found.append(Mutant(path, name, node.lineno, start, end, old, new, number))
    if missing := set(functions) - {mutant.function for mutant in found}:
        raise LookupError(f"{path} has no such functions: {', '.join(sorted(missing))}")
    return found


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    yield f"{node.name}.{method.name}", method


def _mutations(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    if isinstance(node, ast.expr):
        yield from ((node, f"({new})") for new in _of_expression(node))
    elif isinstance(node, ast.stmt):
        yield from ((node, new) for new in _of_statement(node))
    for test in _conditions(node):
        # A comparison is turned round as an expression.
        if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield test, f"(not ({ast.unparse(test)}))"
    for field, value in ast.iter_fields(node):
        if field in LEFT_OUT or isinstance(node, ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield from _mutations(child)


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return [node.test]
    return node.ifs if isinstance(node, ast.comprehension) else []


def _is_text(node: ast.AST) -> bool:
    """Whether it's for people: a docstring, a sentence."""
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value


def _of_expression(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        for operator in COMPARISONS[type(node.ops[0])]:
            changed = copy.copy(node)
            changed.ops = [operator(), *node.ops[1:]]
            yield ast.unparse(changed)
    elif isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield ast.unparse(ast.BoolOp(other, node.values))
        for left_out in node.values:
            rest = [value for value in node.values if value is not left_out]
            yield ast.unparse(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield ast.unparse(node.operand)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield ast.unparse(ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right))
    elif isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield repr(not value)
        elif isinstance(value, int | float):
            yield repr(value + 1)
        # An empty text stands for nothing: another nothing is no fault.
        elif isinstance(value, str) and value:
            yield repr(value + "x")
        elif isinstance(value, bytes):
            yield repr(value + b"x")


def _of_statement(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Expr | ast.Raise | ast.AugAssign | ast.Continue | ast.Break):
        yield "pass"
    elif isinstance(node, ast.Return):
        empty = node.value is None
        if empty or not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "pass" if empty else "return None"
