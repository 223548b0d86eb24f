"""A whole deployment with Debian's sanlock, its lease times, and libvirt's plugin that asks it."""

from __future__ import annotations

import pytest

from .site import Site, changes, failures

pytestmark = pytest.mark.extensive


@pytest.fixture(scope="module")
def deployed() -> Site:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOSTED_ENGINE_SANLOCK", "debian")
        site = Site.fresh("hv1")
    states = site.apply()
    assert not failures(states), failures(states)
    return site


def test_the_real_sanlock_is_installed(deployed: Site) -> None:
    versions = deployed.output(
        "dpkg-query", "--show", "sanlock", "python3-sanlock", "libvirt-sanlock"
    )

    assert "lab" not in versions


def test_engine_is_healthy(deployed: Site) -> None:
    status = deployed.json("hosted-engine", "--vm-status", "--json")

    assert status["1"]["engine-status"] == {"vm": "up", "health": "good", "detail": "Up"}


def test_this_host_has_its_id_in_both_lockspaces(deployed: Site) -> None:
    configuration = deployed.configuration()

    held = deployed.output("sanlock", "client", "status").splitlines()

    spaces = {line.split(":")[0] for line in held if line.startswith("s ")}
    assert spaces == {"s hosted-engine", f"s {configuration['sdUUID']}"}


def test_the_lockspace_on_storage_names_this_host(deployed: Site) -> None:
    configuration = deployed.configuration()
    image, volume = (configuration[f"lockspace_{what}_UUID"] for what in ("image", "volume"))
    path = deployed.volume(image, volume).replace(":", "\\:")

    dumped = deployed.output("sanlock", "direct", "dump", path).splitlines()[1:]

    (own,) = (line.split() for line in dumped if " hosted-engine " in line)
    assert own[2] == deployed.output("cat", "/etc/vdsm/vdsm.id")
    assert int(own[4]) == int(configuration["host_id"])


def holder(site: Site) -> str:
    """The process that holds the lease of the disk of the engine's VM."""
    configuration = site.configuration()
    held = site.output("sanlock", "client", "status").splitlines()
    wanted = f"r {configuration['sdUUID']}:{configuration['vm_disk_vol_id']}:"
    (lease,) = (line for line in held if line.startswith(wanted))
    return lease.split()[-1]


def test_qemu_holds_the_lease_of_the_vms_disk(deployed: Site) -> None:
    assert holder(deployed) == deployed.output("cat", "/run/libvirt/qemu/HostedEngine.pid")


def test_no_other_process_gets_that_lease(deployed: Site) -> None:
    configuration = deployed.configuration()
    image, volume = configuration["vm_disk_id"], configuration["vm_disk_vol_id"]
    path = f"{deployed.volume(image, volume)}.lease".replace(":", "\\:")
    resource = f"{configuration['sdUUID']}:{volume}:{path}:0"

    tried = deployed.run(
        ["sanlock", "client", "command", "-r", resource, "-c", "/bin/true"], codes=(0, 1)
    )

    assert "acquire done -17" in tried.stdout + tried.stderr, "one daemon, one holder"


@pytest.mark.feature("unchanged")
def test_second_run_changes_nothing(deployed: Site) -> None:
    states = deployed.apply()

    assert not failures(states), failures(states)
    assert changes(states) == {}


def test_after_a_power_cut_the_host_has_its_id_and_the_lease_again(deployed: Site) -> None:
    deployed.power_cut()

    states = deployed.apply()

    assert not failures(states), failures(states)
    assert holder(deployed) == deployed.output("cat", "/run/libvirt/qemu/HostedEngine.pid")
