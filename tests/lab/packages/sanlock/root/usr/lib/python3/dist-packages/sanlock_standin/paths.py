"""``NAME:HOST_ID:PATH:OFFSET``, where a colon that belongs to PATH is written ``\\:``."""

from __future__ import annotations

from typing import NamedTuple


class Lockspace(NamedTuple):
    """A lockspace as the command line names it; offset in bytes."""

    name: str
    host_id: int
    path: str
    offset: int


def split(text: str) -> list[str]:
    """Split at the colons that no backslash guards, and take the backslashes away."""
    parts, part, characters = [], "", iter(text)
    for character in characters:
        if character == "\\":
            part += next(characters, "")
        elif character == ":":
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part]


def escape(path: str) -> str:
    """Write a path as sanlock wants it inside of a colon-separated argument."""
    return path.replace("\\", "\\\\").replace(":", "\\:")


def number(text: str) -> int:
    """Read leading digits as C's atoi does: whatever follows is ignored, nothing is zero."""
    digits = ""
    for character in text:
        if not character.isdigit():
            break
        digits += character
    return int(digits or 0)


def lockspace(text: str) -> Lockspace:
    """
    Read a ``-s`` argument.

    As in the real one, surplus parts are dropped in silence: an unescaped colon cuts the path
    short, and opening what is left of it fails.
    """
    name, host_id, path, offset = (*split(text), "", "", "", "")[:4]
    return Lockspace(name, number(host_id), path, number(offset))
