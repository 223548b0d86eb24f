"""What the engine is asked for: entities by exact name, a VM's hardware, a domain's format."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ovirt_he.core.errors import NotYet
from ovirt_he.engine import connection, storage_request, vm_devices
from salt.exceptions import CommandExecutionError


@pytest.fixture
def types() -> Any:
    """The SDK's; `make test` has it, unit tests alone run on a machine without a compiler."""
    return pytest.importorskip("ovirtsdk4.types")


class Collection:
    """A service of the SDK; its search ignores case, as the engine's does."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def list(self, search: str) -> list[Any]:
        wanted = search.removeprefix("name=").lower()
        return [SimpleNamespace(name=name) for name in self.names if name.lower() == wanted]


def test_a_name_that_differs_in_case_is_another_one() -> None:
    assert connection.named(Collection("default", "Default"), "Default").name == "Default"
    assert connection.named(Collection("default"), "Default") is None
    with pytest.raises(NotYet, match=r"The cluster Default isn't in the engine yet"):
        connection.find(Collection("default"), "Default", "cluster")


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(CommandExecutionError, match="The engine has node1 2 times"):
        connection.named(Collection("node1", "node1"), "node1")


@pytest.mark.parametrize(
    ("cpus", "sockets", "cores"), [(1, 1, 1), (16, 16, 1), (17, 1, 17), (64, 1, 64)]
)
def test_a_guest_has_at_most_sixteen_sockets(
    types: Any, cpus: int, sockets: int, cores: int
) -> None:
    topology = vm_devices.resources(4096, cpus)["cpu"].topology
    assert (topology.sockets, topology.cores, topology.threads) == (sockets, cores, 1)


def test_all_memory_is_guaranteed_and_none_is_added_later(types: Any) -> None:
    asked = vm_devices.resources(4096, 1)
    policy = asked["memory_policy"]
    assert asked["memory"] == policy.guaranteed == policy.max == 4096 * 2**20


@pytest.mark.parametrize(
    ("major", "minor", "form"), [(4, 3, "v4"), (4, 4, "v5"), (4, 7, "v5"), (5, 0, "v5")]
)
def test_a_domain_has_the_newest_format_that_the_cluster_knows(
    types: Any, major: int, minor: int, form: str
) -> None:
    host = SimpleNamespace(name="node1", cluster=SimpleNamespace(id="1"))
    cluster = SimpleNamespace(version=SimpleNamespace(major=major, minor=minor))
    api: Any = SimpleNamespace(
        hosts_service=lambda: SimpleNamespace(list=lambda search: [host]),
        clusters_service=lambda: SimpleNamespace(
            cluster_service=lambda _: SimpleNamespace(get=lambda: cluster)
        ),
    )
    storage = {
        "type": "nfs", "address": "nas", "path": "/a", "nfs_version": "auto", "mount_options": "",
    }  # fmt: skip

    made = storage_request.domain(api, "own", "node1", storage, lun=None, password=None)

    assert made.storage_format.value == form


@pytest.mark.parametrize(
    "identifier", ["", "0", "'; DROP TABLE vds; --", "6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f'"]
)
def test_what_isn_t_an_id_becomes_no_sql(identifier: str) -> None:
    with pytest.raises(CommandExecutionError, match="isn't an id of the engine"):
        vm_devices.checked_id(identifier)


def test_an_id_is_written_as_the_engine_writes_it() -> None:
    own = "6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f"
    assert vm_devices.checked_id(own) == vm_devices.checked_id(own.upper()) == own


@pytest.mark.parametrize(
    ("firmware", "machine", "bios"),
    [
        ("uefi", "", "q35_ovmf"),
        ("bios", "pc-q35-rhel9.0.0", "q35_sea_bios"),
        ("secure_boot", "", "q35_secure_boot"),
        ("bios", "pc-i440fx-2.12", "i440fx_sea_bios"),
    ],
)
def test_the_bios_follows_from_firmware_and_machine(firmware: str, machine: str, bios: str) -> None:
    assert vm_devices.bios_type(firmware, machine) == bios


@pytest.mark.parametrize("firmware", ["uefi", "secure_boot"])
def test_the_old_chipset_has_no_uefi(firmware: str) -> None:
    with pytest.raises(CommandExecutionError, match=f"pc-i440fx-2.12 has no {firmware}: name a"):
        vm_devices.bios_type(firmware, "pc-i440fx-2.12")
