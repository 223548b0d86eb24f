"""engine-setup before its answers: which it takes, which it refuses, what it would ask."""

from __future__ import annotations

import pytest

from .appliance_guest import SHIPPED, Guest, engine, guest, openssl

__all__ = ["engine", "guest"]


@pytest.mark.feature("answers")
def test_a_further_answer_has_its_effect(guest: Guest) -> None:
    guest.answer(OVESETUP_PKI__organization="str:Example, Inc. 50%/x")

    assert guest.setup().returncode == 0

    ca = guest.root / "etc/pki/ovirt-engine/ca.pem"
    subject = openssl("x509", "-in", ca, "-noout", "-subject", "-nameopt", "sep_multiline,sname")
    assert "O=Example, Inc. 50%/x" in subject


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
