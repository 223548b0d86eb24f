"""Text from outside, made fit for a terminal."""

from __future__ import annotations

import pytest
from ovirt_he.core.terminal import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;ZXZpbA==\x1b\\after", "after"),
        ("bell\x07 and \x9b31m csi", "bell and 31m csi"),
        ("line\r\nnext\x00", "line\nnext"),
        ("\x1bP+q544e\x1b\\x", "x"),
        ("\x1b(Bset", "set"),
        ("ümläut ✔", "ümläut ✔"),
    ],
)
def test_nothing_moves_or_talks_to_the_terminal(text, shown):
    assert safe(text) == shown


def test_only_the_last_lines_are_shown_and_no_secret():
    text = "\n".join(f"line {number} pass-word" for number in range(100))

    shown = safe(text, ["pass", "pass-word", ""], lines=2)

    assert shown == "line 98 (hidden)\nline 99 (hidden)"
