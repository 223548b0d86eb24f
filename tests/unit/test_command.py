"""Commands of the host: what comes back, and what an error shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from ovirt_he.core import command
from salt.exceptions import CommandExecutionError, CommandNotFoundError


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


def test_a_command_reads_text_or_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"\x00\xff")

    assert command.run("cat", stdin="text").stdout == "text"
    with (tmp_path / "file").open("rb") as file:
        assert command.run_binary("cat", stdin=file).stdout == b"\x00\xff"
    assert command.run("cat").stdout == "", "nothing of ours"


def test_a_missing_command_is_named_with_its_package():
    with pytest.raises(CommandNotFoundError) as raised:
        command.run("no-such-command", package="nowhere")

    assert str(raised.value) == "no-such-command isn't installed. It comes with nowhere"


def test_what_did_not_end_in_its_time_is_killed(tmp_path):
    """It would write to what the next command works on."""
    alive = tmp_path / "alive"
    with pytest.raises(command.TimedOut):
        command.run("sh", "-c", f"echo $$ > {alive}; exec sleep 60", timeout=0.5)

    assert not Path(f"/proc/{alive.read_text().strip()}").exists()
