"""engine-setup and its sisters, as programs, below a root of their own instead of in the guest."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab"
APPLIANCE = LAB / "appliance"
PASSWORD = "s3cret=%: ü"
ANSWERS = {
    "OVESETUP_CONFIG/adminPassword": f"str:{PASSWORD}",
    "OVESETUP_CONFIG/fqdn": "str:engine1.lab.test",
    "OVESETUP_CONFIG/keycloakEnable": "bool:False",
    "OVESETUP_DB/password": "str:s3cret-db",
    "OVESETUP_DWH_DB/password": "str:s3cret-dwh",
    "OVESETUP_PKI/renew": "bool:False",
}
# What the guest's surroundings answer; systemctl writes down what it was asked.
SURROUNDINGS = {
    "getent": 'grep " $2$" "$APPLIANCE_ROOT/etc/hosts" | sed "s/ .*/ STREAM/"',
    "ip": """echo '[{"addr_info": [{"local": "192.168.222.10", "scope": "global"}]}]'""",
    "hostname": "echo engine1.lab.test",
    "systemctl": 'echo "$*" >> "$APPLIANCE_ROOT/systemctl"; [ "$1" != is-active ]',
}


class Guest:
    """A root with the tools' surroundings, and a way to run them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.programs = folder / "bin"
        for made in (self.root / "etc", self.root / "proc", self.programs):
            made.mkdir(parents=True)
        self.memory(16384)
        (self.root / "etc/hosts").write_text("192.168.222.10 engine1.lab.test\n")
        for name, script in SURROUNDINGS.items():
            self.program(name, script)
        self.answers = self.root / "answers"
        self.answer()

    def program(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def memory(self, mebibytes: int) -> None:
        (self.root / "proc/meminfo").write_text(
            f"MemTotal:  {mebibytes * 1024} kB\nMemFree: 1 kB\n"
        )

    def answer(self, **changes: str | None) -> None:
        """Write the answers, some of them otherwise or not at all."""
        wanted = {**ANSWERS, **{key.replace("__", "/"): value for key, value in changes.items()}}
        lines = [f"{key}={value}" for key, value in wanted.items() if value is not None]
        self.answers.write_text("\n".join(["[environment:default]", *lines, ""]))

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = APPLIANCE / "root/usr" / tool
        interpreter = [] if tool.endswith(".sh") else [sys.executable]
        environment = {
            "APPLIANCE_ROOT": str(self.root),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHONPATH": f"{APPLIANCE}:{LAB / 'engine'}",
            "LC_ALL": "C.UTF-8",
        }
        return subprocess.run(
            [*interpreter, str(path), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def setup(self, *before: Path) -> subprocess.CompletedProcess[str]:
        appended = [f"--config-append={path}" for path in (*before, self.answers)]
        return self.run("bin/engine-setup", "--accept-defaults", "--offline", *appended)

    @property
    def log(self) -> str:
        """All that engine-setup wrote to its logs."""
        files = (self.root / "var/log/ovirt-engine/setup").glob("ovirt-engine-setup-*.log")
        return "".join(file.read_text() for file in files)

    def files(self) -> dict[str, bytes]:
        """All files of PKI, state and configuration, by path."""
        folders = ("etc/pki", "etc/ovirt-engine", "var/lib/ovirt-engine")
        found = [path for folder in folders for path in (self.root / folder).rglob("*")]
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in [*found, self.root / "etc/ovirt-engine-setup.conf"]
            if path.is_file()
        }


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Guest:
    """A guest whose set-up is complete; tests mustn't change it but in its options."""
    guest = Guest(tmp_path_factory.mktemp("engine"))
    assert guest.setup().returncode == 0
    return guest


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(
        ["openssl", *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_setup_makes_a_ca_that_signed_the_certificates(engine: Guest) -> None:
    pki = engine.root / "etc/pki/ovirt-engine"
    for name, key in (("apache.cer", "apache.key.nopass"), ("engine.cer", "engine_id_rsa")):
        verified = openssl(
            *("verify", "-x509_strict", "-CAfile", pki / "ca.pem"),
            *("-verify_hostname", "engine1.lab.test", pki / "certs" / name),
        )
        assert verified.strip().endswith("OK")
        public = openssl("x509", "-in", pki / "certs" / name, "-noout", "-pubkey")
        assert public == openssl("pkey", "-in", pki / "keys" / key, "-pubout")
        assert (pki / "keys" / key).stat().st_mode & 0o777 == 0o600
    assert (pki / "private/ca.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.feature("answers")
def test_a_further_answer_has_its_effect(guest: Guest) -> None:
    guest.answer(OVESETUP_PKI__organization="str:Example, Inc. 50%/x")

    assert guest.setup().returncode == 0

    ca = guest.root / "etc/pki/ovirt-engine/ca.pem"
    subject = openssl("x509", "-in", ca, "-noout", "-subject", "-nameopt", "sep_multiline,sname")
    assert "O=Example, Inc. 50%/x" in subject


def test_setup_keeps_the_password_as_a_hash_only(engine: Guest) -> None:
    account = json.loads((engine.root / "var/lib/ovirt-engine/sso.json").read_text())
    salt, iterations = bytes.fromhex(account["salt"]), account["iterations"]
    digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, iterations).hex()
    assert (account["user"], account["hash"]) == ("admin@internal", digest)
    everything = [*engine.files().values(), engine.log.encode()]
    for secret in (PASSWORD, "s3cret"):
        assert not [content for content in everything if secret.encode() in content]


def test_setup_tells_what_it_configured(engine: Guest) -> None:
    for key, value in (("fqdn", "engine1.lab.test"), ("keycloakEnable", "False")):
        asked = engine.run(
            *("bin/otopi-config-query", "query", "-k", f"OVESETUP_CONFIG/{key}"),
            *("-f", str(engine.root / "etc/ovirt-engine-setup.conf")),
        )
        assert (asked.returncode, asked.stdout) == (0, f"{value}\n")


def test_setup_starts_the_engine_last(guest: Guest) -> None:
    done = guest.setup()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("Execution of setup completed successfully")
    assert (guest.root / "systemctl").read_text().splitlines() == [
        "stop ovirt-engine.service",
        "enable --quiet ovirt-engine.service",
        "start ovirt-engine.service",
    ]


def test_keycloak_is_the_default_and_changes_the_user(guest: Guest) -> None:
    guest.answer(OVESETUP_CONFIG__keycloakEnable=None)
    assert guest.setup().returncode == 0
    account = json.loads((guest.root / "var/lib/ovirt-engine/sso.json").read_text())
    assert account["user"] == "admin@ovirt@internalsso"


def test_second_setup_changes_nothing_and_takes_no_new_password(guest: Guest) -> None:
    assert guest.setup().returncode == 0
    before = guest.files()
    guest.answer(OVESETUP_CONFIG__adminPassword="str:another")
    assert guest.setup().returncode == 0
    assert guest.files() == before


def test_setup_that_was_cut_short_is_done_again(guest: Guest) -> None:
    ca = guest.root / "etc/pki/ovirt-engine/ca.pem"
    ca.parent.mkdir(parents=True)
    ca.touch()
    assert guest.setup().returncode == 0
    assert "OK" in openssl("verify", "-CAfile", ca, ca.parent / "certs/apache.cer")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("OVESETUP_CONFIG__adminPassword", None, "adminPassword is missing"),
        ("OVESETUP_CONFIG__adminPassword", "str:", "adminPassword is missing"),
        ("OVESETUP_CONFIG__adminPassword", "s3cret", "adminPassword': Missing variable type"),
        ("OVESETUP_CONFIG__adminPassword", "int:12", "adminPassword must be str, not int"),
        ("OVESETUP_CONFIG__adminPassword", "str:two\n lines", "Line break in a string"),
        ("OVESETUP_CONFIG__fqdn", "str:engine1", "not a fully qualified domain name"),
        ("OVESETUP_CONFIG__fqdn", "str:other.lab.test", "did not resolve into an IP address"),
        ("OVESETUP_CONFIG__keycloakEnable", "str:False", "must be bool, not str"),
        ("OVESETUP_CONFIG__keycloakEnable", "bool:perhaps", "Invalid boolean"),
        ("OVESETUP_DB__port", "str:5432", "OVESETUP_DB/port must be int, not str"),
        ("OVESETUP_DWH_CORE__enable", "str:True", "must be bool, not str"),
        ("OVESETUP_DB__password", "text:x", "Invalid variable type 'text'"),
        ("OVESETUP_CONFIG__sdkPort", "int:many", "Invalid integer"),
    ],
)
def test_bad_answer_fails_before_anything_is_changed(
    guest: Guest, key: str, value: str | None, reason: str
) -> None:
    guest.answer(**{key: value})
    done = guest.setup()
    assert done.returncode == 1
    assert reason in done.stdout
    assert "ERROR" in guest.log
    assert reason in guest.log
    assert "s3cret" not in done.stdout + done.stderr + guest.log
    assert not (guest.root / "etc/pki").exists()
    assert not (guest.root / "systemctl").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # otopi goes on without a file that isn't there.
        (None, "The following configuration files are missing: "),
        ("", "has no section 'environment:default'"),
        ("[other]\n", "has no section 'environment:default'"),
        ("password=str:s3cret\n", "MissingSectionHeaderError, line 1"),
        ("[environment:default]\njust s3cret\n", "ParsingError, line 2"),
        ("[environment:default]\nA/b=str:s3cret\nA/b=str:s3cret\n", "'A/b' is given twice"),
    ],
)
def test_file_that_holds_no_answers_is_refused(guest: Guest, text: str | None, reason: str) -> None:
    guest.answers.unlink()
    if text is not None:
        guest.answers.write_text(text)
    done = guest.setup()
    assert (done.returncode, done.stderr) == (1, "")
    assert reason in done.stdout
    assert "s3cret" not in done.stdout + guest.log


SHIPPED = APPLIANCE / "root/root/ovirt-engine-answers"


def test_less_memory_than_wanted_is_asked_about_and_nobody_answers(guest: Guest) -> None:
    """As the real one's memory check: below 4096 MB less a tenth, No by default."""
    guest.memory(3686)

    done = guest.setup()

    assert done.returncode == 1
    assert "Aborted by user" in done.stdout
    assert not (guest.root / "etc/pki").exists()


@pytest.mark.parametrize(
    ("mebibytes", "change"),
    [
        (3687, {}),
        (512, {"OVESETUP_SYSTEM__memCheckEnabled": "bool:False"}),
        (512, {"QUESTION/1/OVESETUP_MEMCHECK_ENABLED": "str:yes"}),
    ],
)
def test_an_answer_lets_setup_go_on_with_less_memory(
    guest: Guest, mebibytes: int, change: dict[str, str]
) -> None:
    guest.memory(mebibytes)
    guest.answer(**change)

    assert guest.setup().returncode == 0


def test_what_the_appliance_ships_is_appended_to_and_the_last_file_counts(guest: Guest) -> None:
    guest.memory(512)
    guest.answer(OVESETUP_CONFIG__sanWipeAfterDelete="bool:True")

    assert guest.setup(SHIPPED).returncode == 0
    assert "ENV OVESETUP_CONFIG/sanWipeAfterDelete=bool:'True'" in guest.log
    assert "ENV OVESETUP_CONFIG/updateFirewall=bool:'True'" in guest.log


def test_a_file_that_lacks_is_warned_of_and_left_out(guest: Guest) -> None:
    missing = guest.root / "root/ovirt-engine-answers"

    done = guest.setup(missing)

    assert done.returncode == 0
    assert f"The following configuration files are missing: {missing}." in done.stdout


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


def test_fqdn_that_leads_elsewhere_is_refused(guest: Guest) -> None:
    (guest.root / "etc/hosts").write_text("10.77.0.101 engine1.lab.test\n")
    done = guest.setup()
    assert done.returncode == 1
    assert "10.77.0.101, none of which can be mapped to non loopback devices" in done.stdout


def test_setup_asks_nothing(guest: Guest) -> None:
    done = guest.run("bin/engine-setup", f"--config-append={guest.answers}")
    assert done.returncode == 1
    assert "--accept-defaults is missing" in done.stdout


def test_engine_that_does_not_start_fails_the_setup(guest: Guest) -> None:
    guest.program("systemctl", '[ "$1" != start ] || { echo "Job failed" >&2; exit 1; }')
    done = guest.setup()
    assert done.returncode == 1
    assert "systemctl start ovirt-engine.service failed: Job failed" in done.stdout


def test_option_that_engine_config_set_is_in_the_database(engine: Guest) -> None:
    key = "OvfUpdateIntervalInMinutes"
    assert engine.run("bin/engine-config", "-s", f"{key}=1", "--cver=general").returncode == 0
    got = engine.run("bin/engine-config", "-g", key)
    assert (got.returncode, got.stdout) == (0, f"{key}: 1 version: general\n")
    sql = f"SELECT option_value FROM vdc_options WHERE option_name='{key}' AND version='general'"
    rows = engine.run("share/ovirt-engine/dbscripts/engine-psql.sh", "-t", "-A", "-c", sql)
    assert (rows.returncode, rows.stdout) == (0, "1\n")


@pytest.mark.parametrize("action", [("-g", "NoSuchOption"), ("-s", "NoSuchOption=1")])
def test_unknown_option_is_refused(engine: Guest, action: tuple[str, str]) -> None:
    done = engine.run("bin/engine-config", *action)
    assert done.returncode == 1
    assert "NoSuchOption" in done.stderr


def test_query_for_a_key_that_is_not_there_fails(guest: Guest) -> None:
    asked = guest.run("bin/otopi-config-query", "query", "-k", "A/b", "-f", str(guest.answers))
    assert (asked.returncode, asked.stdout) == (1, "")


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
