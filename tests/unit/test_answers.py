"""Answer files: the pillar that they become."""

from __future__ import annotations

import contextlib
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ovirt_he.guest.answers import DECIDED
from ovirt_he.pillar import keys
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems
from pillar_from_answers import answer_file, answers, convert, reasons
from pillar_from_answers.answers import TABLE
from salt.exceptions import CommandExecutionError

from .answered import FIRST_VERSIONS, ISCSI
from .generated import ANYTHING
from .test_schema_properties import generated


def read(text: str) -> convert.Converted:
    return answers.read(answer_file.parse(text).answers)


def told(*lines: str) -> convert.Converted:
    return read("[environment:default]\n" + "".join(f"OVEHOSTED_{line}\n" for line in lines))


@pytest.mark.feature("to_pillar")
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_of_the_first_versions(ends):
    found = read(FIRST_VERSIONS.replace("\n", ends))

    assert found.pillar == {
        "host": {"interface": "em1", "name": "hosted_engine_1"},
        "engine": {"fqdn": "engine.example.com"},
        "network": {"gateway": "192.0.2.1"},
        "storage": {
            "type": "nfs", "nfs_version": "v4", "address": "2001:db8::1", "path": "/exports/engine",
        },
        "vm": {"disk_gib": 25, "memory_mib": 4096, "graphics": "spice"},
    }  # fmt: skip
    assert (found.unknown, found.problems) == ([], [])
    assert found.left_out.keys() == {
        "OVEHOSTED_NETWORK/firewallManager", "OVEHOSTED_STORAGE/storageDatacenterName",
        "OVEHOSTED_VM/vmBoot", "OVEHOSTED_VDSM/cpu",
    }  # fmt: skip


@pytest.mark.feature("to_pillar")
def test_a_file_of_today_with_all_types():
    found = read(ISCSI)

    assert found.pillar == {
        "engine": {
            "keycloak": True,  # whatever isn't f or False is true
            "fqdn": "engine.example.com",
            "answers": {"OVESETUP_CONFIG/websocketProxyConfig": "bool:False"},
        },
        "host": {"interface": "bond0.150"},
        "network": {
            "vlan": 150,
            "family": "ipv4",
            "test": "tcp",
            "tcp_address": "192.0.2.7",
            "tcp_port": 53,
        },
        "storage": {
            "type": "iscsi",
            "portals": ["192.0.2.20", "192.0.2.21:3261"],
            "target": "iqn.2024-01.com.example:he",
            "portal_group": 1,
            "user": "he",
            "lun": "36589cfc000000e8a909165bdfb47b3d9",
            "discard_after_delete": True,
        },
        "vm": {
            "disk_gib": 80,
            "cpus": 8,
            "dns": ["192.0.2.53", "192.0.2.54"],
            "address": "192.0.2.10/24",
            "root_ssh_keys": ["ssh-rsa AAAA== one", "ssh-rsa BBBB== two"],
            "root_login": "keys",
            "openscap_profile": "pci-dss",
        },
        "notification": {"destinations": ["a@example.com", "b@example.com"]},
        "secrets": {
            "admin_password": "not-to-be-seen=%a",
            "iscsi_password": "not-to-be-seen-chap",
            "root_password": "not-to-be-seen-root",
            "database_password": "not-to-be-seen-db",
            "answers": {"OVESETUP_GRAFANA_DB/password": "str:not-to-be-seen-grafana"},
        },
    }  # fmt: skip
    assert found.unknown == ["OVEHOSTED_VM/shoeSize"]
    assert found.problems == []
    assert list(problems(found.pillar, SCHEMA)) == []


def test_what_preflight_takes_for_a_secret_is_one_here():
    found = read("[environment:default]\nOVESETUP_X/credential=str:hunter2\n")

    assert found.pillar == {"secrets": {"answers": {"OVESETUP_X/credential": "str:hunter2"}}}


def test_servers_of_a_guest_by_dhcp_are_no_problem():
    text = "[environment:default]\nOVEHOSTED_VM/cloudinitVMDNS=str:192.0.2.1\n"

    assert read(text).problems == []


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["NETWORK/forceIPv4=bool:1", "NETWORK/forceIPv6=bool:1"], "only one family can be forced"),
        (
            ["NETWORK/fqdn=str:a.example.com", "VM/cloudinitInstanceHostName=str:b.example.com"],
            "another name than OVEHOSTED_NETWORK/fqdn",
        ),
        (["STORAGE/storageDomainConnection=str:nas"], "SERVER:/PATH is wanted"),
        (
            ["STORAGE/domainType=str:iscsi", "STORAGE/iSCSIPortalIPAddress=str:a,b,c",
             "STORAGE/iSCSIPortalPort=str:1,2"],
            "as many ports as addresses",
        ),
        (
            ["STORAGE/domainType=str:iscsi", "STORAGE/iSCSIPortalIPAddress=str:a",
             "STORAGE/storageDomainConnection=str:b"],
            "given twice, and differs",
        ),
        (["STORAGE/iSCSILunId=str:1", "STORAGE/LunID=str:2", "STORAGE/domainType=str:fc"],
         "storage:lun: OVEHOSTED_STORAGE/iSCSILunId and OVEHOSTED_STORAGE/LunID differ"),
        (["STORAGE/iSCSIPortal=str:1,2"], "different portal groups"),
        (["VM/cloudinitVMStaticCIDR=str:192.0.2.1"], "ADDRESS/PREFIX is wanted"),
        (["VM/vmMemSizeMB=str:lots"], "a whole number is wanted"),
        (["VM/vmVCpus=str:max"], "'max' isn't a number"),
        (["VM/rootSshAccess=str:perhaps"], "yes, no or without-password"),
        (["CORE/enableKeycloak=maybe"], "no type that otopi knows"),
        (["VM/vmMemSizeMB=int:x"], "no type that otopi knows"),
    ],
)  # fmt: skip
def test_what_contradicts_or_cannot_be_read_is_told(lines, problem):
    found = told(*lines)

    (sentence,) = found.problems
    assert problem in sentence


def test_a_default_for_another_type_of_storage_is_no_contradiction():
    lines = ["STORAGE/domainType=str:iscsi", "STORAGE/nfsVersion=str:auto"]

    assert told(*lines, "STORAGE/mntOptions=none:None").problems == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("OVEHOSTED_A/b=str:hunter2", "line 1 stands before any"),
        ("[environment:default]\nhunter2\n", "in line 2"),
        ("[environment:default]\n", "no answer below"),
        ("", "no answer below"),
        ("{}", "line 1 stands before any"),
    ],
)
def test_what_is_no_answer_file_is_refused_without_its_text(text, reason):
    with pytest.raises(CommandExecutionError, match=reason) as caught:
        answer_file.parse(text)

    # As a log shows it, with what it came from.
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_odd_lines_are_told():
    file = answer_file.parse(
        "\N{BYTE ORDER MARK}[environment:default]\nA/b=str:1\nA/c=str:1\n; A/c=str:3\n"
        "[environment:default]\nA/b=str:2\nA/c=str:1\n[environment:override]\nA/d=str:4\n[x]\ny=1\n"
    )

    assert file.answers == {"A/b": "str:2", "A/c": "str:1", "A/d": "str:4"}
    assert [problem.split(":")[0] for problem in file.problems] == ["A/b", "[x]"]


@pytest.mark.parametrize("text", ["f", "F", "false", "False"])
def test_what_is_false(text):
    assert answer_file.value(f"bool:{text}") is False


@pytest.mark.parametrize("text", ["0", "no", "FALSE", "", "True", "1", "t"])
def test_all_else_is_true(text):
    assert answer_file.value(f"bool:{text}") is True


TYPED = st.builds(
    "{}:{}".format, st.sampled_from(["str", "int", "bool", "none", "multi-str", ""]), st.text()
)


NAMES = sorted({name for row in TABLE for name in row.names})


@generated
@given(st.dictionaries(st.sampled_from(NAMES), TYPED))
def test_any_answers_are_read_or_told(answered: dict[str, str]) -> None:
    """Whatever they say nothing raises; and no secret is part of a problem."""
    password = "OVEHOSTED_ENGINE/adminPassword"

    found = answers.read(answered | {password: "hidden:not-to-be-seen"})

    assert found.unknown == []
    assert any(problem.startswith(f"{password}: its value has no") for problem in found.problems)
    assert "not-to-be-seen" not in repr(found)


@pytest.mark.parametrize(
    ("connection", "address", "path"),
    [
        ("gluster1:/engine", "gluster1", "/engine"),
        ("gluster1:engine", "gluster1", "/engine"),
        ("[2001:db8::1]:/engine/", "2001:db8::1", "/engine"),
    ],
)
def test_a_gluster_volume_with_and_without_its_slash(connection, address, path):
    found = told(
        "STORAGE/domainType=str:glusterfs", f"STORAGE/storageDomainConnection=str:{connection}"
    )

    assert found.pillar["storage"] == {"type": "glusterfs", "address": address, "path": path}


@pytest.mark.parametrize("name", DECIDED)
def test_what_a_key_of_the_pillar_decides_is_no_further_answer(name):
    given = "bool:True" if not name.endswith(("fqdn", "assword")) else "str:engine.example.com"

    found = read(f"[environment:default]\n{name}={given}\n")

    assert name not in found.pillar.get("engine", {}).get("answers", {})
    assert name in found.left_out or DECIDED[name].split(":")[0] in found.pillar
    assert found.unknown == []


@pytest.mark.parametrize("name", ["vm", "engine", "secrets", "secrets__admin_password", "vm__", ""])
@pytest.mark.parametrize("value", ["null", "false", "[]", "{}", '"x"'])
def test_a_key_of_our_own_is_a_leaf_or_unknown(name, value):
    """A whole group in one, or a secret, is nobody's form; keys beside it are still read."""
    found = told(f"FORMULA/{name}=str:{value}", "FORMULA/vm__cpus=str:2")

    assert found.unknown == [f"OVEHOSTED_FORMULA/{name}"]
    assert found.pillar == {"vm": {"cpus": 2}}


ODD = st.sampled_from(
    ["OVEHOSTED_FORMULA/", "OVEHOSTED_", "QUESTION/1/", "QUESTION/02/", "QUESTION//", "OVESETUP_"]
)
KEYS = st.sampled_from(["vm", "vm__cpus", "storage", "CI_DNS", "OVESETUP_X", "A/b"]) | st.text()


@generated
@given(
    st.dictionaries(
        st.builds("{}{}".format, ODD, KEYS), st.builds("str:{}".format, ANYTHING) | TYPED
    )
)
def test_any_names_are_read_or_told(answered: dict[str, str]) -> None:
    found = answers.read(answered)

    keys.tree(keys.leaves(found.pillar))
    assert set(found.unknown) <= answered.keys()


@generated
@given(st.text() | st.builds("[environment:default]\n{}".format, st.text()))
def test_any_text_is_an_answer_file_or_refused(text: str) -> None:
    with contextlib.suppress(CommandExecutionError):
        answers.read(answer_file.parse(text).answers)


def test_no_answer_has_a_place_and_a_reason():
    named = {name for row in TABLE for name in row.names}

    assert not named & reasons.ANSWERS.keys()
    assert {path for row in TABLE for path in row.paths} <= keys.ALL.keys()
