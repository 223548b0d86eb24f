"""Commands of the host: what comes back, and what an error shows."""

from __future__ import annotations

import pytest
from ovirt_he.core import command
from salt.exceptions import CommandExecutionError


def failure(*arguments, **options):
    with pytest.raises(CommandExecutionError) as raised:
        command.run(*arguments, **options)
    return str(raised.value)


def test_any_exit_code_is_an_answer_where_none_is_checked():
    assert command.run("sh", "-c", "exit 9", check=False).returncode == 9
    assert command.run("sh", "-c", "kill -9 $$", check=False).returncode == -9


def test_an_exit_code_is_a_failure_unless_it_is_listed():
    assert command.run("sh", "-c", "exit 1", codes=(0, 1)).returncode == 1
    assert "exit code 2" in failure("sh", "-c", "exit 2", codes=(0, 1))


def test_an_error_shows_what_was_tried_in_place_of_the_command():
    shown = failure("sh", "-c", "echo no such disk >&2; exit 3", shown="Looking", advice="Look")

    assert shown == "Looking: exit code 3: no such disk\nLook"
    assert failure("sleep", "9", timeout=0.1, shown="Resting") == "Resting: timed out after 0.1 s."


def test_of_a_long_command_an_error_shows_the_beginning():
    assert failure("sh", "-c", "exit 3\nrm -f answers") == "sh -c exit 3 …: exit code 3:"
    assert len(failure("false", "x" * 1000)) < 400


def test_an_error_shows_the_end_of_a_long_output():
    shown = failure("sh", "-c", "seq 5000; exit 1")

    assert shown.endswith("\n4999\n5000")
    assert len(shown) < 2100


def test_a_command_speaks_english_whatever_the_caller_s_environment(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/somewhere")
    monkeypatch.setenv("KEPT", "yes")

    shown = command.run("sh", "-c", "echo $LC_ALL $PATH $KEPT").stdout

    assert shown == "C.UTF-8 /usr/sbin:/usr/bin:/sbin:/bin yes\n"
