"""Preflight's checks of the bootstrap VM's directory, on real directories and mount tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ovirt_he.bootstrap import vm_files
from ovirt_he.core import records
from ovirt_he.host import mounts
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import directory


def found(lab, check: preflight.Check, path: Any) -> list[str]:
    lab.pillar["hosted_engine"]["bootstrap"] = {"directory": str(path)}
    problems = lab.problems(check)
    assert all(one["key"] == "hosted_engine:bootstrap:directory" for one in problems)
    return [one["problem"] for one in problems]


@pytest.fixture
def open_path(tmp_path) -> Path:
    """A directory that is closed; pytest's own are, too, so the tests look below it only."""
    made = tmp_path / "open"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture
def below(monkeypatch, tmp_path):
    """As if the test's directory stood at the root of the file system."""
    above = directory._above
    outside = set(tmp_path.parents) | {tmp_path}
    monkeypatch.setattr(
        directory, "_above", lambda path: [one for one in above(path) if one not in outside]
    )


@pytest.mark.parametrize(
    "path",
    ["/etc", "/srv", "/tmp", "/var", "/var/", "/root", "/home", "/var/lib", "/etc/../srv",
     "/mnt", "/opt", "/var/lib/libvirt/images"],
)  # fmt: skip
def test_a_directory_of_the_system_s_is_never_taken(lab, path):
    (told,) = found(lab, directory.bootstrap_directory_is_ours, path)

    assert "its owner and mode would be changed" in told


def test_nor_is_a_user_s_home(lab, open_path, monkeypatch):
    class User(NamedTuple):
        pw_dir: str

    monkeypatch.setattr(directory.pwd, "getpwall", lambda: [User(str(open_path))])

    assert found(lab, directory.bootstrap_directory_is_ours, open_path)
    assert found(lab, directory.bootstrap_directory_is_ours, open_path / "he") == []


def test_nor_is_that_of_the_records(lab, open_path, monkeypatch):
    """At first it's empty; later a run would find its own records there."""
    monkeypatch.setattr(records, "DIRECTORY", open_path)

    assert found(lab, directory.bootstrap_directory_is_ours, open_path)


def test_nor_is_one_that_a_link_leads_to(lab, open_path):
    (open_path / "link").symlink_to("/srv")

    assert found(lab, directory.bootstrap_directory_is_ours, open_path / "link")


def test_what_is_missing_empty_or_ours_is_taken(lab, open_path):
    check = directory.bootstrap_directory_is_ours
    made = open_path / "he"
    assert found(lab, check, made) == []

    made.mkdir()
    (made / "lost+found").mkdir()
    assert found(lab, check, made) == []

    seen = vm_files.Layout(made)
    for name in (seen.appliance, seen.disk, seen.seed, seen.console, seen.known_hosts):
        name.touch()
    for name in (".disk.qcow2.abcd", "console.log.0", "host_key", "host_key.pub"):
        (made / name).touch()
    assert found(lab, check, made) == []


def test_what_holds_anything_else_is_not(lab, open_path):
    for name in ("appliance.qcow2", "b", "a", "d", "c"):
        (open_path / name).touch()

    (told,) = found(lab, directory.bootstrap_directory_is_ours, open_path)

    assert told.endswith("holds what isn't this deployment's: a, b, c, …")
    assert (open_path / "a").exists()


def test_a_file_is_no_directory(lab, open_path):
    (open_path / "he").touch()

    assert (
        "isn't a directory"
        in found(lab, directory.bootstrap_directory_is_ours, open_path / "he")[0]
    )


@pytest.mark.usefixtures("below")
def test_the_first_closed_directory_above_is_named(lab, open_path):
    check = directory.bootstrap_directory_is_passable
    path = open_path / "home" / "admin" / "he"
    assert found(lab, check, path) == []

    path.mkdir(parents=True)
    path.chmod(0o700)
    assert found(lab, check, path) == [], "its own mode is the state's to set"

    path.parent.chmod(0o750)
    path.parent.parent.chmod(0o700)
    (told,) = found(lab, check, path)
    assert told.startswith(f"{open_path}/home (0700) isn't passable for others")


@pytest.mark.usefixtures("below")
def test_what_a_link_leads_through_counts(lab, open_path):
    closed = open_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    (open_path / "link").symlink_to(closed / "data")

    for path in (open_path / "link", open_path / "link" / "he"):
        (told,) = found(lab, directory.bootstrap_directory_is_passable, path)
        assert told.startswith(f"{closed} (0700)")


def test_root_s_home_is_closed(lab, tmp_path):
    """pytest's own directories are, like /root on EL."""
    (told,) = found(lab, directory.bootstrap_directory_is_passable, tmp_path / "he")

    assert "(0700) isn't passable for others" in told


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/var/lib/hosted-engine/bootstrap", ""),
        ("/data/he", "on a server (nfs4)"),
        ("/data/local/he", ""),
        ("/database/he", ""),
        ("/gluster/he", "on a server (fuse.glusterfs)"),
        ("/run/he", "in memory (tmpfs)"),
    ],
)
def test_it_lies_on_a_disk_of_this_host(lab, tmp_path, monkeypatch, path, words):
    table = tmp_path / "mounts"
    table.write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/data /data nfs4 rw 0 0\n/dev/sdb /data/local xfs rw 0 0\n"
        "nas:/vol /gluster fuse.glusterfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n"
    )
    monkeypatch.setattr(mounts, "TABLE", table)
    monkeypatch.setattr(directory.os.path, "realpath", str)

    problems = found(lab, directory.bootstrap_directory_is_local, path)

    assert len(problems) == bool(words)
    assert words in "".join(problems)


def test_of_several_mounts_in_a_place_the_uppermost_counts_whatever_its_name(tmp_path, monkeypatch):
    table = tmp_path / "mounts"
    table.write_text("/dev/sdc /my\\040data ext4 rw 0 0\nnas:/x /my\\040data nfs rw 0 0\n")
    monkeypatch.setattr(mounts, "TABLE", table)

    assert mounts.types() == {"/my data": "nfs"}
