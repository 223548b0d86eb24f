"""
A whole deployment on iSCSI: the lab's target wants CHAP for sessions and for discoveries, and has
one LUN that is free and large enough, one that is too small, one that is used.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import time

import pytest
from hosts.settings import GATEWAY, ISCSI_DISCOVERY, ISCSI_SESSION, STORAGE, target

from .site import ADMIN_PASSWORD, MINUTES, Site, changes, failures

MEMBERS = {"vm.conf", "broker.conf", "version", "fhanswers.conf", "hosted-engine.conf"}
# The id that tgt makes for LUN 1 of target 1, as multipath writes it.
LARGE = "360000000000000000e00000000010001"
LUN_IMAGE = "iscsi-engine1-large"
SESSIONS = {f"{GATEWAY}:3260,1 {target('engine1')} (non-flash)"}
KEPT_SECRET = "/etc/ovirt-hosted-engine/hosted-engine.conf"


def pillar(site: Site, discovery_password: str = ISCSI_DISCOVERY[1]) -> None:
    site.pillar(
        storage={
            # The lab's own pillar is for NFS.
            "address": "",
            "path": "",
            "type": "iscsi",
            "portals": [GATEWAY],
            "target": target("engine1"),
            "user": ISCSI_SESSION[0],
            "discovery_user": ISCSI_DISCOVERY[0],
            "discard_after_delete": True,
        },
        secrets={
            "iscsi_password": ISCSI_SESSION[1],
            "iscsi_discovery_password": discovery_password,
        },
    )


@pytest.fixture(scope="module")
def tools(site: Site) -> Site:
    """A host with the iSCSI tools, as many have them before vdsm comes."""
    site.run(["apt-get", "-qq", "update"])
    site.run(["apt-get", "-qq", "install", "open-iscsi"])
    return site


@pytest.fixture(scope="module")
def deployed(tools: Site) -> Site:
    pillar(tools)
    states = tools.apply()
    assert not failures(states), failures(states)
    return tools


@pytest.mark.feature("storage_devices", "iscsi_discovery_chap")
def test_targets_are_listed_before_there_is_an_engine(tools: Site) -> None:
    pillar(tools)

    seen = tools.call("hosted_engine.storage_devices")

    assert seen["asked"] == "host"
    assert {"target": target("engine1"), "address": GATEWAY, "port": 3260, "portal": "1"} in seen[
        "targets"
    ]
    assert tools.output("find", "/etc/iscsi", "-name", "st_config") == "", "no record is left"


@pytest.mark.feature("iscsi_discovery_chap")
def test_a_wrong_discovery_password_is_told_and_not_shown(tools: Site) -> None:
    pillar(tools, discovery_password="Wrong-CHAP-secret")

    said = tools.run(
        ["salt-call", "--local", "hosted_engine.storage_devices"], codes=tuple(range(1, 128))
    )

    assert "authorization failure" in said.stdout + said.stderr
    assert "Wrong-CHAP-secret" not in said.stdout + said.stderr
    assert tools.output("find", "/etc/iscsi", "-name", "st_config") == ""


@pytest.mark.feature("iscsi", "iscsi_chap")
def test_engine_is_healthy_on_shared_storage(deployed: Site) -> None:
    status = deployed.json("hosted-engine", "--vm-status", "--json")

    assert status["1"]["engine-status"] == {"vm": "up", "health": "good", "detail": "Up"}
    assert "Welcome to Health Status" in deployed.engine().health()
    assert sessions(deployed) == SESSIONS


@pytest.mark.feature("lun_chosen", "discard")
def test_domain_lies_on_the_only_fit_lun_and_gives_blocks_back(deployed: Site) -> None:
    domain = deployed.engine().named("storagedomains", "hosted_storage")

    units = [unit.get("id") for unit in domain.iter("logical_unit")]
    assert units == [LARGE]
    assert domain.findtext("storage/type") == "iscsi"
    assert domain.findtext("discard_after_delete") == "true"
    seen = deployed.call("hosted_engine.storage_devices")
    assert seen["asked"] == "engine"
    assert {lun["id"]: bool(lun["why_not"]) for lun in seen["luns"]} == {
        LARGE: True,
        LARGE[:-1] + "2": True,
        LARGE[:-1] + "3": True,
    }


@pytest.mark.feature("iscsi", "iscsi_chap")
def test_configuration_has_what_ha_logs_in_with(deployed: Site) -> None:
    configuration = deployed.configuration()

    wanted = {
        "domainType": "iscsi",
        "storage": GATEWAY,
        "port": "3260",
        "iqn": target("engine1"),
        "portal": "1",
        "user": ISCSI_SESSION[0],
        "password": ISCSI_SESSION[1],
    }
    assert {key: configuration[key] for key in wanted} == wanted
    assert deployed.output("stat", "-c", "%u:%g %a", KEPT_SECRET) == "36:36 440"


def sessions(site: Site) -> set[str]:
    lines = site.output("iscsiadm", "-m", "session").splitlines()
    return {line.partition("] ")[2] for line in lines}


def archive(site: Site) -> str:
    configuration = site.configuration()
    return site.volume(configuration["conf_image_UUID"], configuration["conf_volume_UUID"])


def test_archive_is_what_the_agent_reads(deployed: Site) -> None:
    path = archive(deployed)
    assert path.startswith("/run/vdsm/storage/")
    read = f"dd if={path} bs=4k iflag=direct status=none | tar"
    as_vdsm = ["runuser", "-u", "vdsm", "--", "sh", "-c"]

    listed = deployed.output(*as_vdsm, f"{read} -tf -")
    configuration = deployed.output(*as_vdsm, f"{read} -xOf - hosted-engine.conf")

    assert set(listed.splitlines()) == MEMBERS
    assert configuration == deployed.output("cat", KEPT_SECRET)


def test_archive_lies_on_the_lun_itself(deployed: Site) -> None:
    device = deployed.output("basename", deployed.output("readlink", "-f", archive(deployed)))
    offset = int(deployed.output("cat", f"/sys/block/{device}/loop/offset"))

    # As the target has it, on the machine: past the host and its devices.
    with (STORAGE / "san" / f"{LUN_IMAGE}.img").open("rb") as lun:
        lun.seek(offset)
        content = lun.read(20480)

    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert set(tar.getnames()) == MEMBERS


def test_no_password_lies_in_any_block_of_the_lun(deployed: Site) -> None:
    """Free blocks too: what a removed file held is copied with the bootstrap VM's disk."""
    image = STORAGE / "san" / f"{LUN_IMAGE}.img"

    def lines(text: str) -> int:
        words = ["grep", "--null-data", "--count", "--fixed-strings", "--regexp", text, image]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        return int(done.stdout)

    deployed.output("sync")
    assert lines(deployed.fqdn) > 0
    assert lines(ADMIN_PASSWORD) == 0


def test_vm_runs_from_its_device_under_a_lease(deployed: Site) -> None:
    configuration = deployed.configuration()
    volume = deployed.volume(configuration["vm_disk_id"], configuration["vm_disk_vol_id"])

    running = deployed.output(
        "virsh", "-r", "-c", "qemu:///system", "domblklist", "--details", "HostedEngine"
    )
    kind, device, _name, source = running.splitlines()[2].split()

    assert (kind, device) == ("block", "disk")
    same = deployed.output("readlink", "-f", source, volume).split()
    assert same[0] == same[1]
    held = deployed.output("sanlock", "client", "status")
    assert f"r {configuration['sdUUID']}:{configuration['vm_disk_vol_id']}:/dev/" in held


def test_no_chap_secret_is_left(deployed: Site) -> None:
    """But where HA reads it: logs, caches, records, the journal and the other files have none."""
    folders = ["/var/log", "/var/cache/salt", "/var/lib/hosted-engine", "/root", "/tmp", "/var/tmp"]
    configured = ["/etc/ovirt-hosted-engine", "/etc/iscsi", "/run/ovirt-hosted-engine-ha"]
    for secret in (ISCSI_SESSION[1], ISCSI_DISCOVERY[1]):
        found = deployed.holding(secret, *folders, *configured)
        kept = [KEPT_SECRET] if secret == ISCSI_SESSION[1] else []
        assert found == kept
        assert secret not in deployed.output("sh", "-c", "ps -eo args; journalctl --no-pager")
    answers = (
        f"dd if={archive(deployed)} bs=4k iflag=direct status=none | tar -xOf - fhanswers.conf"
    )
    said = deployed.output("sh", "-c", answers)
    assert deployed.fqdn in said
    assert ISCSI_SESSION[1] not in said
    assert ISCSI_DISCOVERY[1] not in said


@pytest.mark.feature("unchanged")
def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply()

    assert not failures(states), failures(states)
    assert changes(states) == {}


@pytest.mark.feature("connect_storage")
def test_ha_logs_in_by_itself_after_a_power_cut(deployed: Site) -> None:
    deployed.power_cut()

    deadline = time.monotonic() + 5 * MINUTES
    # What the metadata say of health may still be from before the cut: the engine's page isn't.
    alive = ["hosted-engine", "--check-liveliness"]
    while deployed.run(alive, codes=tuple(range(128))).returncode:
        assert time.monotonic() < deadline, deployed.output(
            "tail", "-n", "30", "/var/log/ovirt-hosted-engine-ha/agent.log"
        )
        time.sleep(2)
    deployed.output("hosted-engine", "--connect-storage")
    assert sessions(deployed) == SESSIONS
