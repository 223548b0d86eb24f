"""Parts of the engine's VM: its devices as facts, its network's profile, its OVF stores."""

from __future__ import annotations

import uuid
from typing import Any

import hosted_engine_command as command
import hosted_engine_connection as connection
import hosted_engine_volume as volumes
from hosted_engine_state import NotYet
from salt.exceptions import CommandExecutionError

MIB = 2**20


def facts(api: Any, vm: Any) -> dict[str, Any]:
    """What ovirt_vm.get returns, of a VM as the SDK has it."""
    service = api.vms_service().vm_service(vm.id)
    topology = vm.cpu.topology if vm.cpu else None
    return {
        "id": vm.id,
        "status": vm.status.value if vm.status else None,
        "origin": vm.origin,
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


def profile_id(api: Any, vm: Any, network: str) -> str:
    """
    The vNIC profile of a network in a VM's data center; of several the one named like the network.

    Raises CommandExecutionError when the network isn't there or has no profile.
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


def ovf_stores(api: Any, name: str, storage_domain: str) -> tuple[str, str, list[tuple[str, str]]]:
    """
    Id of the VM, id of the domain, and (image, volume) of each of the domain's OVF stores.

    Raises NotYet where VM or domain aren't in the engine yet.
    """
    vm = connection.named(api.vms_service(), name)
    domain = connection.named(api.storage_domains_service(), storage_domain)
    if vm is None or domain is None:
        raise NotYet(f"The VM {name} or its storage {storage_domain} isn't in the engine yet")
    disks = api.storage_domains_service().storage_domain_service(domain.id).disks_service().list()
    stores = [
        (disk.id, disk.image_id)
        for disk in disks
        if disk.content_type and disk.content_type.value == "ovf_store"
        if disk.status and disk.status.value == "ok"
    ]
    return vm.id, domain.id, stores


def members(domain: str, image: str, volume: str) -> list[str]:
    """
    What an OVF store holds now; one that is empty, or not at hand on this host, holds nothing.

    Read as vdsm: storage may refuse root.
    """
    path = volumes.find(domain, image, volume)
    if path is None:
        return []
    # Exit code 2: no tar, or cut short in the middle of a write.
    listed = command.run(
        *volumes.AS_VDSM, "tar", "--list", "--file", str(path), codes=(0, 2), timeout=120
    )
    return listed.stdout.split() if listed.returncode == 0 else []


def checked_id(identifier: str) -> str:
    """``identifier`` as a UUID, safe to stand in a statement."""
    try:
        return str(uuid.UUID(identifier))
    except ValueError as error:
        raise CommandExecutionError(f"{identifier!r} isn't an id of the engine") from error
