"""The script that restores a backup in the guest, run by sh with tools that stand in."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from ovirt_he.guest import restore_script

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
