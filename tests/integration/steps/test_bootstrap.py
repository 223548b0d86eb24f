"""Phases appliance and bootstrap: the image, its seed, and the VM in which the engine is set up."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from ..site import BOOTSTRAP, ROOT_PASSWORD, Site

RECORD_CA = "/var/lib/hosted-engine/engine-ca.pem"

step = pytest.mark.step


@step(1, phase="appliance", state="Hosted engine packages are installed", checked="every run")
def test_packages_and_libraries(appliance: Site) -> None:
    installed = appliance.output("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")

    for package in ("ovirt-hosted-engine-setup", "ovirt-hosted-engine-ha", "vdsm"):
        assert f"{package} installed" in installed
    appliance.output("/opt/saltstack/salt/bin/python3", "-c", "import ovirtsdk4, libvirt, pycdlib")


@step(2, phase="appliance", state="Bootstrap directory exists", checked="until deployed")
def test_directory_is_ours_alone(appliance: Site) -> None:
    assert appliance.output("stat", "-c", "%U:%G %a", BOOTSTRAP) == "root:root 711"


@step(3, phase="appliance", state="Appliance is extracted", checked="until deployed")
@pytest.mark.feature("appliance_package")
def test_appliance_is_the_packages_image(appliance: Site) -> None:
    packaged = appliance.output(
        "sh", "-c", ". /etc/ovirt-hosted-engine/10-appliance.conf; echo $path"
    )

    compared = appliance.output("qemu-img", "compare", packaged, f"{BOOTSTRAP}/appliance.qcow2")

    assert compared == "Images are identical."


@step(4, phase="bootstrap", state="Bootstrap seed is written", checked="until deployed")
def test_seed_is_closed_and_holds_what_cloud_init_needs(bootstrap: Site, tmp_path: Path) -> None:
    seed = f"{BOOTSTRAP}/seed.iso"
    # Not every kernel here reads ISO 9660.
    image = bootstrap.on_machine(seed)
    extract = ["xorriso", "-osirrox", "on", "-indev", image, "-extract", "/user-data"]
    subprocess.run([*extract, tmp_path / "user-data"], check=True, capture_output=True)
    read = (tmp_path / "user-data").read_text()

    assert bootstrap.output("stat", "-c", "%a", seed) == "600"
    assert bootstrap.output("blkid", "-s", "LABEL", "-o", "value", seed) == "cidata"
    assert read.startswith("#cloud-config\n")
    user_data = json.loads(read.split("\n", 1)[1])
    assert user_data["ssh_keys"]["ecdsa_private"].startswith("-----BEGIN")
    assert ROOT_PASSWORD not in read, "a hash is enough"


@step(5, phase="bootstrap", state="Bootstrap VM is running", checked="until deployed")
def test_bootstrap_vm_runs_on_a_network_of_its_own(bootstrap: Site, fresh: dict[str, str]) -> None:
    assert bootstrap.output("virsh", "domstate", "HostedEngineLocal") == "running"
    definition = bootstrap.output("virsh", "dumpxml", "HostedEngineLocal")
    assert "network='hosted-engine'" in definition
    now = bootstrap.run(["virsh", "net-info", "default"], codes=(0, 1)).stdout
    assert now == fresh["default network"]
    assert f'"dst":"{_nat(bootstrap)}"' in bootstrap.output("ip", "-j", "rule").replace(" ", "")


def _nat(site: Site) -> str:
    routes = site.json("ip", "-j", "route")
    bridge = re.search(
        r"<bridge name='([^']+)'",
        site.output("virsh", "-r", "-c", "qemu:///system", "net-dumpxml", "hosted-engine"),
    )
    assert bridge
    return next(r["dst"] for r in routes if r["dev"] == bridge[1]).split("/")[0]


@step(
    6,
    phase="bootstrap",
    state="Engine name resolves to the bootstrap VM",
    checked="until deployed",
)
def test_host_finds_the_bootstrap_vm(bootstrap: Site) -> None:
    address = bootstrap.output("getent", "ahostsv4", bootstrap.fqdn).split()[0]

    assert address.rsplit(".", 1)[0] == _nat(bootstrap).rsplit(".", 1)[0]
    assert bootstrap.output("getent", "ahostsv4", f"{bootstrap.name}.lab.test")


@step(7, phase="bootstrap", state="engine-setup is complete", checked="until deployed")
@pytest.mark.feature("verified")
def test_engine_answers_with_verified_tls(bootstrap: Site) -> None:
    assert "Welcome to Health Status" in bootstrap.engine(RECORD_CA).health()


@step(8, phase="bootstrap", state="Bootstrap seed is written", checked="until deployed")
def test_guest_knows_itself_and_the_host(bootstrap: Site) -> None:
    assert bootstrap.guest("getent", "ahostsv4", bootstrap.fqdn).startswith("192.168.")
    assert bootstrap.address in bootstrap.guest("getent", "ahostsv4", "hv1.lab.test")
