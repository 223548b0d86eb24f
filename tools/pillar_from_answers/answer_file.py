"""
otopi's answer files: INI, ``[environment:default]``, ``NAME=type:value``.

Values are literal, as otopi reads and writes them since version 1.9.2: no ``%`` is doubled.
"""

from __future__ import annotations

import configparser
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

# As otopi reads them: what comes later counts.
SECTIONS = tuple(f"environment:{name}" for name in ("default", "init", "override", "enforce"))
FALSE = ("f", "F", "false", "False")


class File(NamedTuple):
    """Answers by name, ``type:value`` each; and what is odd about the file."""

    answers: dict[str, str]
    problems: list[str]


def parse(text: str) -> File:
    """
    The answers of a file's text.

    Raises CommandExecutionError for what isn't such a file, by its lines' numbers: their text may
    hold a password.
    """
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), interpolation=None, strict=False
    )
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    try:
        parser.read_string(text.removeprefix("\N{BYTE ORDER MARK}"))
    except configparser.MissingSectionHeaderError as error:
        raise _broken(f"line {error.lineno} stands before any [section]") from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors)
        raise _broken(f"no NAME=type:value in line {lines}") from None
    answers = {
        name: item
        for section in SECTIONS
        if parser.has_section(section)
        for name, item in parser.items(section)
    }
    if not answers:
        raise _broken(f"there is no answer below [{SECTIONS[0]}]")
    return File(answers, [*_repeated(text), *_other_sections(parser)])


def _broken(reason: str) -> CommandExecutionError:
    return CommandExecutionError(
        f"This is no answer file of hosted-engine --deploy: {reason}. It starts with "
        f"[{SECTIONS[0]}], then come lines such as OVEHOSTED_NETWORK/fqdn=str:engine.example.com"
    )


def _repeated(text: str) -> Iterator[str]:
    names = re.findall(r"^([^\s#;=\[][^=\n]*?)\s*=(.*)$", text, re.MULTILINE)
    different = Counter(name for name, _ in dict.fromkeys(names))
    for name, count in different.items():
        if count > 1:
            yield f"{name}: given more than once, with different values: the last one counts"


def _other_sections(parser: configparser.ConfigParser) -> Iterator[str]:
    for section in parser.sections():
        if section not in SECTIONS:
            yield f"[{section}]: no section of otopi's; what stands in it wasn't read"


def value(typed: str) -> Any:
    """
    What an answer is in Python; raises ValueError, without showing it, for one of no known type.

    >>> value("bool:0"), value("int:3"), value("none:None"), value("multi-str:a")
    (True, 3, None, ['a'])
    """
    kind, colon, text = typed.partition(":")
    if kind == "str" and colon:
        return text
    if kind == "bool" and colon:
        return text not in FALSE
    if kind == "int" and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text):
        return int(text)
    if kind == "none":
        return None
    if kind == "multi-str" and colon:
        return text.splitlines()
    raise ValueError("its value has no type that otopi knows: str, int, bool, none, multi-str")
