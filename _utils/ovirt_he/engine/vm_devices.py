"""Parts of the engine's VM: its devices as facts, its hardware, its network's profile."""

from __future__ import annotations

import uuid
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.engine import types

MIB = 2**20
# With more CPUs than that, one socket has all cores.
SOCKETS = 16
FIRMWARE = {"uefi": "q35_ovmf", "bios": "q35_sea_bios", "secure_boot": "q35_secure_boot"}
OLD_BIOS = "i440fx_sea_bios"


def facts(api: Any, vm: Any) -> dict[str, Any]:
    """What ovirt_vm.get returns, of a VM as the SDK has it."""
    service = api.vms_service().vm_service(vm.id)
    topology = vm.cpu.topology if vm.cpu else None
    return {
        "id": vm.id,
        "status": vm.status.value if vm.status else None,
        "origin": vm.origin,
        "chipset": chipset(vm.bios.type.value if vm.bios and vm.bios.type else ""),
        "memory_mib": (vm.memory or 0) // MIB,
        "cpus": topology.sockets * topology.cores * topology.threads if topology else None,
        "protected": bool(vm.delete_protected),
        "disks": [
            {"id": found.disk.id, "bootable": bool(found.bootable), "active": bool(found.active)}
            for found in service.disk_attachments_service().list()
        ],
        "nics": [
            {"id": nic.id, "mac": nic.mac.address.lower() if nic.mac else None}
            for nic in service.nics_service().list()
        ],
        "consoles": [
            {"id": console.id, "protocol": console.protocol.value}
            for console in service.graphics_consoles_service().list()
        ],
    }


def chipset(name: str) -> str:
    """
    The chipset of a BIOS type or machine type: i440fx or q35.

    >>> chipset("q35_ovmf"), chipset("pc-q35-4.1"), chipset("i440fx_sea_bios"), chipset("pc-1.0")
    ('q35', 'q35', 'i440fx', 'i440fx')
    """
    old = name.startswith("pc") and "q35" not in name
    return "i440fx" if "i440fx" in name or old else "q35"


def bios_type(firmware: str, machine: str) -> str:
    """
    The engine's BIOS type of a firmware on a machine type, empty: any.

    Raises CommandExecutionError for UEFI on the old chipset, which has none.
    """
    if chipset(machine) == "q35":
        return FIRMWARE[firmware]
    if firmware != "bios":
        raise CommandExecutionError(
            f"hosted_engine:vm:machine: {machine} has no {firmware}: name a q35, or set "
            "hosted_engine:vm:firmware: bios"
        )
    return OLD_BIOS


def resources(memory_mib: int, cpus: int) -> dict[str, Any]:
    """A VM's memory and CPUs for the SDK: what can be changed at any time."""
    sockets, cores = (cpus, 1) if cpus <= SOCKETS else (1, cpus)
    memory = memory_mib * MIB
    return {
        "memory": memory,
        "memory_policy": types.MemoryPolicy(guaranteed=memory, max=memory),
        "cpu": types.Cpu(topology=types.CpuTopology(sockets=sockets, cores=cores, threads=1)),
    }


def profile_id(api: Any, vm: Any, network: str) -> str:
    """
    The vNIC profile of a network in a VM's data center; of several the one named like the network.

    Raises CommandExecutionError when there is no such network or it has no profile.
    """
    cluster = api.clusters_service().cluster_service(vm.cluster.id).get()
    home = api.data_centers_service().data_center_service(cluster.data_center.id)
    networks = {net.name: net.id for net in home.networks_service().list()}
    profiles = [
        profile
        for profile in api.vnic_profiles_service().list()
        if profile.network and profile.network.id == networks.get(network)
    ]
    profiles.sort(key=lambda profile: profile.name != network)
    if not profiles:
        raise CommandExecutionError(
            f"The engine has no vNIC profile for the network {network} in the cluster "
            f"{cluster.name}: check hosted_engine:network:name, or add one in the engine"
        )
    return str(profiles[0].id)


def checked_id(identifier: str) -> str:
    """``identifier`` as a UUID, safe to use in a statement."""
    try:
        return str(uuid.UUID(identifier))
    except ValueError as error:
        raise CommandExecutionError(f"{identifier!r} isn't an id of the engine") from error
