"""Which kind of storage a file means that doesn't name one; mount options that say more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ovirt_he.pillar import mount_options
from pillar_from_answers import ansible, answer_file, answers

from .test_schema_properties import generated

SHARE = "storageDomainConnection=str:srv.example.com:/engine"


def told(*lines: str):
    text = "[environment:default]\n" + "".join(f"OVEHOSTED_STORAGE/{line}\n" for line in lines)
    return answers.read(answer_file.parse(text).answers)


@pytest.mark.parametrize(
    ("lines", "kind", "sign"),
    [
        ([SHARE, "mntOptions=str:log-level=INFO,backupvolfile-server=b"], "glusterfs", "log"),
        ([SHARE, "mntOptions=str:soft,nfsvers=4.2"], "nfs", "soft"),
        ([SHARE, "nfsVersion=str:v4_1"], "nfs", "nfsVersion"),
        (["iSCSITargetName=str:iqn.2020-01.com.example:he"], "iscsi", "iSCSITargetName"),
        (
            ["storageDomainConnection=str:192.0.2.9", "iSCSITargetName=str:iqn.x", "LunID=str:36"],
            "iscsi",
            "iSCSITargetName",
        ),
        (["iSCSIPortalIPAddress=str:192.0.2.9:3261"], "iscsi", "iSCSIPortalIPAddress"),
        (["iSCSIPortalPort=str:3261", "storageDomainConnection=str:192.0.2.9"], "iscsi", "Port"),
        (["storageDomainConnection=str:192.0.2.9:3260", "LunID=str:36"], "iscsi", "Connection"),
        (["storageDomainConnection=str:[2001:db8::9]:3260"], "iscsi", "Connection"),
        (["LunID=str:36001"], "fc", "LunID"),
    ],
)
def test_a_kind_that_is_not_named_is_concluded_and_said(lines, kind, sign):
    found = told(*lines)

    assert found.pillar["storage"]["type"] == kind
    assert f"concluded to be {kind} by" in found.problems[0]
    assert sign in found.problems[0]


def test_a_portal_of_a_concluded_kind_is_read_as_one():
    found = told("storageDomainConnection=str:192.0.2.9", "iSCSITargetName=str:iqn.x")

    assert found.pillar["storage"] == {
        "type": "iscsi",
        "portals": ["192.0.2.9"],
        "target": "iqn.x",
    }


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([SHARE], "isn't given: the formula takes nfs"),
        ([SHARE, "nfsVersion=str:auto", "mntOptions=str:noatime"], "the formula takes nfs"),
        (
            [SHARE, "mntOptions=str:soft,backup-volfile-servers=b"],
            "the other answers contradict each other",
        ),
        ([SHARE, "nfsVersion=str:v3", "LunID=str:3"], "the other answers contradict each other"),
    ],
)
def test_what_cannot_be_concluded_is_a_problem(lines, said):
    found = told(*lines)

    assert "type" not in found.pillar["storage"]
    assert said in found.problems[0]


def test_a_file_that_says_nothing_of_storage_says_nothing_of_its_kind():
    assert told("storageDomainName=str:engine").problems == []


def test_a_role_that_wants_glusters_service_and_names_no_kind():
    """As files of the hyperconverged wizard."""
    variables = {"he_storage_domain_addr": "gl1", "he_storage_domain_path": "/engine"}

    found = ansible.read(variables | {"he_enable_hc_gluster_service": True})

    assert "though he_enable_hc_gluster_service is: the formula takes nfs" in found.problems[0]


def test_a_kind_that_only_ansible_knows_is_not_concluded():
    found = ansible.read({"he_domain_type": "{{ kind }}", "he_lun_id": "36001"})

    assert "type" not in found.pillar.get("storage", {})
    assert "concluded" not in repr(found.problems)


def test_the_kind_that_the_roles_first_readme_names():
    assert ansible.read({"he_domain_type": "gluster"}).pillar["storage"] == {"type": "glusterfs"}


@pytest.mark.parametrize(
    ("options", "version", "rest"),
    [
        ("vers=4.1", "v4_1", None),
        ("nfsvers=3,noatime", "v3", "noatime"),
        ("hard,vers=4,minorversion=2", "v4_2", "hard"),
        ("vers=4", "v4", None),
    ],
)
def test_a_version_among_the_options_has_a_key_of_its_own(options, version, rest):
    """The engine refuses it among a domain's options."""
    found = told("domainType=str:nfs", SHARE, f"mntOptions=str:{options}")

    assert found.pillar["storage"]["nfs_version"] == version
    assert found.pillar["storage"].get("mount_options") == rest
    assert "vers= is set by the engine itself" in found.problems[0]


def test_another_storage_type_keeps_its_options():
    options = "vers=3,backup-volfile-servers=b"

    found = told("domainType=str:glusterfs", SHARE, f"mntOptions=str:{options}")

    assert found.pillar["storage"]["mount_options"] == options
    assert "nfs_version" not in found.pillar["storage"]


def test_a_version_that_differs_is_told():
    found = told("domainType=str:nfs", SHARE, "mntOptions=str:vers=3", "nfsVersion=str:v4")

    assert found.pillar["storage"]["nfs_version"] == "v4"
    assert "differ" in found.problems[0]


def test_what_to_connect_to_is_for_the_tcp_test_alone():
    text = "[environment:default]\nOVEHOSTED_NETWORK/network_test_tcp_address=str:192.0.2.5\n"

    without = answers.read(answer_file.parse(text).answers)

    assert without.pillar["network"]["test"] == "tcp"
    assert "concluded to be tcp" in without.problems[0]


@pytest.mark.parametrize(
    ("kind", "options", "other"),
    [
        ("nfs", "noatime,backup-volfile-servers=a:b", [("backup-volfile-servers", "glusterfs")]),
        ("glusterfs", "soft,noatime", [("soft", "nfs")]),
        ("glusterfs", "backup-volfile-servers=a,ro", []),
        ("nfs", "soft,sec=sys", []),
    ],
)
def test_options_of_another_kind(kind, options, other):
    assert list(mount_options.others(kind, options)) == other


@generated
@given(st.text(alphabet="versnfminorpass=,.41x") | st.text())
def test_any_options_are_parted(options):
    version, rest = mount_options.nfs_version(options)

    assert version is None or version in mount_options.VERSIONS.values()
    assert not mount_options.secret(mount_options.without_secrets(rest))
    list(mount_options.others("nfs", rest))
