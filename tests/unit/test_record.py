"""Records: whole or not at all, and never guessed."""

from __future__ import annotations

import json
import stat

import pytest
from ovirt_he.core import records as record
from salt.exceptions import CommandExecutionError


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "DIRECTORY", tmp_path / "records")
    return tmp_path / "records"


def test_what_was_written_is_read(directory):
    record.write("copied", {"inode": 12, "volume": "a"})

    assert json.loads((directory / "copied.json").read_text()) == {"inode": 12, "volume": "a"}
    assert record.read("copied") == {"inode": 12, "volume": "a"}


def test_no_record_is_none_and_forgetting_it_is_no_error():
    assert record.read("copied") is None
    record.remove("copied")


def test_forgotten():
    record.write("copied", {})
    record.remove("copied")

    assert record.read("copied") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00\x00", '{"a": 1'])
def test_a_broken_record_raises_with_its_path(directory, content):
    directory.mkdir()
    (directory / "copied.json").write_text(content)

    with pytest.raises(CommandExecutionError, match=r"copied\.json"):
        record.read("copied")


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
        record.read(name)


def test_what_another_version_of_the_formula_wrote_is_read(directory):
    """Fewer fields, or more."""
    directory.mkdir()
    (directory / "deployment.json").write_text('{"healthy": true, "written_by": 3}')

    assert record.read("deployment") == {"healthy": True, "written_by": 3}
    record.update("deployment", fqdn="engine.example.com")
    assert record.read("deployment") == {
        "healthy": True, "written_by": 3, "fqdn": "engine.example.com",
    }  # fmt: skip


def test_only_root_reads_by_default_and_nothing_else_is_left(directory):
    record.write("copied", {})
    record.write("copied", {"again": True})

    assert stat.S_IMODE((directory / "copied.json").stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == ["copied.json"]


def test_a_failure_leaves_the_old_file_and_names_the_path(directory, monkeypatch):
    record.write("copied", {"old": True})

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.os, "fsync", fail)
    with pytest.raises(CommandExecutionError, match=r"copied\.json.*No space"):
        record.write("copied", {"new": True})

    monkeypatch.undo()
    assert json.loads((directory / "copied.json").read_text()) == {"old": True}
    assert [path.name for path in directory.iterdir()] == ["copied.json"]


def test_mode_of_a_file(tmp_path):
    path = tmp_path / "deep" / "file"

    record.write_file(path, b"\x00\xff", mode=0o440)

    assert path.read_bytes() == b"\x00\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
