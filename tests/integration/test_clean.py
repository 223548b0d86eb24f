"""hosted_engine.clean takes a deployment down that failed, in any phase; the next starts anew."""

from __future__ import annotations

import pytest

from .site import BOOTSTRAP, Site, changes, failures

READ_ONLY = "virsh -r -c qemu:///system"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(f"test -s {BOOTSTRAP}/appliance.qcow2", id="appliance"),
        pytest.param(f"{READ_ONLY} domstate HostedEngineLocal | grep -q running", id="bootstrap"),
        pytest.param("ls -d /rhev/data-center/mnt/nas*/*/images/*", id="engine"),
        pytest.param("pgrep -f '[q]emu-img convert'", id="handover"),
        pytest.param("systemctl is-active ovirt-ha-broker", id="ha"),
    ],
)
@pytest.mark.feature("clean")
def test_clean_after_a_failure(site: Site, condition: str) -> None:
    site.killed_when(condition)

    states = site.apply("hosted_engine.clean")

    assert not failures(states), failures(states)
    assert site.run(["find", "/var/lib/hosted-engine"], codes=(0, 1)).stdout.count("bootstrap") == 0
    assert site.output("sh", "-c", f"{READ_ONLY} list --all --name") == ""
    assert "hosted-engine" not in site.output("sh", "-c", f"{READ_ONLY} net-list --all --name")
    assert site.fqdn not in site.output("cat", "/etc/hosts")
    assert site.run(["ls", "/etc/ovirt-hosted-engine/hosted-engine.conf"], codes=(2,))
    exported = site.output("find", f"/srv/nas/exports/engine{site.number}", "-name", "dom_md")
    assert exported == "", "no storage domain blocks the next run"
    again = site.apply("hosted_engine.clean")
    assert changes(again) == {}
    tried = site.apply(test=True)
    assert not failures(tried), failures(tried)


@pytest.mark.feature("clean")
def test_the_next_run_starts_anew(site: Site) -> None:
    states = site.apply()

    assert not failures(states), failures(states)
    assert "Welcome to Health Status" in site.engine().health()


def test_clean_never_touches_a_deployed_engine(site: Site) -> None:
    states = site.apply("hosted_engine.clean")

    assert failures(states), "it must be told so by name"
    assert changes(states) == {}
    assert "Welcome to Health Status" in site.engine().health()
