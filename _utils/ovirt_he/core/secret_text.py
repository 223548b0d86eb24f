"""Secrets in a text that isn't one by its key: URLs with a password, options, private keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ovirt_he.core.state import HIDDEN

# Names whose value is a secret, wherever they stand.
NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|private_?key|api_?key|(?<![a-z])pass(?![a-z])"
    # engine-setup's question for its administrator's password
    r"|CONFIG_ADMIN_SETUP",
    re.IGNORECASE,
)
_WORD = (
    r"(?:passw(?:or)?d|passphrase|(?<![a-z])pass|pwd|secret|token|credentials?|private[_-]?key"
    r"|(?:api|access)[_-]?key)(?:file|s)?(?:[\d_-][\w-]{0,20})?"
)
INSIDE = re.compile(
    # scheme://user:password@server
    r"[a-z][a-z0-9+.-]{0,30}://[^\s/?#@:]*:([^\s/]*)@"
    # name=value, name: value (but no server:/path), --name value
    rf"|(?<![\w.-])[\w.-]{{0,40}}?{_WORD}(?:=(?!=)|\s*:\s*(?!/)|\s+=\s+)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&'\"]+)"
    rf"|(?<=\s)--?{_WORD}\s+([^\s-]\S*)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(.*)"
    # crypt's hashes
    r"|(\$(?:1|2[abxy]|5|6|7|y|gy)\$[^\s:,]{8,})",
    re.IGNORECASE | re.DOTALL,
)


def holds(value: Any) -> bool:
    """Whether a value, or anything in it, holds a secret."""
    return any(True for _ in found(value))


def found(value: Any) -> Iterable[str]:
    """The secrets themselves, to be hidden wherever else they stand."""
    if isinstance(value, str):
        for match in INSIDE.finditer(value):
            yield next(part for part in match.groups() if part is not None)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from found(name)
            if isinstance(item, str) and item and NAME.search(str(name)):
                yield item
            yield from found(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from found(item)


def hide(text: str) -> str:
    """
    A text without its secrets.

    >>> hide("mount -o name=admin,secret=QUJD x"), hide("https://me:hunter2@example.com/a.rpm")
    ('mount -o name=admin,secret=(hidden) x', 'https://me:(hidden)@example.com/a.rpm')
    """

    def hidden(match: re.Match[str]) -> str:
        start, end = next(match.span(group) for group in range(1, 6) if match[group] is not None)
        whole = match.start()
        return match[0][: start - whole] + HIDDEN + match[0][end - whole :]

    return INSIDE.sub(hidden, text)
