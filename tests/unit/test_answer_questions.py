"""Answers to the dialog's questions: whose they are, and which of several counts."""

from __future__ import annotations

import pytest
from ovirt_he.pillar.keys import DEPLOY
from pillar_from_answers import answer_file, answers, questions
from pillar_from_answers.answers import TABLE
from pillar_from_answers.convert import Converted
from pillar_from_answers.reasons import ANSWERS


def told(*lines: str) -> Converted:
    text = "[environment:default]\n" + "\n".join(lines)
    return answers.read(answer_file.parse(text).answers)


def test_passwords_of_the_dialog_are_the_pillars_secrets():
    """They stand nowhere else: the file is hosted-engine's, not engine-setup's."""
    found = told(
        "QUESTION/1/ENGINE_ADMIN_PASSWORD=str:admin-one",
        "QUESTION/2/ENGINE_ADMIN_PASSWORD=str:admin-one",
        "QUESTION/1/CI_ROOT_PASSWORD=str:'root'",
        "QUESTION/2/CI_ROOT_PASSWORD=str:'root'",
        "QUESTION/1/OVEHOSTED_STORAGE_ISCSI_PASSWORD=str:find",
        "OVEHOSTED_STORAGE/domainType=str:iscsi",
        "QUESTION/2/OVEHOSTED_STORAGE_ISCSI_PASSWORD=str:session",
    )

    assert found.pillar["secrets"] == {
        "admin_password": "admin-one",
        "root_password": "'root'",
        "iscsi_discovery_password": "find",
        "iscsi_password": "session",
    }
    assert "engine" not in found.pillar
    assert (found.unknown, found.problems) == ([], [])
    assert set(found.left_out.values()) == {questions.SAME}


def test_what_was_answered_says_it_where_no_answer_does():
    found = told(
        "QUESTION/1/ovehosted_bridge_if=str:bond0.30",
        "QUESTION/1/CI_DNS=str:192.0.2.5,192.0.2.6",
        "QUESTION/1/DIALOGOVEHOSTED_NOTIF/smtpServer=str:mx.example.com",
        "QUESTION/1/OVEHOSTED_STORAGE/iSCSIPortalUser=str:he",
        "QUESTION/1/ovehosted_vmenv_mem=str:8192",
        "QUESTION/1/OVEHOSTED_STORAGE_DOMAIN_TYPE=str:iscsi",
        "QUESTION/1/CI_VM_ETC_HOST=str:yes",
        "QUESTION/1/OVEHOSTED_NETWORK_TEST=str:none",
        "OVEHOSTED_VM/cloudinitVMDNS=none:None",
        "QUESTION/1/OVEHOSTED_STORAGE_ISCSI_TARGET=str:2",
    )

    assert found.pillar == {
        "host": {"interface": "bond0.30"},
        "network": {"vlan": 30, "test": "none"},
        "storage": {"type": "iscsi", "user": "he"},
        "notification": {"smtp_server": "mx.example.com"},
        "vm": {"memory_mib": 8192, "dns": ["192.0.2.5", "192.0.2.6"], "hosts_entries": True},
    }
    assert found.problems == []
    assert found.left_out.keys() == {"QUESTION/1/OVEHOSTED_STORAGE_ISCSI_TARGET"}


def test_an_answer_counts_more_than_one_to_a_question_and_a_difference_is_told():
    found = told(
        "OVEHOSTED_NETWORK/gateway=str:192.0.2.1",
        "QUESTION/1/OVEHOSTED_GATEWAY=str:192.0.2.254",
        "OVEHOSTED_CORE/enableKeycloak=bool:True",
        "QUESTION/1/ovehosted_enable_keycloak=str:Yes",
        "OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.9/24",
        "QUESTION/1/CLOUDINIT_VM_STATIC_IP_ADDRESS=str:192.0.2.9",
    )

    assert found.pillar["network"] == {"gateway": "192.0.2.1"}
    assert found.problems == [
        "QUESTION/1/OVEHOSTED_GATEWAY and OVEHOSTED_NETWORK/gateway differ: the latter counts"
    ]


def test_the_last_answer_counts_by_its_number_and_a_difference_is_told_without_it():
    """What the dialog refused is asked for again: 10 comes after 9."""
    lines = [f"QUESTION/{number}/CI_ROOT_PASSWORD=str:no-{number}" for number in (10, 1, 9)]

    found = told(*lines)

    assert found.pillar["secrets"] == {"root_password": "no-10"}
    assert found.problems == [
        f"QUESTION/{number}/CI_ROOT_PASSWORD and QUESTION/10/CI_ROOT_PASSWORD differ: "
        "the latter counts"
        for number in (1, 9)
    ]
    assert "no-" not in repr(found._replace(pillar={}))


def test_engine_setups_question_for_its_administrator_is_a_secret_by_whatever_name():
    found = told("QUESTION/1/OVESETUP_CONFIG_ADMIN_SETUP=str:admin-one")

    assert found.pillar == {"secrets": {"admin_password": "admin-one"}}


@pytest.mark.parametrize("name", ["DEPLOY_PROCEED", "TMUX_PROCEED", "CI_EXECUTE_ESETUP"])
def test_confirmations_are_left_out(name):
    found = told(f"QUESTION/1/{name}=str:yes")

    assert (found.pillar, found.unknown) == ({}, [])
    assert found.left_out == {f"QUESTION/1/{name}": questions.CONFIRMED}


def test_only_names_of_engine_setup_become_its_answers():
    """A name that nobody knows is unknown, whatever it lacks."""
    kept = ["OVESETUP_DB/host", "OSETUP_RPMDISTRO/enableUpgrade", "QUESTION/3/OVESETUP_IGNORE_X"]
    other = ["QUESTION/1/FAVOURITE_COLOUR", "DIALOG/boundary", "CORE/logDir", "X_PASSWORD/y"]

    found = told(*(f"{name}=str:a" for name in kept + other))

    assert found.pillar == {"engine": {"answers": dict.fromkeys(kept, "str:a")}}
    assert found.unknown == sorted(other)


def test_a_single_password_for_iscsi_is_not_guessed():
    found = told("QUESTION/1/OVEHOSTED_STORAGE_ISCSI_PASSWORD=str:one")

    assert found.pillar == {}
    assert "give the right one" in found.left_out["QUESTION/1/OVEHOSTED_STORAGE_ISCSI_PASSWORD"]


def test_each_question_sets_an_answer_that_there_is():
    known = {name for row in TABLE for name in row.names} | ANSWERS.keys()
    named = {
        *questions.ANSWERS.values(),
        *(name for pair in questions.TWO.values() for name in pair),
    }

    assert {DEPLOY + name for name in named} <= known
    assert not questions.ANSWERS.keys() & questions.REASONS.keys()
