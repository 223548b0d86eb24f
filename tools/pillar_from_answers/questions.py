"""
Answers to questions of the dialog: ``QUESTION/NUMBER/NAME``, as otopi records them since 4.4.

``NUMBER`` counts how often the question was asked: a password is asked for twice, and what the
dialog refused is asked for again, so that the last answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from ovirt_he.pillar.keys import DEPLOY

from pillar_from_answers import readers

FORM = re.compile(r"QUESTION/([0-9]{1,9})/(.+)")
# The first part of the names of engine-setup's questions and settings; all others are somebody's.
ENGINE_SETUP = ("OVESETUP_", "OSETUP_")
SAME = "the same answer, asked for again"
NOTHING: tuple[Any, ...] = (None, "", [], False)

# question: the answer of hosted-engine --deploy that it sets
ANSWERS = {
    "APP_HOST_NAME": "ENGINE/appHostName",
    "CI_APPLY_OPENSCAP_PROFILE": "VM/applyOpenScapProfile",
    "CI_DNS": "VM/cloudinitVMDNS",
    "CI_ENABLE_FIPS": "VM/enableFips",
    "CI_OPENSCAP_PROFILE_NAME": "VM/OpenScapProfileName",
    "CI_ROOT_PASSWORD": "VM/cloudinitRootPwd",
    "CI_ROOT_SSH_ACCESS": "VM/rootSshAccess",
    "CI_ROOT_SSH_PUBKEY": "VM/rootSshPubkey",
    "CI_VM_ETC_HOST": "VM/cloudinitVMETCHOSTS",
    "CLOUDINIT_VM_STATIC_IP_ADDRESS": "VM/cloudinitVMStaticCIDR",
    "ENABLE_HC_GLUSTER_SERVICE": "ENGINE/enableHcGlusterService",
    "ENGINE_ADMIN_PASSWORD": "ENGINE/adminPassword",
    "OVEHOSTED_GATEWAY": "NETWORK/gateway",
    "OVEHOSTED_NETWORK_TEST": "NETWORK/network_test",
    "OVEHOSTED_NETWORK_TEST_TCP_ADDRESS": "NETWORK/network_test_tcp_address",
    "OVEHOSTED_NETWORK_TEST_TCP_PORT": "NETWORK/network_test_tcp_port",
    "OVEHOSTED_STORAGE_DOMAIN_CONNECTION": "STORAGE/storageDomainConnection",
    "OVEHOSTED_STORAGE_DOMAIN_MNT_OPTIONS": "STORAGE/mntOptions",
    "OVEHOSTED_STORAGE_DOMAIN_TYPE": "STORAGE/domainType",
    "OVEHOSTED_STORAGE_ISCSI_IP_ADDR": "STORAGE/iSCSIPortalIPAddress",
    "OVEHOSTED_STORAGE_ISCSI_IP_PORT": "STORAGE/iSCSIPortalPort",
    "OVEHOSTED_STORAGE_NFS_VERSION": "STORAGE/nfsVersion",
    "OVEHOSTED_VMENV_OVF": "VM/ovfArchive",
    "OVEHOSTED_VMENV_OVF_ANSIBLE": "VM/ovfArchive",
    "OVEHOSTED_VM_CONSOLE_TYPE": "VDSM/consoleType",
    "cluster_name": "ENGINE/clusterName",
    "ovehosted_bridge_if": "NETWORK/bridgeIf",
    "ovehosted_cluster_name": "ENGINE/clusterName",
    "ovehosted_datacenter_name": "ENGINE/datacenterName",
    "ovehosted_enable_keycloak": "CORE/enableKeycloak",
    "ovehosted_pause_on_restore": "CORE/pauseonRestore",
    "ovehosted_renew_pki": "CORE/renewPKIonRestore",
    "ovehosted_vmenv_cpu": "VM/vmVCpus",
    "ovehosted_vmenv_image": "STORAGE/imgSizeGB",
    "ovehosted_vmenv_mac": "VM/vmMACAddr",
    "ovehosted_vmenv_mem": "VM/vmMemSizeMB",
}
# engine-setup's own question for a password, by a name that doesn't say so.
ADMINISTRATOR = "OVESETUP_CONFIG_ADMIN_SETUP"
# Asked for the discovery first, then for the session: by their numbers, where there are just two.
TWO = {
    "OVEHOSTED_STORAGE_ISCSI_USER": ("STORAGE/iSCSIDiscoverUser", "STORAGE/iSCSIPortalUser"),
    "OVEHOSTED_STORAGE_ISCSI_PASSWORD": (
        "STORAGE/iSCSIDiscoverPassword",
        "STORAGE/iSCSIPortalPassword",
    ),
}
CONFIRMED = "confirmed at the terminal; applying the states confirms it"
_WHY = {
    CONFIRMED: "DEPLOY_PROCEED SCREEN_PROCEED TMUX_PROCEED SETTINGS_PROCEED UPGRADE_PROCEED "
    "ROLLBACK_PROCEED CPU_PROCEED DISK_PROCEED MEMORY_PROCEED UPGRADE_DISK_RESIZE_PROCEED "
    "LM_VOLUME_UPGRADE_PROCEED FORCE_IP_PROCEED AUTOMATE_VM_SHUTDOWN CI_EXECUTE_ESETUP "
    "OVEHOSTED_INSTALL_OVIRT_ENGINE_APPLIANCE OVEHOSTED_REQUIRED_NETWORKS "
    "OVEHOSTED_NON_OPERATIONAL OVEHOSTED_PREVENT_MIXING_HE_35_CURRENT SSL_VALIDATE_CA",
    "follows from vm:address, which is empty for DHCP": "CI_VM_STATIC_NETWORKING",
    "follows from engine:fqdn": "CI_INSTANCE_HOSTNAME CI_INSTANCE_DOMAINNAME",
    "the bootstrap VM always starts from the appliance's disk and a seed made for it": (
        "CLOUD_INIT_USE CLOUD_INIT_GENERATE OVEHOSTED_VMENV_BOOT OVEHOSTED_VMENV_CDROM "
        "OVEHOSTED_BOOT_DISK_APPLIANCE OVEHOSTED_COREENV_TEMPDIR"
    ),
    "a number in a list that was shown then: STORAGE/iSCSITargetName and LunID hold the choice": (
        "OVEHOSTED_STORAGE_ISCSI_TARGET OVEHOSTED_STORAGE_BLOCKD_LUN"
    ),
    "the administrator's name follows from engine:keycloak": "ENGINE_ADMIN_USERNAME",
    "firewalld is used where it runs; host:firewall: required insists on it": (
        "OHOSTED_NETWORK_FIREWALL_MANAGER"
    ),
    "the CPU type is the cluster's: cluster:cpu_type": "ovehosted_vmenv_cpu_type",
    "nothing is formatted by this formula: a LUN that is used is refused": (
        "OVEHOSTED_FORCE_CREATEVG"
    ),
    "Gluster's volume is made by those who run Gluster; its replicas are theirs to choose": (
        "ALLOW_GLUSTER_REPLICA_ONE OVEHOSTED_GLUSTER_BRICKS OVEHOSTED_GLUSTER_PROVISIONING"
    ),
    "an additional host of an old deployment, or its upgrade": (
        "OVEHOSTED_ADDITIONAL_HOST OVEHOSTED_HOST_ID OVEHOSTED_RE_DEPLOY_HOST "
        "OVEHOSTED_CONFIGURATION_BACKUPFILE OVEHOSTED_RB_BACKUP_DISK "
        "UPGRADE_ABORT_ON_UNSUPPORTED_VER"
    ),
}
REASONS = {name: reason for reason, names in _WHY.items() for name in names.split()}
# What the dialog changes before it keeps it: no contradiction to what it kept.
CHANGED = {"VM/cloudinitVMStaticCIDR"}


class Read(NamedTuple):
    """Answers that questions say beside the given ones, and what became of each question."""

    values: dict[str, Any]
    left_out: dict[str, str]
    problems: list[str]


def read(given: Mapping[str, Any], known: Container[str]) -> Read:
    """
    What the questions among ``given`` say; those of engine-setup, and unknown ones, stay there.

    An answer that ``given`` holds itself, of those that are ``known``, counts more than one to a
    question.
    """
    grouped = _grouped(given, known)
    ours = {name for asked in grouped.values() for name in asked}
    found = Read({name: value for name, value in given.items() if name not in ours}, {}, [])
    for name, asked in grouped.items():
        if name in REASONS:
            found.left_out.update(dict.fromkeys(asked, REASONS[name]))
        elif name in TWO:
            _two(found, given, asked, TWO[name])
        else:
            _one(found, given, asked, _answer(name))
    return found


def _grouped(given: Mapping[str, Any], known: Container[str]) -> dict[str, list[str]]:
    """Our questions by their names, each with all its answers' names in the order of asking."""
    numbered = [
        (match[2], int(match[1]), name) for name in given if (match := FORM.fullmatch(name))
    ]
    found: dict[str, list[str]] = {}
    for question, _, name in sorted(numbered):
        if question in REASONS or question in TWO or _answer(question) in known:
            found.setdefault(question, []).append(name)
    return found


def _two(found: Read, given: Mapping[str, Any], asked: list[str], answers: Sequence[str]) -> None:
    if len(asked) != len(answers):
        reason = f"it isn't known whether it is {' or '.join(answers)}: give the right one"
        found.left_out.update(dict.fromkeys(asked, reason))
        return
    for name, answer in zip(asked, answers, strict=True):
        _one(found, given, [name], DEPLOY + answer)


def _one(found: Read, given: Mapping[str, Any], asked: list[str], answer: str) -> None:
    last = asked[-1]
    for name in asked[:-1]:
        found.left_out[name] = SAME if given[name] == given[last] else f"answered again as {last}"
        if given[name] != given[last]:
            found.problems.append(f"{name} and {last} differ: the latter counts")
    if given[last] in NOTHING:
        found.left_out[last] = "answered with nothing"
    elif (kept := found.values.get(answer)) in NOTHING:
        found.values[answer] = given[last]
    else:
        found.left_out[last] = f"{answer} says what became of it"
        if answer.removeprefix(DEPLOY) not in CHANGED and not _same(kept, given[last]):
            found.problems.append(f"{last} and {answer} differ: the latter counts")


def _answer(question: str) -> str:
    """The answer that a question sets; some bear its very name, some with DIALOG before it."""
    if question == ADMINISTRATOR:
        return "OVESETUP_CONFIG/adminPassword"
    if question in ANSWERS:
        return DEPLOY + ANSWERS[question]
    return question.removeprefix("DIALOG")


def _same(one: Any, other: Any) -> bool:
    if str(one).strip() == str(other).strip():
        return True
    try:
        return readers.flag(one) == readers.flag(other)
    except ValueError:
        return False


def of_engine_setup(name: str) -> bool:
    """Whether an answer is engine-setup's: by its name, or by its question's."""
    match = FORM.fullmatch(name)
    return (match[2] if match else name).startswith(ENGINE_SETUP)
