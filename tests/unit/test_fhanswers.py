"""fhanswers.conf: the answers that otopi has, and the ids; read as otopi does, and by our tool."""

from __future__ import annotations

import configparser
import re
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from ovirt_he.ha import archive, conf, fhanswers
from ovirt_he.pillar import keys
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems, with_defaults
from pillar_from_answers import answer_file, answers, reasons
from salt.exceptions import CommandExecutionError

from .configured import IDS, PILLAR, known
from .generated import on_a_line, values
from .test_docs import ROOT
from .test_schema_properties import generated

# Keys that otopi has no answer for, or whose answer its reader doesn't give back.
WITHOUT = {path for path in keys.ALL if path not in keys.named(keys.DEPLOY)} - {
    "network:family", "pause_before", "storage:address", "storage:path", "storage:portals",
    "vm:openscap_profile",
}  # fmt: skip
ISCSI = {
    "type": "iscsi", "portals": ["[2001:db8::1]:3260", "192.0.2.1:1", "2001:db8::2"],
    "target": "iqn.2024-01.com.example:he", "portal_group": 0, "user": "he", "lun": "36001",
}  # fmt: skip


def example() -> dict[str, Any]:
    pillar: dict[str, Any] = yaml.safe_load((ROOT / "pillar.example").read_text())
    return pillar["hosted_engine"]


def as_otopi_has_them(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(text)
    return dict(parser["environment:default"])


def in_otopi(pillar: dict[str, Any]) -> dict[str, Any]:
    """What of a pillar, with its defaults, otopi has answers for."""
    leaves = keys.leaves(with_defaults(pillar, SCHEMA))
    return {path: value for path, value in leaves.items() if path not in WITHOUT}


@pytest.mark.feature("round_trip")
def test_fhanswers_as_otopi_reads_it():
    pillar = example()
    pillar["vm"]["root_ssh_keys"] = ["ssh-rsa A== one", "ssh-rsa B== two"]
    text = fhanswers.text(pillar, IDS, "a-uuid")

    found = as_otopi_has_them(text)

    assert found["OVEHOSTED_NETWORK/fqdn"] == "str:engine.example.com"
    assert found["OVEHOSTED_VM/vmMemSizeMB"] == "int:16384"
    assert found["OVEHOSTED_VM/vmVCpus"] == "str:4"
    assert found["OVEHOSTED_CORE/enableKeycloak"] == "bool:False"
    assert (
        found["OVEHOSTED_STORAGE/storageDomainConnection"] == "str:nas.example.com:/exports/engine"
    )
    assert found["OVEHOSTED_STORAGE/LunID"] == "none:None"
    assert found["OVEHOSTED_STORAGE/lockspaceVolumeUUID"].endswith("2")
    assert found["OVEHOSTED_STORAGE/confVolUUID"].endswith("2")
    assert found["OVEHOSTED_VM/rootSshPubkey"] == "multi-str:ssh-rsa A== one\nssh-rsa B== two"
    assert all(re.fullmatch(r"OVEHOSTED_[A-Z]+/\w+", name) for name in found)
    assert "FORMULA" not in text
    assert {value.split(":")[0] for value in found.values()} <= {
        "str", "int", "bool", "none", "multi-str",
    }  # fmt: skip


@pytest.mark.feature("round_trip")
def test_it_holds_what_the_user_gave_and_no_secret():
    pillar = example()
    pillar["engine"]["answers"]["OVESETUP_GRAFANA/adminPassword"] = "str:in the wrong place"
    del pillar["network"]["gateway"]
    text = fhanswers.text(pillar, IDS, "a-uuid")

    assert "OVEHOSTED_NETWORK/gateway=none:None\n" in text, "not the one that was found"
    smallest = fhanswers.text(PILLAR["hosted_engine"], IDS, "a-uuid")
    assert "OVEHOSTED_NETWORK/network_test_tcp_port=none:None\n" in smallest
    assert "in the wrong place" not in text
    for secret in pillar["secrets"].values():
        for one in secret.values() if isinstance(secret, dict) else [secret]:
            assert one.removeprefix("str:") not in text
    assert "assword" not in text.replace("without-password", "")


@pytest.mark.feature("round_trip")
@pytest.mark.parametrize(
    "groups",
    [
        {},
        {"storage": ISCSI},
        {"storage": {"type": "fc", "lun": "36001", "discard_after_delete": True}},
        {"storage": {"address": "[2001:db8::1]", "path": "/exports/engine"}},
        {"vm": {"root_ssh_keys": ["a"], "root_login": "none", "address": "192.0.2.9/24"}},
        {"vm": {"openscap_profile": "pci-dss", "dns": ["192.0.2.7", "2001:db8::7"]}},
        {"network": {"family": "ipv6"}, "pause_before": ["engine"]},
    ],
)
def test_what_otopi_has_answers_for_comes_back(groups):
    pillar = PILLAR["hosted_engine"] | groups

    back = answers.read(answer_file.parse(fhanswers.text(pillar, IDS, "a-uuid")).answers)

    wanted = in_otopi(pillar)
    # An address is written as it stands in a connection; portals without iSCSI's own port.
    wanted["storage:address"] = wanted["storage:address"].strip("[]")
    wanted["storage:portals"] = [
        "2001:db8::1" if portal.startswith("[") else portal for portal in wanted["storage:portals"]
    ]
    assert in_otopi(back.pillar) == wanted
    assert (back.unknown, "secrets" in back.pillar) == ([], False)


@pytest.mark.parametrize(
    ("groups", "answer"),
    [
        (
            {"storage": ISCSI},
            "STORAGE/storageDomainConnection=str:2001:db8::1,192.0.2.1,2001:db8::2",
        ),
        ({"storage": ISCSI}, "STORAGE/iSCSIPortalPort=str:3260,1,3260"),
        # Portals mean nothing for NFS: preflight reports them, even such as can't be read.
        (
            {"storage": ISCSI | {"type": "nfs", "portals": ["x:0"]}},
            "STORAGE/iSCSIPortalPort=none:None",
        ),
        ({"vm": {"root_ssh_keys": ["ssh-rsa A="]}}, "VM/rootSshPubkey=str:ssh-rsa A="),
        ({"pause_before": ["ha"]}, "CORE/pauseonRestore=bool:False"),
        ({}, f"STORAGE/spUUID=str:{conf.NO_UUID}"),
    ],
)
def test_how_an_answer_is_written(groups, answer):
    text = fhanswers.text(PILLAR["hosted_engine"] | groups, IDS, "a-uuid")

    assert f"OVEHOSTED_{answer}\n" in text


@generated
@given(values(SCHEMA).map(on_a_line))
def test_any_pillar_makes_a_text_that_otopi_reads(pillar: dict[str, Any]) -> None:
    assert not list(problems(pillar, SCHEMA))
    try:
        text = fhanswers.text(pillar, IDS, "a-uuid")
    except ValueError:
        # A portal that only looks like one: preflight reports it.
        assume(False)

    assert as_otopi_has_them(text).keys() == as_otopi_has_them(
        fhanswers.text(PILLAR["hosted_engine"], IDS, "a-uuid")
    ).keys()  # fmt: skip
    back = answers.read(answer_file.parse(text).answers)
    assert (back.unknown, "secrets" in back.pillar) == ([], False)


def test_each_of_its_names_has_a_place_or_a_reason():
    """The ids that come out, too."""
    named = {name for row in answers.TABLE for name in row.names}

    text = fhanswers.text(PILLAR["hosted_engine"], IDS, "a-uuid")

    assert as_otopi_has_them(text).keys() <= named | reasons.ANSWERS.keys()


def test_facts_of_the_archive_are_the_ids_alone():
    """A deployed host sees no change when the text has another form."""
    text = fhanswers.text(PILLAR["hosted_engine"], IDS, "a-uuid")
    facts = archive.facts(conf.ANSWERS, text)

    old = "[environment:default]\n" + "".join(f"{key}={value}\n" for key, value in facts.items())

    assert len(facts) == 10
    assert {value.removeprefix("str:") for value in facts.values()} == {
        IDS["vm_id"], IDS["storage_domain"],
        *(part for disk in IDS["disks"].values() for part in disk.values()),
    }  # fmt: skip
    assert archive.lacking(conf.ANSWERS, text, old) == facts
    assert archive.updated(conf.ANSWERS, text, old) == old


def test_an_archive_that_is_too_long_names_the_pillars_key():
    pillar = PILLAR["hosted_engine"] | {"vm": {"root_ssh_keys": ["ssh-rsa " + "x" * 700] * 30}}
    members = {
        conf.HOSTED_ENGINE: conf.hosted_engine_conf(known(), IDS, "192.0.2.1"),
        conf.VM: conf.vm_conf(known(), IDS),
        conf.BROKER: conf.broker_conf(known()),
        conf.VERSION: "2.5.2\n",
        conf.ANSWERS: fhanswers.text(pillar, IDS, "a-uuid"),
    }

    with pytest.raises(CommandExecutionError, match=r"ssh-rsa \w+ in fhanswers.conf"):
        archive.build(members)
