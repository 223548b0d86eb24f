"""Text that is safe to show: without secrets, and without what talks to a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HIDDEN = "(hidden)"

# Names whose value is a secret, wherever they stand.
SECRET_NAME = re.compile(
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
# Sequences that move the cursor, colour, or talk to the terminal; then single control characters.
SEQUENCES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(\x1b\\|\x07|$)|[ -/]*[0-~])", re.S)
CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
SHORTEST = 4  # characters: hiding shorter secrets would blot out half the text


class Secret:
    """
    A fact that takes part in comparisons but is never shown.

    >>> Secret("a") == Secret("a"), str(Secret("a"))
    (True, '(hidden)')
    """

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__


def holds_secret(value: Any) -> bool:
    """Whether a value, or anything in it, holds a secret."""
    return any(True for _ in secrets_in(value))


def secrets_in(value: Any) -> Iterable[str]:
    """The secrets themselves, to be hidden wherever else they stand."""
    if isinstance(value, str):
        for match in INSIDE.finditer(value):
            yield next(part for part in match.groups() if part is not None)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from secrets_in(name)
            if isinstance(item, str) and item and SECRET_NAME.search(str(name)):
                yield item
            yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)


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


def safe(text: str, secrets: Iterable[str] = (), lines: int = 25) -> str:
    """
    The last ``lines`` lines of ``text`` without escape sequences, controls and ``secrets``.

    >>> safe("\\x1b[1mup\\x1b[0m\\r\\nsecret: hunter2\\n", ["hunter2"])
    'up\\nsecret: (hidden)'
    """
    plain = without(CONTROLS.sub("", SEQUENCES.sub("", text)), secrets)
    kept = [line.rstrip() for line in plain.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def tail(path: Path, size: int = 65536) -> str:
    """The last ``size`` bytes of a log; empty where there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - size))
            return log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def without(text: str, secrets: Iterable[str]) -> str:
    """A text with each secret replaced."""
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    return text
