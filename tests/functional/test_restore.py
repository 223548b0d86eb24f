"""hosted_engine_restore: the backup's way into a guest, and fencing; SQL by the simulator's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from backup_archive import archive
from minion import ROOT
from ovirt_he.bootstrap import image
from ovirt_he.guest import files
from ovirt_he.host import identity

from functional.bootstrap_host import FQDN, Host
from functional.engine_process import PACKAGE
from functional.ssh_guest import PSQL, Guest

pytestmark = pytest.mark.usefixtures("hypervisor")
SENT, RESTORED = "hosted_engine_restore.sent", "hosted_engine_restore.fencing_restored"
PROGRAM = ROOT / "tests/lab/appliance/root/usr/bin/engine-backup"
FOLDER = files.FOLDER


class Restoring(Guest):
    """A guest at its gate; its /var/lib/hosted-engine is a folder here, its database a state."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(host, monkeypatch)
        self.folder = host.folder / "guest"
        self.folder.mkdir()
        self.database = host.folder / "database"
        self.backup = archive(host.folder / "engine.backup")
        self.setup = "open"
        self.put(state="running", setup="open")
        self.answers = {
            "sh -c": self.shell,
            "test -e": self.shell,
            "sha256sum": self.shell,
            "install": self.shell,
            "cat": self.shell,
            "sed": self.shell,
            PSQL: self.sql,
        }
        host.pillar["restore"] = {"backup": str(self.backup)}
        host.with_pillar()
        modules = host.folder / "modules" / "hosted_engine_gate.py"
        modules.write_text(
            f"import pathlib\nFILE = pathlib.Path({str(self.folder / 'gate')!r})\n"
            "def get():\n    return {'gate': FILE.read_text() if FILE.exists() else 'waiting'}\n"
        )
        host.with_pillar()

    def shell(self, words: list[str], stdin: object) -> tuple[int, str]:
        local = [word.replace(FOLDER, str(self.folder)) for word in words]
        local = [str(PROGRAM) if word == "/usr/bin/engine-backup" else word for word in local]
        ran = subprocess.run(
            local,
            **({"input": stdin.encode()} if isinstance(stdin, str) else {"stdin": stdin}),  # type: ignore[call-overload]
            capture_output=True,
            check=False,
        )
        return ran.returncode, (ran.stdout + ran.stderr).decode()

    def sql(self, words: list[str], _: object) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "engine_simulator.sql", "--state", self.database, *words[1:]],
            env={"PYTHONPATH": str(PACKAGE)},
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def guest(host, monkeypatch, tmp_path) -> Restoring:
    (tmp_path / "vdsm.id").write_text("4c4c4544-0000-4000-8000-000000000001\n")
    monkeypatch.setattr(identity, "VDSM_ID", tmp_path / "vdsm.id")
    return Restoring(host, monkeypatch)


@pytest.mark.feature("restore")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_the_backup_is_sent_whole_and_for_root_alone(guest, test):
    ret = guest.host.minion.state(SENT, str(guest.backup), test=test)

    there = guest.folder / "backup"
    if test:
        assert (ret["result"], there.exists()) == (None, False)
        return
    assert ret["result"] is True, ret
    assert there.read_bytes() == guest.backup.read_bytes()
    script = guest.folder / "restore"
    assert [path.stat().st_mode & 0o777 for path in (there, script)] == [0o600, 0o600]
    assert "vds_unique_id)=upper('\"'\"'4c4c4544" in script.read_text(), "quoted for SQL and sh"
    assert guest.host.minion.state(SENT, str(guest.backup))["changes"] == {}


def test_a_backup_that_was_cut_off_is_sent_again(guest):
    guest.host.minion("hosted_engine_restore.send")
    (guest.folder / "backup").write_bytes(b"half")

    ret = guest.host.minion.state(SENT, str(guest.backup))

    assert ret["result"] is True
    assert ret["changes"]["backup"]["old"].startswith("another")
    assert (guest.folder / "backup").read_bytes() == guest.backup.read_bytes()


@pytest.mark.parametrize("version", ["4.7.0", "4.5.7", "4.5.6-1.el9"])
def test_an_appliance_that_is_older_is_refused_with_both_versions(guest, version):
    """Of the same release too: engine-backup itself would refuse it once all was sent."""
    archive(guest.backup, version)

    ret = guest.host.minion.state(SENT, str(guest.backup))

    assert ret["result"] is False
    assert f"of version {version}, the appliance 4.5.6 is older" in ret["comment"]
    assert not (guest.folder / "backup").exists()


def test_once_the_gate_is_open_nothing_is_sent(guest):
    guest.host.minion("hosted_engine_restore.send")
    (guest.folder / "gate").write_text("open")
    (guest.folder / "backup").unlink()
    guest.backup.unlink()

    assert guest.host.minion.state(SENT, str(guest.backup))["changes"] == {}


def test_an_engine_that_was_set_up_without_the_backup_is_told(guest):
    (guest.folder / "gate").write_text("open")

    ret = guest.host.minion.state(SENT, str(guest.backup))

    assert ret["result"] is False
    assert "set up without a backup" in ret["comment"]


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_guest_that_boots_isnt_asked(guest, test):
    (guest.folder / "gate").write_text("unknown: the guest's ssh doesn't answer")

    ret = guest.host.minion.state(SENT, str(guest.backup), test=test)

    assert ret["result"] is (None if test else False)
    assert "ssh doesn't answer" in ret["comment"]


@pytest.mark.feature("restore")
@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_fencing_is_restored(guest, test):
    guest.put(state="running", setup="complete")
    (guest.folder / "fencing-before").write_text("271\n")

    ret = guest.host.minion.state(RESTORED, FQDN, test=test)

    asked = "SELECT option_value FROM vdc_options WHERE option_name='DisableFenceAtStartupInSec'"
    seen = guest.sql([PSQL, "-t", "-A", "-c", asked], None)[1].strip()
    assert (ret["result"], seen) == ((None, "300") if test else (True, "271"))
    assert ret["changes"]["seconds"] == {"old": "300", "new": "271"}
    if not test:
        assert guest.host.minion.state(RESTORED, FQDN)["changes"] == {}


@pytest.mark.parametrize("vm", [{"setup": "open"}, {"state": "shutoff", "setup": "complete"}])
def test_fencing_isnt_asked_for_before_the_backup_is_restored(guest, vm):
    guest.put(**{"state": "running"} | vm)

    assert guest.host.minion.state(RESTORED, FQDN, test=True)["result"] is None
    assert guest.host.minion.state(RESTORED, FQDN)["result"] is False


def test_a_number_that_is_none_is_not_restored(guest):
    guest.put(state="running", setup="complete")
    (guest.folder / "fencing-before").write_text("'; DROP TABLE vms; --\n")

    ret = guest.host.minion.state(RESTORED, FQDN)

    assert ret["result"] is False
    assert "instead of a number of seconds" in ret["comment"]


def test_a_deployed_host_is_left_alone(guest):
    guest.host.deploy()

    for verb in ("send", "restore_fencing"):
        with pytest.raises(Exception, match="deployed hosted engine"):
            guest.host.minion(f"hosted_engine_restore.{verb}")

    assert not (guest.folder / "backup").exists()


def test_a_machine_that_nothing_names_has_no_id(guest, tmp_path):
    (tmp_path / "vdsm.id").unlink()
    guest.host.answers[("dmidecode",)] = "Not Settable\n"

    guest.host.minion("hosted_engine_restore.send")

    assert "vds_unique_id" not in (guest.folder / "restore").read_text()


def test_the_appliances_version_is_read_from_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(image, "PACKAGES", tmp_path)
    assert image.installed_version() == ""
    Path(tmp_path / "10-appliance-el9.conf").write_text("version = 4.5-1\npath=/x\n")
    assert image.installed_version() == "4.5-1"
