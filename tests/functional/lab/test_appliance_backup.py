"""engine-backup, and what engine-setup makes of an engine that was restored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .appliance_guest import APPLIANCE, SHIPPED, Guest, engine, guest, openssl

__all__ = ["engine", "guest"]


def backup(guest: Guest, mode: str, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    log = guest.root / "backup.log"
    return guest.run("bin/engine-backup", f"--mode={mode}", f"--file={file}", f"--log={log}", *more)


RESTORE = ("--provision-all-databases", "--restore-permissions")


def psql(guest: Guest, statement: str) -> str:
    tool = "share/ovirt-engine/dbscripts/engine-psql.sh"
    return guest.run(tool, "-t", "-A", "-c", statement).stdout


def sso(guest: Guest) -> str:
    return (guest.root / "var/lib/ovirt-engine/sso.json").read_text()


@pytest.mark.parametrize("compressor", ["gzip", "bzip2", "xz", "None"])
def test_backup_restores(engine: Guest, guest: Guest, tmp_path: Path, compressor: str) -> None:
    file = tmp_path / "backup"
    option = "OvfUpdateIntervalInMinutes"
    engine.run("bin/engine-config", "-s", f"{option}=7", "--cver=general")
    done = backup(engine, "backup", file, "--scope=all", f"--archive-compressor={compressor}")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert backup(guest, "restore", file, *RESTORE).returncode == 0
    restored = guest.files()
    database = "var/lib/ovirt-engine/state.json"
    assert {k: v for k, v in restored.items() if k != database} == {
        k: v for k, v in engine.files().items() if k not in (database, "var/lib/ovirt-engine/lock")
    } | {k: v for k, v in restored.items() if k.endswith("/lock")}
    asked = f"SELECT option_value FROM vdc_options WHERE option_name='{option}'"
    assert psql(guest, asked) == "7\n"
    key = guest.root / "etc/pki/ovirt-engine/keys/engine_id_rsa"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_laid_out_as_the_real_one(engine: Guest, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    assert backup(engine, "backup", file).returncode == 0
    listed = subprocess.check_output(["tar", "-tzf", file], text=True).split()
    assert {"./version", "./os_version", "./config", "./md5sum", "./files"} <= set(listed)
    assert "./db/engine_backup.db" in listed
    version = subprocess.check_output(["tar", "-xzOf", file, "./version"], text=True)
    assert version == "4.5.6\n"
    program = (APPLIANCE / "root/usr/bin/engine-backup").read_text()
    assert '\nPACKAGE_VERSION="4.5.6"\n' in program


def test_restore_refuses_a_running_engine_and_foreign_files(
    engine: Guest, guest: Guest, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert backup(guest, "backup", file).returncode == 1
    assert "does not exist" in backup(guest, "restore", file, *RESTORE).stderr
    file.write_bytes(b"no archive")
    assert "cannot open" in backup(guest, "restore", file, *RESTORE).stderr
    assert backup(engine, "backup", file).returncode == 0
    file.write_bytes(file.read_bytes()[:-2000])
    assert "cannot open" in backup(guest, "restore", file, *RESTORE).stderr
    assert "--provision-all-databases" in backup(guest, "restore", file).stderr
    assert "--restore-permissions" in backup(guest, "restore", file, RESTORE[0]).stderr
    guest.program("systemctl", "true")
    assert "Engine service is active" in backup(guest, "restore", file, *RESTORE).stderr
    assert not (guest.root / "etc/pki").exists()


def test_restore_refuses_what_another_release_wrote(
    engine: Guest, guest: Guest, tmp_path: Path
) -> None:
    file, folder = tmp_path / "backup.tar.gz", tmp_path / "unpacked"
    folder.mkdir()
    assert backup(engine, "backup", file).returncode == 0
    subprocess.check_call(["tar", "-C", folder, "-xzf", file])
    (folder / "version").write_text("4.6.0\n")
    subprocess.check_call(["tar", "-C", folder, "-czf", file, "."])
    assert "Checksum verification failed" in backup(guest, "restore", file, *RESTORE).stderr
    sums = "md5sum version files config os_version db/engine_backup.db > md5sum"
    subprocess.check_call(sums, shell=True, cwd=folder)
    subprocess.check_call(["tar", "-C", folder, "-czf", file, "."])
    said = backup(guest, "restore", file, *RESTORE).stderr
    assert (
        "created by version '4.6.0' and can not be restored using the installed version 4.5.6"
        in said
    )


def test_which_versions_engine_backup_takes() -> None:
    """Within a release the whole version counts, as with the real one."""
    expected = {
        "4.5.6": True, "4.5.5-1.el8": True, "4.5.7": False, "4.5.6-1.el9": False, "4.2.8": False,
        "4.5.6_master": False, "4.4.10.7": True, "4.3.11": True, "4.3.9": False,
    }  # fmt: skip
    program = (
        "import sys; from appliance_tools import backup as tool\n"
        "print([tool.can_be_restored(made, '4.5.6') for made in sys.argv[1:]])"
    )

    said = subprocess.check_output(
        [sys.executable, "-c", program, *expected], env={"PYTHONPATH": str(APPLIANCE)}, text=True
    )

    assert said.strip() == repr(list(expected.values()))


def test_a_restored_engine_keeps_its_password_and_renews_its_certificates(
    engine: Guest, guest: Guest, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    assert backup(engine, "backup", file).returncode == 0
    assert backup(guest, "restore", file, *RESTORE).returncode == 0
    pki = guest.root / "etc/pki/ovirt-engine"
    before = (pki / "certs/apache.cer").read_text()
    guest.answer(
        OVESETUP_CONFIG__adminPassword="str:another",
        OVESETUP_PKI__renew="bool:True",
        QUESTION__1__OVESETUP_SKIP_RENEW_PKI_CONFIRM="str:yes",
    )
    done = guest.setup()
    assert done.returncode == 0, done.stdout
    assert sso(guest) == sso(engine)
    assert (pki / "certs/apache.cer").read_text() != before
    assert (pki / "ca.pem").read_bytes() == (
        engine.root / "etc/pki/ovirt-engine/ca.pem"
    ).read_bytes()
    verify = ("verify", "-CAfile", pki / "ca.pem", "-verify_hostname", "engine1.lab.test")
    assert "OK" in openssl(*verify, pki / "certs/apache.cer")


@pytest.mark.parametrize(("level", "aborted"), [("3.6", True), ("4.7", False)])
def test_restored_snapshots_of_unknown_levels_are_asked_about(
    engine: Guest, tmp_path: Path, level: str, aborted: bool
) -> None:
    """The real one can't use them any more, and asks; the shipped file says Yes."""
    file, guest = tmp_path / "backup", Guest(tmp_path)
    assert backup(engine, "backup", file).returncode == 0
    assert backup(guest, "restore", file, *RESTORE).returncode == 0
    vms = {"1": {"name": "old", "snapshots": [{"level": level}]}}
    (guest.root / "var/lib/ovirt-engine/state.json").write_text(json.dumps({"vms": vms}))

    done = guest.setup()

    assert done.returncode == int(aborted), done.stdout
    assert ("Aborted by user" in done.stdout) is aborted
    assert guest.setup(SHIPPED).returncode == 0
