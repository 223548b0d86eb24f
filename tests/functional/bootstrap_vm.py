"""A host with an appliance's image and a seed, and the bootstrap VM that an earlier run started."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from ovirt_he.host import hypervisor as libvirt_host

from functional.bootstrap_host import Host

RUNNING, OFF = "hosted_engine_bootstrap.running", "hosted_engine_bootstrap.off"
ABSENT, CLEARED = "hosted_engine_bootstrap.absent", "hosted_engine_bootstrap.cleared"
NAME = "HostedEngineLocal"
DISK = {"emulation": True, "address": "127.0.0.1"}


@pytest.fixture
def made(host, monkeypatch) -> Host:
    """A host whose appliance and seed are there. The test driver knows none of QEMU's flags."""
    monkeypatch.setattr(libvirt_host, "UNDEFINE_NVRAM", 0)
    monkeypatch.setattr(libvirt_host, "SHUTDOWN_ACPI", 0)
    image = host.directory / "appliance.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "32M"], check=True)
    (host.directory / "seed.iso").write_bytes(b"seed")
    host.pillar["host"] = DISK
    host.with_pillar()
    return host


@pytest.fixture
def running(made, hypervisor) -> Any:
    """The VM, started by an earlier run; the domain as libvirt has it."""
    ret = made.minion.state(RUNNING, NAME)
    assert ret["result"] is True, ret
    return hypervisor.lookupByName(NAME)


def written(host: Host) -> int:
    """When the disk was made: a new file may well get the old one's inode."""
    return (host.directory / "disk.qcow2").stat().st_mtime_ns
