"""Values in the forms that Python, JSON, and old versions left behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pillar_from_answers import answer_file, answers, readers

from .generated import ANYTHING
from .test_schema_properties import generated


def told(*lines: str):
    text = "[environment:default]\n" + "".join(f"OVEHOSTED_{line}\n" for line in lines)
    return answers.read(answer_file.parse(text).answers)


@pytest.mark.parametrize(
    "said",
    [
        "['a@example.com', 'b@example.com']",
        "[u'a@example.com', u'b@example.com']",
        '["a@example.com", "b@example.com"]',
        "('a@example.com', 'b@example.com')",
        "[a@example.com, b@example.com]",
        "a@example.com, b@example.com",
        "'a@example.com,b@example.com'",
        ["a@example.com", "b@example.com"],
        ["u'a@example.com'", "b@example.com", "None", None],
    ],
)
def test_a_list_however_it_was_printed(said):
    assert readers.texts(said) == ["a@example.com", "b@example.com"]


def test_lists_of_every_answer_that_has_one():
    found = told(
        "VM/cloudinitVMDNS=str:['192.0.2.7', u'2001:db8::7']",
        "NOTIF/destEmail=str:[u'ops@example.com']",
        "VM/rootSshPubkey=str:['ssh-rsa AA== one, two', 'ssh-ed25519 BB three']",
        "STORAGE/domainType=str:u'iscsi'",
        "STORAGE/iSCSIPortalIPAddress=str:['192.0.2.20', '192.0.2.21']",
        "STORAGE/iSCSIPortalPort=str:['3260', '3261']",
        "STORAGE/iSCSIPortal=str:[1, 1]",
    )

    assert found.pillar == {
        "vm": {
            "dns": ["192.0.2.7", "2001:db8::7"],
            "root_ssh_keys": ["ssh-rsa AA== one, two", "ssh-ed25519 BB three"],
        },
        "notification": {"destinations": ["ops@example.com"]},
        "storage": {
            "type": "iscsi",
            "portals": ["192.0.2.20", "192.0.2.21:3261"],
            "portal_group": 1,
        },
    }
    assert found.problems == []


def test_bytes_that_python_printed():
    assert readers.texts("[b'192.0.2.7', b'192.0.2.8']") == ["192.0.2.7", "192.0.2.8"]


@pytest.mark.parametrize(
    "nothing",
    ["None", "[]", "u''", "", None, False, [], "[None]", "null", "__omit_place_holder__0b1c"],
)
def test_what_says_nothing(nothing):
    assert readers.text(nothing) is None
    assert not readers.texts(nothing)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("True", True), ("u'no'", False), ("[]", None), ("None", None), (1, True)],
)
def test_yes_and_no(said, expected):
    if said == "[]":
        with pytest.raises(ValueError, match="yes or no"):
            readers.flag(said)
    else:
        assert readers.flag(said) is expected


@pytest.mark.parametrize("said", ["'quoted'", "u'x'", "None", "['a']", '"x"', "[1]"])
def test_a_password_is_taken_as_it_is(said):
    assert readers.password(said) == said


@pytest.mark.parametrize("said", ["[2001:db8::1]", "[2001:db8::1]:/a", "(x)", "[a", "'", "it's"])
def test_what_only_looks_printed_stays(said):
    assert readers.plain(said) == said


@pytest.mark.parametrize(
    "machine", ["pc", "pc-i440fx-rhel7.6.0", "rhel6.5.0", "pc-i440fx-2.12", "u'pc'"]
)
def test_a_machine_that_the_old_tool_writes_by_itself_is_left_out(machine):
    """Else preflight refuses it: it has no UEFI."""
    found = told(f"VM/emulatedMachine=str:{machine}")

    assert found.pillar == {}
    assert "cluster's own" in found.left_out["OVEHOSTED_VM/emulatedMachine"]
    assert found.problems == []


def test_a_q35_is_somebodys_wish():
    assert told("VM/emulatedMachine=str:pc-q35-rhel9.2.0").pillar["vm"] == {
        "machine": "pc-q35-rhel9.2.0"
    }


def test_the_image_of_the_package_of_that_time_is_left_out():
    path = "/usr/share/ovirt-engine-appliance/ovirt-engine-appliance-4.3-20200625.1.el7.ova"

    found = told(f"VM/ovfArchive=str:{path}")

    assert (found.pillar, found.problems) == ({}, [])
    assert "today's is taken" in found.left_out["OVEHOSTED_VM/ovfArchive"]


# What hosted-engine --deploy of 4.2 to 4.4 writes where only names and passwords are typed.
BY_ITSELF = """\
CORE/deployProceed=bool:True
CORE/forceIpProceed=none:None
CORE/screenProceed=none:None
ENGINE/clusterName=str:Default
ENGINE/datacenterName=str:Default
ENGINE/enableHcGlusterService=none:None
ENGINE/insecureSSL=none:None
NETWORK/bridgeIf=str:eno1
NETWORK/bridgeName=str:ovirtmgmt
NETWORK/firewallManager=str:iptables
NETWORK/gateway=str:192.0.2.1
NETWORK/network_test=str:dns
NETWORK/network_test_tcp_address=none:None
NETWORK/network_test_tcp_port=none:None
NOTIF/destEmail=str:root@localhost
NOTIF/smtpPort=str:25
NOTIF/smtpServer=str:localhost
NOTIF/sourceEmail=str:root@localhost
STORAGE/LunID=none:None
STORAGE/discardSupport=bool:False
STORAGE/domainType=str:nfs
STORAGE/iSCSIPortal=str:None
STORAGE/iSCSIPortalIPAddress=none:None
STORAGE/iSCSIPortalPort=str:3260
STORAGE/imgSizeGB=str:58
STORAGE/mntOptions=str:
STORAGE/nfsVersion=str:auto
STORAGE/storageDomainConnection=str:nas.example.com:/exports/engine
STORAGE/storageDomainName=str:hosted_storage
VDSM/consoleType=str:vnc
VDSM/cpu=str:model_Haswell
VM/automateVMShutdown=bool:True
VM/cloudInitISO=str:generate
VM/cloudinitExecuteEngineSetup=bool:True
VM/cloudinitRootPwd=bool:False
VM/cloudinitVMDNS=bool:False
VM/cloudinitVMETCHOSTS=bool:True
VM/cloudinitVMStaticCIDR=bool:False
VM/cloudinitVMTZ=str:Europe/Vienna
VM/emulatedMachine=str:pc
VM/maxVCpus=str:16
VM/ovfArchive=str:
VM/rootSshAccess=str:no
VM/rootSshPubkey=str:
VM/vmCDRom=none:None
VM/vmMemSizeMB=int:16384
VM/vmVCpus=str:4
"""


def test_what_the_dialog_writes_by_itself_stops_nothing():
    found = told(*BY_ITSELF.splitlines())

    assert (found.unknown, found.problems) == ([], [])
    assert found.pillar["vm"] == {
        "disk_gib": 58,
        "memory_mib": 16384,
        "cpus": 4,
        "hosts_entries": True,
        "time_zone": "Europe/Vienna",
        "root_login": "none",
        "graphics": "vnc",
    }
    assert found.pillar["storage"].keys() == {
        "type",
        "address",
        "path",
        "nfs_version",
        "name",
        "discard_after_delete",
    }


READERS = [
    readers.text,
    readers.texts,
    readers.lines,
    readers.flag,
    readers.number,
    readers.password,
    readers.interface,
    readers.machine,
    readers.image,
    readers.kind,
    readers.root_login,
    readers.directory,
    readers.pause,
    readers.portal_group,
]


@generated
@given(st.sampled_from(READERS), ANYTHING | st.text(alphabet="[](){}'\"u,:;=N one1\n"))
def test_any_value_is_read_or_refused(reader, value):
    try:
        reader(value)
    except ValueError as error:
        assert str(error)
