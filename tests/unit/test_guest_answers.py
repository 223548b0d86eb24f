"""engine-setup's answers: read back by ConfigParser, as otopi reads them; what is refused."""

from __future__ import annotations

import configparser
from typing import Any

import pytest
from ovirt_he.core.text import Secret
from ovirt_he.guest import answers as guest_answers
from ovirt_he.pillar import settings as settings_
from salt.exceptions import SaltInvocationError

NONE = dict.fromkeys(
    ("admin_password", "root_password", "database_password", "dwh_database_password")
)
PROXY = "OVESETUP_CONFIG/websocketProxyConfig"
KEYCLOAK_DB = "OVESETUP_KEYCLOAK_DB/password"


def pillar(answers: dict[str, str] | None = None, hidden: dict[str, str] | None = None) -> Any:
    return {
        "hosted_engine": {
            "engine": {"fqdn": "engine.example.com", "answers": answers or {}},
            "storage": {"address": "nas.example.com", "path": "/engine"},
            "secrets": {"admin_password": "hunter2", "answers": hidden or {}},
        }
    }


def text(*answers: dict[str, str]) -> str:
    given = pillar(*answers)
    return guest_answers.text(
        settings_.load(given, {"fqdn": "node1.example.com"}),
        NONE | {"admin_password": Secret("hunter2")},
        settings_.secret_answers(given),
    )


def read(*answers: dict[str, str]) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text(*answers))
    return dict(parser.items("environment:default"))


@pytest.mark.feature("answers")
@pytest.mark.parametrize(
    "value",
    ["bool:True", "int:-5", "none:None", "str:", "str: a=b:c; 50% %(x)s", "multi-str:a", "str:ü"],
)
@pytest.mark.parametrize("secret", [False, True], ids=["plain", "secret"])
def test_a_further_answer_reaches_engine_setup_as_it_was_given(value, secret):
    given = {KEYCLOAK_DB if secret else PROXY: value}

    told = read({}, given) if secret else read(given)

    assert given.items() <= told.items()
    assert told["OVESETUP_CONFIG/adminPassword"] == "str:hunter2"


@pytest.mark.feature("answers")
@pytest.mark.parametrize("name", sorted(guest_answers.DECIDED))
@pytest.mark.parametrize("secret", [False, True], ids=["plain", "secret"])
def test_an_answer_that_a_key_decides_is_refused_with_that_key(name, secret):
    given = {name: "str:hunter3"}

    with pytest.raises(SaltInvocationError, match=guest_answers.DECIDED[name]) as caught:
        text({}, given) if secret else text(given)

    assert "hunter3" not in str(caught.value)


@pytest.mark.feature("answers")
@pytest.mark.parametrize(
    "name",
    [KEYCLOAK_DB, "OVESETUP_X/adminPasswd", "OVESETUP_X/ssoToken", "OVESETUP_X/clientSecret"],
)
def test_what_looks_like_a_secret_belongs_below_secrets(name):
    with pytest.raises(SaltInvocationError, match="below secrets:answers") as caught:
        text({name: "str:hunter3"})

    assert "hunter3" not in str(caught.value)
    assert read({}, {name: "str:hunter3"})[name] == "str:hunter3"


def test_a_switch_with_such_a_name_is_no_secret():
    assert read({"OVESETUP_X/passwordCheck": "bool:False"})


def test_all_faults_of_the_answers_are_told_at_once():
    faulty = {PROXY: "bool:True", "OVESETUP_CONFIG/fqdn": "str:x", "OVESETUP_X/end": "str:x "}

    with pytest.raises(SaltInvocationError) as caught:
        text(faulty, {PROXY: "bool:False"})

    told = str(caught.value)
    assert f"secrets:answers:{PROXY}: is below engine:answers too" in told
    assert "engine:answers:OVESETUP_CONFIG/fqdn" in told
    assert "engine:answers:OVESETUP_X/end" in told


@pytest.mark.parametrize("name", ["fqdn", "x/y", "OVESETUP_X/a=b", "OVESETUP_X/a b"])
def test_a_name_that_otopi_does_not_know_as_one_is_told_by_the_schema(name):
    with pytest.raises(SaltInvocationError, match="engine:answers"):
        text({name: "str:x"})


@pytest.mark.parametrize("value", ["True", "bool:yes", "int:x", "list:a", "str"])
def test_a_value_without_its_type_is_told_by_the_schema(value):
    with pytest.raises(SaltInvocationError, match="engine:answers"):
        text({PROXY: value})


@pytest.mark.parametrize(("memory", "asked"), [(512, True), (5119, True), (5120, False)])
def test_less_memory_than_engine_setup_wants_is_the_pillars_wish(memory, asked):
    """The question would end it; an answer of the pillar counts more."""
    given = pillar()
    given["hosted_engine"]["vm"] = {"memory_mib": memory}
    settings = settings_.load(given, {"fqdn": "node1.example.com"})

    told = guest_answers.text(settings, NONE)
    settings["engine"]["answers"]["OVESETUP_SYSTEM/memCheckEnabled"] = "bool:True"
    other = guest_answers.text(settings, NONE)

    assert ("OVESETUP_SYSTEM/memCheckEnabled=bool:False\n" in told) is asked
    assert "OVESETUP_SYSTEM/memCheckEnabled=bool:True\n" in other


def test_a_restore_answers_what_is_asked_about_old_snapshots():
    given = pillar()
    given["hosted_engine"]["restore"] = {"backup": "/srv/b"}
    question = "QUESTION/1/OVESETUP_IGNORE_SNAPSHOTS_WITH_OLD_COMPAT_LEVEL"

    told = guest_answers.text(settings_.load(given, {"fqdn": "node1.example.com"}), NONE)

    assert f"{question}=str:yes\n" in told
    assert question not in text()


@pytest.mark.parametrize("value", ["str:http://he:hunter3@proxy:3128", "str:x password=hunter3"])
def test_a_secret_within_an_answer_is_refused_where_anyone_reads_it(value):
    given = pillar({PROXY: value})
    settings = settings_.load(given, {"fqdn": "node1.example.com"})

    (fault,) = guest_answers.faults(settings, NONE, {})

    assert fault.what == "looks like a secret"
    assert "hunter3" not in repr(fault)
