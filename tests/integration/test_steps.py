"""
The 31 steps of oVirt's design page, each proven by another path than the code took.

One deployment, phase by phase: the tests of a phase look at what stands at its end.
docs/steps.md is made from the markers.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from .site import ADMIN_PASSWORD, BOOTSTRAP, ROOT_PASSWORD, Site, failures

step = pytest.mark.step
MIB, GIB = 1 << 20, 1 << 30
RECORD_CA = "/var/lib/hosted-engine/engine-ca.pem"
CONFIGURATION = "/etc/ovirt-hosted-engine/hosted-engine.conf"
MEMBERS = ["vm.conf", "broker.conf", "version", "fhanswers.conf", "hosted-engine.conf"]


def _phase(site: Site, name: str) -> Site:
    states = site.apply(f"hosted_engine.{name}")
    assert not failures(states), failures(states)
    # What README advises before each phase: it must be green behind each, too.
    tried = site.apply(test=True)
    assert not failures(tried), f"test=True after {name}: {failures(tried)}"
    return site


@pytest.fixture(scope="module")
def fresh(site: Site) -> dict[str, str]:
    """How the host was before the formula touched it."""
    return {
        "default network": site.run(["virsh", "net-info", "default"], codes=(0, 1)).stdout,
        "routes": site.output("ip", "-j", "route"),
    }


@pytest.fixture(scope="module")
def appliance(site: Site, fresh: dict[str, str]) -> Site:
    return _phase(site, "appliance")


@pytest.fixture(scope="module")
def bootstrap(appliance: Site) -> Site:
    return _phase(appliance, "bootstrap")


@pytest.fixture(scope="module")
def engine(bootstrap: Site) -> Site:
    return _phase(bootstrap, "engine")


@pytest.fixture(scope="module")
def handover(engine: Site) -> Site:
    return _phase(engine, "handover")


@pytest.fixture(scope="module")
def deployed(handover: Site) -> Site:
    return _phase(handover, "ha")


def _configuration(site: Site) -> dict[str, str]:
    lines = site.output("cat", CONFIGURATION).splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _volume(site: Site, disk: str) -> str:
    """Path of a disk on the storage, from the mount's listing and the API, not from vdsm."""
    attributes = site.engine().named("disks", disk)
    mount = f"/rhev/data-center/mnt/nas.lab.test:_exports_engine{site.number}"
    image, volume = attributes.get("id"), attributes.findtext("image_id")
    return site.output("find", mount, "-path", f"*/images/{image}/{volume}")


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


@step(9, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_is_in_the_engine(engine: Site) -> None:
    host = engine.engine().named("hosts", "hv1.lab.test")

    assert host.findtext("address") == "hv1.lab.test"
    public = engine.engine()._curl(
        "/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY"
    )
    assert public.split()[1] in engine.output("cat", "/root/.ssh/authorized_keys")


@step(10, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_went_through_non_operational(engine: Site) -> None:
    events = [e.findtext("description") or "" for e in engine.engine().get("/events")]

    assert any("Non-Operational" in event for event in events), events


@step(11, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_routes_are_back(engine: Site, fresh: dict[str, str]) -> None:
    before = [r["gateway"] for r in json.loads(fresh["routes"]) if r["dst"] == "default"]
    now = [r for r in engine.json("ip", "-j", "route") if r["dst"] == "default"]

    assert [route["gateway"] for route in now] == before
    assert now[0]["dev"] == "ovirtmgmt"


@step(12, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_network_configuration_is_saved(engine: Site) -> None:
    saved = engine.output("sh", "-c", "cat /etc/systemd/network/*ovirtmgmt*")

    assert engine.address in saved, "what the next boot reads"


@step(13, phase="engine", state="Hosted engine manages this host", checked="every run")
def test_host_is_up(engine: Site) -> None:
    assert engine.engine().named("hosts", "hv1.lab.test").findtext("status") == "up"


@step(14, phase="engine", state="Hosted engine storage is active", checked="every run")
def test_storage_domain_is_active(engine: Site) -> None:
    datacenter = engine.engine().named("datacenters", "Default")
    domains = engine.engine().get(f"/datacenters/{datacenter.get('id')}/storagedomains")

    assert datacenter.findtext("status") == "up"
    assert [(d.findtext("name"), d.findtext("status")) for d in domains] == [
        ("hosted_storage", "active")
    ]


@pytest.mark.parametrize(
    ("name", "content_type", "size"),
    [
        pytest.param(
            "HostedEngineConfigurationImage", "hosted_engine_configuration", GIB,
            marks=step(15, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_sanlock", "hosted_engine_sanlock", GIB,
            marks=step(16, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_metadata", "hosted_engine_metadata", 128 * MIB,
            marks=step(17, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
        pytest.param(
            "he_virtio_disk", "hosted_engine", 3 * GIB,
            marks=step(18, phase="engine", state="Hosted engine disks exist", checked="every run"),
        ),
    ],
)  # fmt: skip
def test_disk(engine: Site, name: str, content_type: str, size: int) -> None:
    disk = engine.engine().named("disks", name)

    assert disk.findtext("status") == "ok"
    assert disk.findtext("content_type") == content_type
    assert disk.findtext("format") == "raw"
    assert int(engine.output("stat", "-c", "%s", _volume(engine, name))) == size


@step(19, phase="engine", state="Hosted engine VM exists", checked="every run")
def test_vm_is_marked_and_stored(engine: Site) -> None:
    vm = engine.engine().named("vms", "HostedEngine")

    assert vm.findtext("delete_protected") == "true"
    assert vm.findtext("origin") == "managed_hosted_engine"
    stores = [
        _volume_of(engine, disk.get("id"), disk.findtext("image_id"))
        for disk in engine.engine().get("/disks")
        if disk.findtext("content_type") == "ovf_store"
    ]
    assert stores
    listed = [engine.run(["tar", "-tf", store], codes=(0, 2)).stdout for store in stores]
    assert any(f"{vm.get('id')}.ovf" in names for names in listed), listed


def _volume_of(site: Site, image: str | None, volume: str | None) -> str:
    return site.output("find", "/rhev/data-center/mnt", "-path", f"*/images/{image}/{volume}")


@step(21, phase="handover", state="libvirt is reachable over TLS", checked="every run")
def test_libvirt_answers_over_tls(handover: Site) -> None:
    uri = f"qemu+tls://{handover.name}.lab.test/system"

    assert "HostedEngineLocal" in handover.output("virsh", "-c", uri, "list", "--all", "--name")
    said = handover.run(["virsh", "-c", "qemu:///system", "list"], codes=(1,)).stderr
    assert "authentication" in said.lower()


@step(22, phase="handover", state="Bootstrap VM is shut down", checked="until deployed")
def test_bootstrap_vm_is_off(handover: Site) -> None:
    virsh = ("virsh", "-r", "-c", "qemu:///system")
    assert handover.output(*virsh, "domstate", "HostedEngineLocal") == "shut off"
    # libvirtd forgets the reason when it ends for want of clients: QEMU's log keeps it.
    log = handover.output("cat", "/var/log/libvirt/qemu/HostedEngineLocal.log").splitlines()
    ends = [line for line in log if "shutting down, reason=" in line]
    assert ends[-1].endswith("reason=shutdown"), "by ACPI, not destroyed"


@step(24, phase="handover", state="HA configuration is written", checked="every run")
def test_configuration_files(handover: Site) -> None:
    configuration = _configuration(handover)

    assert handover.output("stat", "-c", "%u:%g %a", CONFIGURATION) == "36:36 440"
    assert configuration["fqdn"] == handover.fqdn
    assert configuration["spUUID"] == "00000000-0000-0000-0000-000000000000"
    assert configuration["storage"] == f"nas.lab.test:/exports/engine{handover.number}"
    sourced = handover.output("bash", "-c", f"source {CONFIGURATION}; echo $vmid $host_id $conf")
    assert sourced == " ".join(configuration[key] for key in ("vmid", "host_id", "conf"))
    for member in MEMBERS:
        assert ADMIN_PASSWORD not in _member(handover, member)


def _archive_path(site: Site) -> str:
    configuration = _configuration(site)
    return site.output(
        "find", "/rhev/data-center/mnt", "-path",
        f"*/images/{configuration['conf_image_UUID']}/{configuration['conf_volume_UUID']}",
    )  # fmt: skip


def _member(site: Site, name: str) -> str:
    """As the agent reads it: user vdsm, dd, tar."""
    path = _archive_path(site)
    return site.output(
        "runuser", "-u", "vdsm", "--",
        "sh", "-c", f"dd if={path} bs=4k status=none | tar -xOf - {name}",
    )  # fmt: skip


@step(25, phase="handover", state="HA configuration is written", checked="every run")
def test_archive_is_what_the_agent_reads(handover: Site) -> None:
    path = _archive_path(handover)
    listed = handover.output("sh", "-c", f"dd if={path} bs=4k status=none | tar -tf -")

    assert sorted(listed.splitlines()) == sorted(MEMBERS)
    after = handover.output(
        "sh", "-c", f"dd if={path} bs=20480 skip=1 count=51 status=none | tr -d '\\0' | wc -c"
    )
    assert after == "0", "nothing beyond 20480 bytes"


@step(26, phase="handover", state="HA configuration is written", checked="until deployed")
def test_vm_conf_is_there_for_the_agent(handover: Site) -> None:
    path = "/var/run/ovirt-hosted-engine-ha/vm.conf"

    assert handover.output("stat", "-c", "%u:%g %a", path) == "36:36 640"
    assert handover.output("cat", path) == _member(handover, "vm.conf")


@step(27, phase="handover", state="HA configuration is written", checked="every run")
def test_archive_lies_on_the_shared_storage(handover: Site) -> None:
    source = handover.output("findmnt", "-n", "-o", "SOURCE", "-T", _archive_path(handover))

    assert source.startswith(f"nas.lab.test:/exports/engine{handover.number}")


@step(28, phase="handover", state="HA configuration is written", checked="every run")
def test_archive_holds_the_hosts_configuration(handover: Site) -> None:
    assert _member(handover, "hosted-engine.conf") == handover.output("cat", CONFIGURATION)


@step(
    29, phase="handover", state="Engine disk is copied to shared storage", checked="until deployed"
)
def test_disk_is_copied_whole(handover: Site) -> None:
    configuration = _configuration(handover)
    path = handover.output(
        "find", "/rhev/data-center/mnt", "-path",
        f"*/images/{configuration['vm_disk_id']}/{configuration['vm_disk_vol_id']}",
    )  # fmt: skip

    overlay = f"{BOOTSTRAP}/disk.qcow2"
    # The target is larger than the source: what is beyond must read as zeros, which compare proves.
    compared = handover.output("qemu-img", "compare", "-f", "qcow2", "-F", "raw", overlay, path)

    assert "Images are identical." in compared


@step(
    20,
    phase="handover",
    state="Guest is prepared to run on shared storage",
    checked="until deployed",
)
@pytest.mark.feature("static", "root")
def test_guest_kept_nothing_of_the_bootstrap(deployed: Site) -> None:
    with deployed.backup("HostedEngine", "vda") as files:
        hosts = (files / "etc/hosts").read_text()
        keys = files / "root/.ssh/authorized_keys"
        authorized = keys.read_text() if keys.exists() else ""
        names = {entry.name for entry in (files / "root").iterdir()}
        units = {entry.name for entry in (files / "etc/systemd/system").iterdir()}
        cloud = {entry.name for entry in (files / "var/lib/cloud").glob("*")}
        profiles = files / "etc/NetworkManager/system-connections"
        network = "".join(entry.read_text() for entry in profiles.iterdir())
        shadow = (files / "etc/shadow").read_text()

    assert "hosted-engine bootstrap" not in hosts
    assert "ecdsa-sha2-nistp256" not in authorized, "the ephemeral key"
    # The appliance's own, which holds no secret, stays; ours is gone.
    assert [name for name in names if "answers" in name] == ["ovirt-engine-answers"]
    assert not cloud & {"instance", "instances"}
    assert not {unit for unit in units if unit.startswith("hosted-engine-")}
    assert deployed.engine_address in network
    assert "\nroot:$6$" in f"\n{shadow}", "the password that the pillar gives"


@step(23, phase="ha", state="Bootstrap VM is removed", checked="every run")
def test_nothing_of_the_bootstrap_is_left(deployed: Site) -> None:
    domains = deployed.output("virsh", "-r", "-c", "qemu:///system", "list", "--all", "--name")
    networks = deployed.output("virsh", "-r", "-c", "qemu:///system", "net-list", "--all", "--name")

    assert "HostedEngineLocal" not in domains
    assert "hosted-engine" not in networks.split()
    assert deployed.output("find", "/var/lib/hosted-engine", "-path", "*bootstrap*") == ""
    names = [vm.findtext("name") for vm in deployed.engine().get("/vms")]
    assert names == ["HostedEngine"], "its external entry is gone too"


@step(
    30,
    phase="ha",
    state="Engine name no longer resolves to the bootstrap VM",
    checked="every run",
)
def test_hosts_entry_is_gone(deployed: Site) -> None:
    assert deployed.fqdn not in deployed.output("cat", "/etc/hosts")
    found = deployed.output("getent", "ahostsv4", deployed.fqdn).split()[0]
    assert found == deployed.engine_address


@step(31, phase="ha", state="HA agent is running", checked="every run")
def test_engine_is_healthy_on_shared_storage(deployed: Site) -> None:
    status = deployed.json("hosted-engine", "--vm-status", "--json")

    assert status["1"]["engine-status"]["vm"] == "up"
    assert status["1"]["engine-status"]["health"] == "good"
    assert status["global_maintenance"] is False
    assert "Welcome to Health Status" in deployed.engine().health()
    path = _volume(deployed, "he_virtio_disk")
    running = deployed.output("virsh", "-r", "-c", "qemu:///system", "domblklist", "HostedEngine")
    inode = deployed.output("stat", "-Lc", "%i", path)
    source = running.split()[-1]
    assert deployed.output("stat", "-Lc", "%i", source) == inode
    for unit in ("ovirt-ha-broker", "ovirt-ha-agent"):
        assert deployed.output("systemctl", "is-enabled", unit) == "enabled"


@pytest.mark.feature("unchanged")
def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply()

    assert not failures(states), failures(states)
    assert [s.id for s in states if s.result is not True] == []
    assert {s.id: s.changes for s in states if s.changes} == {}


def test_no_secret_is_left_on_the_host(deployed: Site) -> None:
    """Logs, caches, records, process lists: grep reads them all."""
    for secret in (ADMIN_PASSWORD, ROOT_PASSWORD):
        found = deployed.run(
            ["grep", "-rlF", "--file=/dev/stdin",
             "/var/log", "/var/cache/salt", "/var/lib/hosted-engine", "/etc/ovirt-hosted-engine"],
            input=secret + "\n", codes=(0, 1, 2),
        ).stdout  # fmt: skip
        assert found == ""


def test_step_markers_cover_the_design_page() -> None:
    # The page numbers 23 twice and has no 22: shutdown and undefine are ours under 22 and 23.
    text = Path(__file__).read_text()
    assert {int(n) for n in re.findall(r"step\(\s*(\d+),", text)} == set(range(1, 32))
