"""Phase ha: the engine runs on shared storage, and nothing of the bootstrap is left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..site import ADMIN_PASSWORD, ROOT_PASSWORD, Site, failures

step = pytest.mark.step


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
    path = deployed.disk("he_virtio_disk")
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
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert {int(n) for n in re.findall(r"step\(\s*(\d+),", text)} == set(range(1, 32))
