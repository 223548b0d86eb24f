"""fhanswers.conf as an additional host reads it: typed values in one INI section."""

from __future__ import annotations

import configparser
import re
from typing import Any

SECTION = "environment:default"
KEY = re.compile(r"OVEHOSTED_[A-Z]+/\w+")
# Everything else counts as true, even 0.
FALSE = ("f", "F", "false", "False")


class AnswerError(Exception):
    """A line that can't be read, and why."""


def _value(key: str, text: str) -> Any:
    kind, colon, value = text.partition(":")
    if not colon:
        raise AnswerError(f"{key} has no type")
    match kind:
        case "str":
            return value
        case "bool":
            return value not in FALSE
        case "int":
            try:
                return int(value)
            except ValueError as err:
                raise AnswerError(f"{key}: {value!r} is no int") from err
        case "none":
            return None
        case "multi-str":
            return value.splitlines()
    raise AnswerError(f"{key} has the unknown type {kind}")


def parse(text: str) -> dict[str, Any]:
    """Read answers. Raises AnswerError for an unknown type, key form, or a missing section."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
        items = parser.items(SECTION)
    except configparser.Error as err:
        raise AnswerError(str(err)) from err
    if wrong := [key for key, _value_text in items if not KEY.fullmatch(key)]:
        raise AnswerError(f"no answers: {', '.join(wrong)}")
    return {key: _value(key, value) for key, value in items}
