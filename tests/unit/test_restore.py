"""A backup's archive, what preflight says of it, and the script that restores it, run by sh."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from backup_archive import archive
from hypothesis import given
from hypothesis import strategies as st
from ovirt_he.bootstrap import image
from ovirt_he.core import records
from ovirt_he.guest import answers, backup, files, restore_script
from ovirt_he.host import stage
from ovirt_he.pillar import settings as settings_
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import engine, hooks
from ovirt_he.preflight import restore as preflight_restore
from salt.exceptions import CommandExecutionError
from salt.modules import cp

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
    "content", [BROKEN_GZIP, b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"", b"\0" * 512]
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


class Site:
    """A host whose pillar asks for a restore; ``served``: what the file server has."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.backup = archive(folder / "engine.backup")
        self.pillar: dict[str, Any] = {
            "engine": {"fqdn": "engine.example.com"},
            "restore": {"backup": str(self.backup)},
            "bootstrap": {"directory": str(folder / "bootstrap")},
        }
        self.served: dict[str, str] = {}
        monkeypatch.setattr(records, "DIRECTORY", folder / "records")
        monkeypatch.setattr(image, "PACKAGES", folder)
        monkeypatch.setattr(stage, "RUNNING", folder / "run")
        (folder / "run").mkdir()

    def problems(self, *checks: preflight.Check) -> list[str]:
        run = {
            "cp.cache_file": Mock(spec=cp.cache_file, side_effect=lambda p: self.served.get(p, "")),
            "cp.hash_file": Mock(spec=cp.hash_file, side_effect=lambda p: self.served.get(p, {})),
            "cp.list_states": Mock(spec=cp.list_states, return_value=list(self.served)),
        }
        settings = settings_.merge({"hosted_engine": self.pillar}, {"fqdn": "node1.example.com"})
        found = preflight.found(list(checks), preflight.Host(settings, {}, run))
        return [f"{one['key']}: {one['problem']}" for one in found]


@pytest.fixture
def site(tmp_path, monkeypatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_a_backup_that_fits_is_no_problem(site):
    (site.folder / "10-appliance.conf").write_text("version = 4.5-20230101\npath=/x\n")
    assert site.problems(*preflight_restore.CHECKS) == []

    site.served["salt://engine.backup"] = str(site.backup)
    site.pillar["restore"] = {"backup": "salt://engine.backup", "renew_pki": True}
    assert site.problems(*preflight_restore.CHECKS) == []


def test_an_appliance_that_is_older_is_told_with_both_versions(site):
    (site.folder / "10-appliance.conf").write_text("version=4.4-20220101.1\n")

    (told,) = site.problems(*preflight_restore.CHECKS)

    assert "of version 4.5.6, the appliance 4.4-20220101.1 is older" in told
    site.pillar["appliance"] = {"source": "/srv/own.ova"}
    assert site.problems(*preflight_restore.CHECKS) == [], "that one tells its version in the guest"


@pytest.mark.parametrize(
    ("restore", "what"),
    [
        ({"backup": "/no/such.backup"}, "there is no file /no/such.backup"),
        ({"backup": "salt://none"}, "there is no file salt://none"),
        ({"backup": "/dev"}, "there is no file /dev"),
        ({"backup": __file__}, "isn't a whole tar archive"),
        ({"renew_pki": True}, "there is no backup whose certificates"),
    ],
)
def test_a_restore_that_cannot_be_is_told_before(site, restore, what):
    site.pillar["restore"] = restore

    (told,) = site.problems(*preflight_restore.CHECKS, engine.renewal_has_a_backup)

    assert what in told


def test_a_backup_without_a_version_is_told(site):
    archive(site.backup, "unknown")

    (told,) = site.problems(preflight_restore.backup_can_be_restored)

    assert "'unknown'" in told


def test_vms_that_run_here_are_told(site):
    for name in ("web", "HostedEngineLocal", "driver"):
        (site.folder / "run" / f"{name}.pid").write_text(str(os.getpid()))
        if name != "driver":
            (site.folder / "run" / f"{name}.xml").touch()

    (told,) = site.problems(*preflight_restore.CHECKS)

    assert "VMs run on this host: web." in told
    site.pillar["restore"] = {}
    assert site.problems(*preflight_restore.CHECKS) == []


def test_hooks_that_nobody_serves_are_told(site):
    site.served = {"salt://site/a.sh": "sum", "site.a": "x"}
    site.pillar["hooks"] = {
        "guest_before_setup": ["salt://site/a.sh", "salt://site/b.sh", "dnf -y install x"],
        "host_after_host": ["site.a", "site.b"],
    }

    told = site.problems(*hooks.CHECKS)

    assert told == [
        "hosted_engine:hooks:guest_before_setup: the file server has no salt://site/b.sh",
        "hosted_engine:hooks:host_after_host: the file server has no site.b",
    ]


def unit(**pillar: Any) -> list[str]:
    known = {"engine": {"fqdn": "engine.example.com"}, **pillar}
    settings = settings_.merge({"hosted_engine": known}, {"fqdn": "node1.example.com"})
    return [line for line in files.setup_unit(settings).splitlines() if line.startswith("Exec")]


def test_the_unit_waits_and_restores_only_where_it_must():
    assert [line.partition("=")[0] for line in unit()] == ["ExecStart", "ExecStartPost"]
    hook, restore = unit(hooks={"guest_before_setup": ["true"]}), unit(restore={"backup": "/b"})

    assert files.GATE in hook[0]
    assert hook[1].startswith("ExecStart=/usr/bin/engine-setup")
    assert files.GATE in restore[0]
    assert restore[1] == f"ExecStartPre=/bin/sh {files.RESTORE}"


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


TOOL = """#!/bin/sh
# As psql answers: counts of what is left, the option's value; statements are written down.
for statement; do :; done
echo "$statement" >> {root}/statements
case "$statement" in
    *count*) [ -e {root}/left ] && echo 1 || echo 0 ;;
    UPDATE*vdc_options*) echo "$statement" | cut -d "'" -f 2 > {root}/option ;;
    *vdc_options*) cat {root}/option ;;
    *) echo "UPDATE 1" ;;
esac
"""


class Guest:
    """A tree in which the script runs, with an engine-backup and an engine-psql.sh of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "bin").mkdir()
        (root / "option").write_text("271\n")
        for path in ("var/lib/hosted-engine/backup", "etc/dnf/plugins/versionlock.list"):
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text("something")
        psql = root / "usr/share/ovirt-engine/dbscripts/engine-psql.sh"
        psql.parent.mkdir(parents=True)
        psql.write_text(TOOL.format(root=root))
        psql.chmod(0o755)
        self.program("engine-backup", f'echo "$*" >> {root}/statements')

    def program(self, name: str, text: str) -> None:
        (self.root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.root / "bin" / name).chmod(0o755)

    def run(self, host: str = "node1", unique_id: str = "") -> subprocess.CompletedProcess[str]:
        text = restore_script.text(host, unique_id, "hosted_storage", "20230101")
        text = re.sub(r"(?<![\w./])/(?=(etc|var|usr)/)", f"{self.root}/", text)
        return subprocess.run(
            ["sh", "-c", text],
            env={"PATH": f"{self.root}/bin:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def statements(self) -> list[str]:
        return (self.root / "statements").read_text().splitlines()


@pytest.fixture
def guest(tmp_path) -> Guest:
    return Guest(tmp_path)


def test_a_living_host_of_the_same_name_stops_it(guest):
    done = guest.run("node1", "4C4C4544-0000-4000-8000-000000000001")
    assert done.returncode == 0, done.stderr
    (count,) = [line for line in guest.statements if "<>upper" in line]
    assert count == (
        "SELECT count(*) FROM vms WHERE run_on_vds IN (SELECT vds_id FROM vds WHERE "
        "vds_name='node1' AND "
        "upper(vds_unique_id)<>upper('4C4C4544-0000-4000-8000-000000000001')) "
        "AND origin NOT IN (4, 5, 6)"
    )
    assert guest.statements.index(count) == 1, "before anything is changed"
    (guest.root / "left").touch()
    done = guest.run("node1", "4C4C4544-0000-4000-8000-000000000001")
    assert done.returncode == 1
    assert "another machine of this host's name" in done.stderr
    assert "<>upper" in guest.statements[-1], "nothing was changed"


def test_the_backup_is_restored_first_and_the_old_site_taken_out(guest):
    done = guest.run("no'de", "4C4C4544-0000-4000-8000-000000000001")

    assert done.returncode == 0, done.stderr
    first, *statements = guest.statements
    assert "--mode=restore" in first
    assert "--provision-all-databases --restore-permissions" in first
    here = (
        "(SELECT vds_id FROM vds WHERE vds_name='no''de' OR "
        "upper(vds_unique_id)=upper('4C4C4544-0000-4000-8000-000000000001'))"
    )
    assert (
        f"UPDATE vm_dynamic SET run_on_vds=NULL, status=0 WHERE run_on_vds IN {here}" in statements
    )
    assert f"SELECT deletevds(vds_id) FROM {here} t" in statements
    assert any("deletevm" in statement for statement in statements)
    assert any("'hosted_storage_old_20230101'" in statement for statement in statements)
    assert (guest.root / "option").read_text() == "86400\n"
    assert (guest.root / "var/lib/hosted-engine/fencing-before").read_text() == "271\n"
    assert (guest.root / "etc/dnf/plugins/versionlock.list").read_text() == ""
    assert not (guest.root / "var/lib/hosted-engine/backup").exists()


def test_a_restore_that_fails_says_why_and_changes_no_database(guest):
    guest.program(
        "engine-backup", f"echo 'FATAL: no such' > {guest.root}/{restore_script.LOG}; exit 1"
    )

    done = guest.run()

    assert done.returncode == 1
    assert "FATAL: no such" in done.stderr
    assert not (guest.root / "statements").exists()


def test_what_is_left_in_the_database_is_a_failure(guest):
    (guest.root / "left").touch()

    done = guest.run()

    assert done.returncode == 1
    assert "The restored database still has: vms WHERE origin=6" in done.stderr


def test_fencing_that_cannot_be_held_back_is_a_failure(guest):
    guest.program("unused", "true")
    psql = guest.root / "usr/share/ovirt-engine/dbscripts/engine-psql.sh"
    psql.write_text(psql.read_text().replace("UPDATE*vdc_options*)", "UPDATE*none*)"))

    done = guest.run()

    assert done.returncode == 1
    assert "Fencing can't be held back" in done.stderr
