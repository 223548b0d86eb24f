"""Phase handover: HA's configuration and the copied disk."""

from __future__ import annotations

import pytest

from ..site import ADMIN_PASSWORD, BOOTSTRAP, Site

CONFIGURATION = "/etc/ovirt-hosted-engine/hosted-engine.conf"
MEMBERS = ["vm.conf", "broker.conf", "version", "fhanswers.conf", "hosted-engine.conf"]

step = pytest.mark.step


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
    configuration = handover.configuration()

    assert handover.output("stat", "-c", "%u:%g %a", CONFIGURATION) == "36:36 440"
    assert configuration["fqdn"] == handover.fqdn
    assert configuration["spUUID"] == "00000000-0000-0000-0000-000000000000"
    assert configuration["storage"] == f"nas.lab.test:/exports/engine{handover.number}"
    sourced = handover.output("bash", "-c", f"source {CONFIGURATION}; echo $vmid $host_id $conf")
    assert sourced == " ".join(configuration[key] for key in ("vmid", "host_id", "conf"))
    for member in MEMBERS:
        assert ADMIN_PASSWORD not in _member(handover, member)


def _archive_path(site: Site) -> str:
    configuration = site.configuration()
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
    configuration = handover.configuration()
    path = handover.output(
        "find", "/rhev/data-center/mnt", "-path",
        f"*/images/{configuration['vm_disk_id']}/{configuration['vm_disk_vol_id']}",
    )  # fmt: skip

    overlay = f"{BOOTSTRAP}/disk.qcow2"
    # The target is larger than the source: what is beyond must read as zeros, which compare proves.
    compared = handover.output("qemu-img", "compare", "-f", "qcow2", "-F", "raw", overlay, path)

    assert "Images are identical." in compared
