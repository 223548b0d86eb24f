"""HA's lockspace: its name and path for sanlock, and its form on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ovirt_he.core import command
from ovirt_he.ha import sanlock
from ovirt_he.host import volume

# sanlock's leader record: its magic, and the name of the lockspace at 56.
MAGIC = bytes.fromhex("10202112")


@pytest.mark.parametrize(
    ("path", "escaped"),
    [
        ("/run/vdsm/a", "/run/vdsm/a"),
        ("/mnt/nas:_exports/a", r"/mnt/nas\:_exports/a"),
        ("/mnt/a\\b:c", r"/mnt/a\\b\:c"),
    ],
)
def test_colons_and_backslashes_of_a_path_are_escaped(path: str, escaped: str) -> None:
    """A colon ends a field of sanlock's."""
    assert sanlock.place(Path(path)) == f"hosted-engine:0:{escaped}:0"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (bytes(104), None),
        (bytes(56) + b"hosted-engine".ljust(48, b"\0"), None),
        (MAGIC + bytes(52) + b"hosted-engine".ljust(48, b"\0"), "hosted-engine"),
        (MAGIC + bytes(52) + b"x" * 48 + b"beside it", "x" * 48),
        (MAGIC + bytes(52) + b"\xff".ljust(48, b"\0"), "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_name_of_a_lockspace(
    monkeypatch: pytest.MonkeyPatch, start: bytes, name: str | None
) -> None:
    monkeypatch.setattr(volume, "read", lambda path, length: start.ljust(length, b"\0"))

    assert sanlock.name(Path("/lockspace")) == name


@pytest.mark.parametrize(
    ("status", "held"),
    [
        ("daemon 1.node\np -1 helper\ns hosted-engine:1:/run/vdsm/a:0\n", True),
        ("s 6f1c3d0e:1:/dev/6f1c3d0e/ids:0\n", False),
        ("r hosted-engine:x:/a:0\n", False),
        ("", False),
    ],
)
def test_a_host_id_is_held_in_ha_s_own_lockspace(
    monkeypatch: pytest.MonkeyPatch, status: str, held: bool
) -> None:
    def run(*arguments: str, codes: tuple[int, ...]) -> subprocess.CompletedProcess[str]:
        assert arguments == ("sanlock", "client", "status")
        assert codes == (0, 1), "sanlock's daemon may be down"
        return subprocess.CompletedProcess(arguments, 0, status, "")

    monkeypatch.setattr(command, "run", run)

    assert sanlock.holds_host_id() is held
