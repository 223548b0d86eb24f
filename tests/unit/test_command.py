"""Commands: what errors say of them, and where they run."""

from __future__ import annotations

import pytest
from ovirt_he.core import command
from salt.exceptions import CommandExecutionError


def test_an_error_calls_a_command_by_what_matters():
    with pytest.raises(CommandExecutionError, match=r"^In the guest, systemctl start x: exit"):
        command.run("sh", "-c", "exit 3", shown="In the guest, systemctl start x")


def test_of_a_long_output_the_end_is_kept():
    with pytest.raises(CommandExecutionError) as failed:
        command.run("sh", "-c", "seq 5000 >&2; exit 1", shown="seq")

    assert str(failed.value).endswith("4999\n5000")
    assert len(str(failed.value)) < 2100


def test_our_environment_counts_before_the_caller_s(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    assert command.run("sh", "-c", "echo $LC_ALL").stdout == "C.UTF-8\n"
