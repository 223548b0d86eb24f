"""A backup's archive, and what the guest is asked for so that it is restored."""

from __future__ import annotations

import contextlib
import gzip
import tarfile
from typing import Any

import pytest
from backup_archive import archive
from hypothesis import given
from hypothesis import strategies as st
from ovirt_he.guest import answers, backup, files
from ovirt_he.pillar import settings as settings_
from salt.exceptions import CommandExecutionError

from .test_schema_properties import generated


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
def test_a_backup_is_read_by_whatever_it_is_compressed(tmp_path, mode):
    assert backup.examine(archive(tmp_path / "b", "4.5.6\n", mode)).version == "4.5.6"


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "w"])
@pytest.mark.parametrize("part", [0, 0.01, 0.1, 0.6, 0.85])
def test_a_backup_that_is_cut_off_is_refused(tmp_path, mode, part):
    path = archive(tmp_path / "b", mode=mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])

    with pytest.raises(CommandExecutionError, match=r"tar archive|damaged|lacks"):
        backup.examine(path)


# A gzip whose first block is broken: tarfile then looks for an attribute that it never set.
BROKEN_GZIP = bytes.fromhex(
    "1f8b086c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c005f77066b04ffd3d3d7d3770848acf0484d4c492d62a00930800006"
    "1c4c000000000000000000000000000000000000"
)


@generated
@given(
    st.sampled_from(["w:gz", "w:bz2", "w:xz", "w"]),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=40)), max_size=3),
    st.integers(0, 60000),
)
def test_any_bytes_are_a_backup_or_refused(tmp_path_factory, mode, changes, length):
    """Damaged anywhere, cut off anywhere: never another exception."""
    path = archive(tmp_path_factory.mktemp("backup") / "b", mode=mode)
    content = bytearray(path.read_bytes())
    for place, bytes_ in changes:
        content[place : place + len(bytes_)] = bytes_
    path.write_bytes(content[:length])

    with contextlib.suppress(CommandExecutionError):
        assert backup.examine(path).members >= backup.MEMBERS


@pytest.mark.parametrize(
    "content",
    [BROKEN_GZIP, b"\x1f\x8b", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"", b"\0" * 512],
)
def test_what_tarfile_itself_stumbles_over_is_refused(tmp_path, content):
    path = tmp_path / "b"
    path.write_bytes(content)

    with pytest.raises(CommandExecutionError, match=r"tar archive|damaged|lacks"):
        backup.examine(path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory_is_refused_at_once(tmp_path, kind):
    """tarfile reads a long name whole: 3 GiB of zeroes are 3 MB of gzip."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = kind, 3 * 2**30
    path = tmp_path / "b"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(2**20)))

    with pytest.raises(CommandExecutionError, match=r"tar archive: a header of 3221225472 bytes"):
        backup.examine(path)


def test_only_a_backup_of_the_file_server_is_fetched(tmp_path):
    path = tmp_path / "b"
    path.write_bytes(b"x")
    fetched: list[str] = []
    salt = {"cp.cache_file": lambda source: fetched.append(source) or str(path)}

    assert backup.local(str(path), salt) == path
    assert fetched == []
    assert backup.local("salt://backups/b", salt) == path
    assert fetched == ["salt://backups/b"]


def test_a_backup_without_its_database_is_refused(tmp_path):
    path = archive(tmp_path / "b", leave="./db/engine_backup.db")

    with pytest.raises(CommandExecutionError, match=r"lacks db/engine_backup\.db"):
        backup.examine(path)


@pytest.mark.parametrize(
    ("engine", "of_backup", "older"),
    [
        ("4.4.10", "4.5.0", True),
        ("4.10", "4.9", False),
        ("", "4.5", False),
        # Within a release the whole version counts, and a number is a number.
        ("4.5.1", "4.5.9", True),
        ("4.5.10", "4.5.9", False),
        ("4.5.9-1.el9", "4.5.9-1.el9", False),
        ("4.5.9-1.el9", "4.5.9-2.el8", True),
        ("4.5.9-1.el8", "4.5.9-1.el9", True),
        ("4.5.9", "4.5.9_master", True),
        ("4.5.9_master", "4.5.9.1", True),
        ("4.5.9.1", "4.5.9", False),
        # Of an appliance's package only the release is known.
        ("4.5-20240131153000.1.el9", "4.5.9", False),
        ("4.5.9", "4.5", False),
        # Older programs compare the release alone.
        ("4.4.6.1", "4.4.10.7", False),
        ("4.4.7", "4.4.10.7", True),
    ],
)
def test_which_engine_is_older_than_a_backup(engine, of_backup, older):
    """As engine-backup's own verifyVersion has it: else it refuses after gigabytes."""
    assert backup.is_older(engine, of_backup) is older


@pytest.mark.parametrize(
    ("engine", "of_backup", "what", "advice"),
    [
        ("4.5.4-1.el9", "4.5.5-1.el9", "4.5.4-1.el9 is older", "guest_before_setup"),
        ("4.5.4", "4.2.8", "doesn't restore", "4.3.10 or later"),
        ("4.5-20240131", "4.3.9-1.el7", "doesn't restore", "4.3.10 or later"),
    ],
)
def test_what_engine_backup_refuses_is_told_with_what_to_do(engine, of_backup, what, advice):
    told = backup.refusal(engine, of_backup)

    assert told
    assert what in told[0]
    assert advice in told[1]


@pytest.mark.parametrize(
    ("engine", "of_backup"),
    [("4.5.4", "4.3.10"), ("4.5.4", "4.4.10.7"), ("4.5.4", "4.5.4"), ("", "4.2"), ("5.0", "4.2.1")],
)
def test_what_it_takes_or_nobody_knows_is_no_refusal(engine, of_backup):
    assert backup.refusal(engine, of_backup) is None


def unit(**pillar: Any) -> list[str]:
    known = {"engine": {"fqdn": "engine.example.com"}, **pillar}
    settings = settings_.merge({"hosted_engine": known}, {"fqdn": "node1.example.com"})
    return [line for line in files.setup_unit(settings).splitlines() if line.startswith("Exec")]


def test_the_unit_waits_and_restores_only_where_it_must():
    plain = unit()
    assert [line.partition("=")[0] for line in plain] == [
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost",
    ]
    assert "mount -o ro LABEL=cidata" in plain[0], "the answers, right before they are read"
    hook, restore = unit(hooks={"guest_before_setup": ["true"]}), unit(restore={"backup": "/b"})

    assert files.GATE in hook[0]
    assert hook[1:] == plain
    assert files.GATE in restore[0]
    assert restore[1] == f"ExecStartPre=/bin/sh {files.RESTORE}"
    assert restore[2] == plain[0]


@pytest.mark.feature("renew_pki")
@pytest.mark.parametrize("renew", [True, False])
def test_engine_setup_is_told_what_becomes_of_the_certificates(renew):
    pillar = {"engine": {"fqdn": "e.example.com"}, "restore": {"backup": "/b", "renew_pki": renew}}
    known = settings_.merge({"hosted_engine": pillar}, {})
    secrets = dict.fromkeys(("admin_password", "database_password", "dwh_database_password"))

    text = answers.text(known, secrets)

    assert f"OVESETUP_PKI/renew=bool:{renew}\n" in text
    assert "QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM=str:yes\n" in text
    known["restore"]["backup"] = ""
    assert "PKI" not in answers.text(known, secrets)
