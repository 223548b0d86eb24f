"""
The answer files of otopi: an INI file whose values carry their type, such as ``str:text``.

Read as otopi reads them (Python's configparser, keys as they are, blanks around a value stripped),
but stricter where otopi guesses: a boolean must be one.
"""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

BOOLEANS = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}


class AnswersError(Exception):
    """An answer file that can't be read, with the file and the key."""


def typed(text: str) -> Any:
    """What a typed text stands for; ValueError where it stands for nothing."""
    kind, colon, value = text.partition(":")
    if not colon:
        raise ValueError("Missing variable type")
    if kind == "none":
        return None
    if kind == "bool":
        if value not in BOOLEANS:
            raise ValueError("Invalid boolean")
        return BOOLEANS[value]
    if kind == "int":
        return int(value)
    if kind == "str":
        if "\n" in value:
            raise ValueError("Line break in a string")
        return value
    if kind == "multi-str":
        return [line.strip() for line in value.splitlines() if line.strip()]
    raise ValueError(f"Invalid variable type '{kind}'")


def read(path: Path) -> dict[str, Any]:
    """
    Read an answer file's section ``environment:default``.

    Raises AnswersError for what isn't one; values aren't shown, they may be secret.
    """
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise AnswersError(f"Cannot read configuration file '{path}': {err}") from err
    try:
        parser.read_string(text)
    except configparser.DuplicateOptionError as err:
        raise AnswersError(f"Configuration file '{path}': '{err.option}' is given twice") from err
    except configparser.Error as err:
        line = getattr(err, "lineno", None) or getattr(err, "errors", [("?",)])[0][0]
        raise AnswersError(
            f"Cannot parse configuration file '{path}': {type(err).__name__}, line {line}"
        ) from err
    if not parser.has_section("environment:default"):
        raise AnswersError(f"Configuration file '{path}' has no section 'environment:default'")
    values = {}
    for key, value in parser.items("environment:default"):
        try:
            values[key] = typed(value)
        except ValueError as err:
            reason = str(err) if "invalid literal" not in str(err) else "Invalid integer"
            raise AnswersError(
                f"Cannot parse configuration file '{path}' section 'environment:default'"
                f" key '{key}': {reason}"
            ) from None
    return values


def render(values: dict[str, Any]) -> str:
    """An answer file with these values."""
    lines = ["[environment:default]"]
    for key, value in sorted(values.items()):
        kind = {bool: "bool", int: "int", str: "str", type(None): "none"}[type(value)]
        lines.append(f"{key}={kind}:{value}")
    return "\n".join(lines) + "\n"
