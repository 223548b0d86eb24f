"""Text that is safe to show: no secrets, and nothing that talks to a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ovirt_he.core.text import hide, holds_secret, safe, secrets_in, tail, without

from .generated import ANYTHING
from .test_schema_properties import generated


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("name=admin,secret=QUJDRA==,noatime", "QUJDRA=="),
        ("user=he,pass=x1", "x1"),
        ("password2=x1,ro", "x1"),
        ("/exports/password=x1", "x1"),
        ("credentials=/root/.smb", "/root/.smb"),
        ("secretfile=/etc/ceph/key", "/etc/ceph/key"),
        ("https://he:x1@repo.example.com/a.rpm", "x1"),
        ("http://he:a@b@proxy:3128", "a@b"),
        ("he_x=1 db_password='two words'", "'two words'"),
        ("API_TOKEN: x1", "x1"),
        ("run --password x1 now", "x1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nx1\n", "\nx1\n"),
        ("root:$6$salt$0123456789abcdef", "$6$salt$0123456789abcdef"),
    ],
)
def test_a_secret_is_found_and_hidden(text, secret):
    assert list(secrets_in(text)) == [secret]
    assert hide(text) == text.replace(secret, "(hidden)")
    assert holds_secret([{"key": [text]}])


@pytest.mark.parametrize(
    "text",
    [
        "nas.example.com:/exports/secret",
        "/srv/password/engine",
        "compass=1,bypass=1",
        "passthrough=1",
        "ssh-rsa AAAAB3NzaC1yc2EpwdAAAtoken+passA/secretQ== me@host",
        "root@localhost",
        "iqn.2020-01.com.example:token",
        "[2001:db8::1]:/a",
        "https://he@example.com:443/a@b",
        "without-password",
        "backup-volfile-servers=a:b",
        "sec=krb5",
        "user=he",
    ],
)
def test_what_is_no_secret(text):
    assert not holds_secret(text)
    assert hide(text) == text


def test_a_value_is_one_by_its_name_in_a_mapping():
    assert list(secrets_in({"db_pass": "x1", "host": "a"})) == ["x1"]


@generated
@given(ANYTHING | st.text())
def test_any_value_is_looked_at_and_what_was_found_is_gone(value):
    for secret in secrets_in(value):
        assert isinstance(secret, str)
    if isinstance(value, str):
        hidden = hide(value)
        assert hidden == value or "(hidden)" in hidden


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


def test_the_end_of_a_log_is_read(tmp_path):
    log = tmp_path / "log"
    assert tail(log) == "", "there is none yet"
    log.write_bytes(b"begin \xff end")

    assert tail(log) == "begin \N{REPLACEMENT CHARACTER} end"
    assert tail(log, size=3) == "end"


def test_a_secret_of_four_characters_is_hidden_and_a_shorter_one_not():
    assert without("four tre", ["four", "tre"]) == "(hidden) tre"


def test_the_longest_secret_is_hidden_first():
    """Else the rest of it would be shown."""
    assert without("hunter2hunter2", ["hunter2", "hunter2hunter2"]) == "(hidden)"
