"""Records: whole or not at all, and never guessed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ovirt_he.core import records
from salt.exceptions import CommandExecutionError


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    return tmp_path / "records"


def test_what_was_written_is_read(directory):
    records.write("copied", {"inode": 12, "volume": "a"})

    assert json.loads((directory / "copied.json").read_text()) == {"inode": 12, "volume": "a"}
    assert records.read("copied") == {"inode": 12, "volume": "a"}


def test_no_record_is_none_and_forgetting_it_is_no_error():
    assert records.read("copied") is None
    records.remove("copied")


def test_forgotten():
    records.write("copied", {})
    records.remove("copied")

    assert records.read("copied") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00\x00", '{"a": 1'])
def test_a_broken_record_raises_with_its_path(directory, content):
    directory.mkdir()
    (directory / "copied.json").write_text(content)

    with pytest.raises(CommandExecutionError, match=r"copied\.json"):
        records.read("copied")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deployment", {"healthy": "yes"}),
        ("deployment", {"storage": "nas.example.com:/exports/engine"}),
        ("setup", {"domain": "a", "overlay": "12"}),
        ("pauses", {"passed": "engine"}),
        ("routes", {"routes": None}),
    ],
)
def test_a_record_of_other_types_than_ours_raises_with_the_field(directory, name, content):
    directory.mkdir()
    (directory / f"{name}.json").write_text(json.dumps(content))

    with pytest.raises(CommandExecutionError, match=rf"{name}\.json holds .*{list(content)[-1]}: "):
        records.read(name)


def test_what_another_version_of_the_formula_wrote_is_read(directory):
    """Fewer fields, or more."""
    directory.mkdir()
    (directory / "deployment.json").write_text('{"healthy": true, "written_by": 3}')

    assert records.read("deployment") == {"healthy": True, "written_by": 3}
    records.update("deployment", fqdn="engine.example.com")
    assert records.read("deployment") == {
        "healthy": True, "written_by": 3, "fqdn": "engine.example.com",
    }  # fmt: skip


def test_only_root_reads_by_default_and_nothing_else_is_left(directory):
    records.write("copied", {})
    records.write("copied", {"again": True})

    assert stat.S_IMODE((directory / "copied.json").stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == ["copied.json"]


def test_a_failure_leaves_the_old_file_and_names_the_path(directory, monkeypatch):
    records.write("copied", {"old": True})

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records.os, "fsync", fail)
    with pytest.raises(CommandExecutionError, match=r"copied\.json.*No space"):
        records.write("copied", {"new": True})

    monkeypatch.undo()
    assert json.loads((directory / "copied.json").read_text()) == {"old": True}
    assert [path.name for path in directory.iterdir()] == ["copied.json"]


def test_file_and_then_directory_are_synced(directory, monkeypatch):
    """Without the directory's a power cut may lose the renaming, and with it the record."""
    synced = []
    sync = os.fsync

    def spy(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(records.os, "fsync", spy)
    records.write("copied", {})

    assert [path.parent for path in synced] == [directory, directory.parent]
    assert synced[1] == directory


def test_mode_of_a_file(tmp_path):
    path = tmp_path / "deep" / "file"

    records.write_file(path, b"\x00\xff", mode=0o440)

    assert path.read_bytes() == b"\x00\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_an_update_makes_the_record_where_there_is_none():
    records.update("deployment", fqdn="engine.example.com")

    assert records.read("deployment") == {"fqdn": "engine.example.com"}
