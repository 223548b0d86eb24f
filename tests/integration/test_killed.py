"""A run that is killed, in any phase, or whose host loses power, is healed by a plain rerun."""

from __future__ import annotations

import pytest

from .site import BOOTSTRAP, Site, changes, failures

READ_ONLY = "virsh -r -c qemu:///system"
STORAGE = "/rhev/data-center/mnt"


def _everything(site: Site) -> str:
    """What a run could have touched: packages, files of ours, libvirt, rules, hosts."""
    return site.output(
        "sh",
        "-c",
        "dpkg-query -W; cat /etc/hosts; ip rule; ip route; find /var/lib/hosted-engine /etc/pki"
        " /etc/ovirt-hosted-engine /root/.ssh -printf '%p %T@ %m\\n' 2>/dev/null;"
        f" {READ_ONLY} list --all; {READ_ONLY} net-list --all; true",
    )


def _green(site: Site) -> None:
    """Test mode says what would be next, and fails nowhere: whatever the killed run left."""
    states = site.apply(test=True)
    assert not failures(states), failures(states)


@pytest.mark.feature("dry_run")
def test_test_mode_touches_nothing_and_names_what_is_next(site: Site) -> None:
    before = _everything(site)

    states = site.apply(test=True)

    assert not failures(states), failures(states)
    assert _everything(site) == before
    waiting = [state for state in states if state.result is None]
    assert len(waiting) > len(states) / 2
    assert all(state.comment for state in waiting)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(
            "ls -A /var/lib/hosted-engine/bootstrap/.appliance*", id="appliance-half-there"
        ),
        pytest.param(f"test -s {BOOTSTRAP}/seed.iso", id="seed-written"),
        pytest.param(
            f"{READ_ONLY} domstate HostedEngineLocal | grep -q running", id="bootstrap-vm-started"
        ),
        pytest.param(
            f"grep -aq 'Starting.*hosted-engine-set' {BOOTSTRAP}/console.log",
            id="engine-setup-runs",
        ),
    ],
)
def test_killed_on_the_way_to_the_engine(site: Site, condition: str) -> None:
    site.killed_when(condition)

    _green(site)


def test_power_cut_while_engine_setup_runs(site: Site) -> None:
    overlay = site.output("stat", "-c", "%i %W", f"{BOOTSTRAP}/disk.qcow2")
    site.power_cut()

    site.killed_when("test -s /var/lib/hosted-engine/setup.json")

    rebuilt = site.output("stat", "-c", "%i %W", f"{BOOTSTRAP}/disk.qcow2")
    assert rebuilt != overlay, "a guest that wasn't seen complete is rebuilt, not booted again"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("ip link show ovirtmgmt", id="host-being-installed"),
        pytest.param(f"ls -d {STORAGE}/nas*/*/dom_md", id="storage-domain-added"),
        pytest.param(f"ls -d {STORAGE}/nas*/*/images/*", id="disks-being-added"),
        pytest.param("test -s /etc/ovirt-hosted-engine/hosted-engine.conf", id="configuration"),
        pytest.param(
            f"{READ_ONLY} domstate HostedEngineLocal | grep -q 'shut off'", id="bootstrap-vm-off"
        ),
        pytest.param("pgrep -f '[q]emu-img convert'", id="disk-half-copied"),
        pytest.param("systemctl is-active ovirt-ha-broker", id="broker-started"),
        pytest.param("systemctl is-enabled ovirt-ha-agent", id="agent-enabled"),
    ],
)
def test_killed_on_the_way_to_the_final_place(site: Site, condition: str) -> None:
    site.killed_when(condition)

    _green(site)


@pytest.mark.feature("resume")
def test_a_plain_rerun_heals_it_all(site: Site) -> None:
    states = site.apply()

    assert not failures(states), failures(states)
    assert "Welcome to Health Status" in site.engine().health()
    status = site.json("hosted-engine", "--vm-status", "--json")
    assert status["1"]["engine-status"]["health"] == "good"
    again = site.apply()
    assert not failures(again), failures(again)
    assert changes(again) == {}
    assert len(site.engine().get("/disks")) == 6, "four of ours and two OVF stores, no left-overs"


def test_power_cut_of_a_deployed_host(site: Site) -> None:
    site.power_cut()

    states = site.apply()

    assert not failures(states), failures(states)
    assert "Welcome to Health Status" in site.engine().health()
    assert site.run(["virsh", "-r", "list", "--all", "--name"]).stdout.split() == ["HostedEngine"]
