"""The engine's VM, on a host that is up with its storage and the four disks."""

from __future__ import annotations

from typing import Any

import pytest

from functional.ovirt import Host
from functional.test_ovirt_storage import active, disks

NAME = "HostedEngine"
GIB = 1024
FOUR = {
    "he_virtio_disk": {"content_type": "hosted_engine", "size_mib": 10 * GIB, "sparse": True},
    "he_sanlock": {"content_type": "hosted_engine_sanlock", "size_mib": GIB, "sparse": False},
    "HostedEngineConfigurationImage": {
        "content_type": "hosted_engine_configuration",
        "size_mib": GIB,
        "sparse": False,
    },
    "he_metadata": {"content_type": "hosted_engine_metadata", "size_mib": 128, "sparse": False},
}
VM = {
    "cluster": "Default",
    "storage_domain": "hosted_storage",
    "disk": "he_virtio_disk",
    "network": "ovirtmgmt",
    "mac": "00:16:3e:00:00:01",
    "memory_mib": 4096,
    "cpus": 2,
    "firmware": "uefi",
}


@pytest.fixture
def stored(up: Host) -> Host:
    """The host is up, the storage active, the four disks there."""
    assert active(up)["result"] is True
    assert disks(up, wanted=FOUR)["result"] is True
    return up


def present(host: Host, test: bool = False, **changed: Any):
    return host.minion.state("ovirt_vm.present", NAME, test=test, **(VM | changed))


def marked(host: Host, test: bool = False):
    return host.minion.state("ovirt_vm.hosted_engine", NAME, test=test)


def defined(host: Host, test: bool = False):
    return host.minion.state("ovirt_vm.stored", NAME, test=test, storage_domain="hosted_storage")


def unprotect(host: Host) -> None:
    identifier = host.engine.curl("/vms")[0].get("id")
    body = "<vm><delete_protected>false</delete_protected></vm>"
    host.engine.curl(f"/vms/{identifier}", method="PUT", body=body)
