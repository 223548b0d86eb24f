"""engine-setup, engine-config and the query, as programs: what they make of a guest."""

from __future__ import annotations

import hashlib
import json

import pytest

from .appliance_guest import PASSWORD, Guest, engine, guest, openssl

__all__ = ["engine", "guest"]


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
