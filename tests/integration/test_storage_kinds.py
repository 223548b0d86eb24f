"""Whole deployments on further storage: Gluster, with DHCP and a cow disk; Fibre Channel."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

import pytest
from hosts.settings import engine_mac

from .site import Site, changes, failures, lab

pytestmark = pytest.mark.extensive

NO_NFS = {"address": "", "path": ""}
# As the lab names the LUNs that Fibre Channel shows.
FC_LUN = "36001405" + hashlib.sha256(b"fc-large").hexdigest()[:25]


class Kind(NamedTuple):
    """A kind of storage: pillar, and what must be seen of it."""

    pillar: dict[str, Any]
    configuration: dict[str, str]
    below: str
    disk: str
    form: str


GLUSTER = Kind(
    pillar={
        "storage": {
            "type": "glusterfs",
            "address": "gluster.lab.test",
            "path": "/engine1",
            "mount_options": "backup-volfile-servers=nas.lab.test",
        },
        "vm": {"address": "", "dns": [], "mac": engine_mac(1), "disk_format": "cow"},
    },
    configuration={
        "domainType": "glusterfs",
        "storage": "gluster.lab.test:/engine1",
        "mnt_options": "backup-volfile-servers=nas.lab.test",
    },
    below="/rhev/data-center/mnt/glusterSD/gluster.lab.test:_engine1/",
    disk="file",
    form="qcow2",
)
FC = Kind(
    pillar={"storage": {**NO_NFS, "type": "fc", "lun": FC_LUN}},
    configuration={"domainType": "fc"},
    below="/run/vdsm/storage/",
    disk="block",
    form="raw",
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(GLUSTER, id="glusterfs", marks=pytest.mark.feature("glusterfs")),
        pytest.param(FC, id="fc", marks=pytest.mark.feature("fc")),
    ],
)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(scope="module")
def deployed(kind: Kind) -> Site:
    site = Site.fresh("hv1")
    if kind is GLUSTER:
        lab("gluster", f"engine{site.number}")
    site.pillar(**kind.pillar)
    states = site.apply()
    assert not failures(states), failures(states)
    return site


def test_engine_is_healthy_on_shared_storage(deployed: Site) -> None:
    status = deployed.json("hosted-engine", "--vm-status", "--json")

    assert status["1"]["engine-status"] == {"vm": "up", "health": "good", "detail": "Up"}
    assert "Welcome to Health Status" in deployed.engine().health()


def test_configuration_names_the_storage(deployed: Site, kind: Kind) -> None:
    configuration = deployed.configuration()

    assert {key: configuration[key] for key in kind.configuration} == kind.configuration
    volume = deployed.volume(configuration["conf_image_UUID"], configuration["conf_volume_UUID"])
    assert volume.startswith(kind.below)
    listed = deployed.output("sh", "-c", f"dd if={volume} bs=4k status=none | tar -tf -")
    assert "hosted-engine.conf" in listed.splitlines()


@pytest.mark.feature("disk_format")
def test_vm_runs_from_the_disk_that_was_asked_for(deployed: Site, kind: Kind) -> None:
    configuration = deployed.configuration()
    volume = deployed.volume(configuration["vm_disk_id"], configuration["vm_disk_vol_id"])

    running = deployed.output(
        "virsh", "-r", "-c", "qemu:///system", "domblklist", "--details", "HostedEngine"
    )
    about = json.loads(deployed.output("qemu-img", "info", "-U", "--output=json", volume))

    assert running.splitlines()[2].split()[0] == kind.disk
    assert about["format"] == kind.form
    assert about["virtual-size"] >= 3 << 30


def test_gluster_s_volume_is_mounted(deployed: Site, kind: Kind) -> None:
    if kind is not GLUSTER:
        pytest.skip("of Gluster alone")
    mounted = deployed.output("findmnt", "-n", "-o", "SOURCE,FSTYPE", kind.below.rstrip("/"))

    assert mounted.split() == ["gluster.lab.test:/engine1", "fuse.glusterfs"]
    domain = deployed.engine().named("storagedomains", "hosted_storage")
    assert domain.findtext("storage/vfs_type") == "glusterfs"
    reported = deployed.json("vdsm-client", "Host", "getCapabilities")["packages2"]
    assert "glusterfs-cli" in reported, "the formula's own: vdsm's package doesn't bring it here"


@pytest.mark.feature("dhcp")
def test_vm_has_the_address_that_dhcp_keeps_for_it(deployed: Site, kind: Kind) -> None:
    if kind is not GLUSTER:
        pytest.skip("the other one has a static address")
    deployed.run(["ping", "-c1", "-W5", deployed.engine_address])

    neighbours = deployed.json("ip", "-j", "neighbour", "show", deployed.engine_address)

    assert neighbours[0]["lladdr"] == engine_mac(1)


@pytest.mark.feature("unchanged")
def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply()

    assert not failures(states), failures(states)
    assert changes(states) == {}
