"""Virtual machines of the engine, above all its own."""

from __future__ import annotations

import contextlib
from typing import Any

from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, types, vm_devices
from ovirt_he.engine.patience import patient
from ovirt_he.host.vdsm_storage import NO_UUID
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

# The prefix that the engine gives to the name of a VM that it found on a host.
EXTERNAL = "external-"


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def _service(api: Any, name: str) -> Any:
    found = connection.find(api.vms_service(), name, "VM")
    return api.vms_service().vm_service(found.id)


def get(name: str) -> dict[str, Any] | None:
    """
    A VM: ``id``, ``status``, ``origin``, ``chipset`` (q35, i440fx), ``memory_mib``, ``cpus``,
    ``protected``, ``disks`` (id, bootable, active), ``nics`` (id, mac), ``consoles`` (id,
    protocol); None where there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.get HostedEngine
    """
    with _engine() as api:
        found = connection.named(api.vms_service(), name)
        return vm_devices.facts(api, found) if found else None


def _status(name: str) -> str:
    outage = settings.load(__pillar__, __grains__)["timeouts"]["outage"]
    found = patient(lambda: get(name), outage)()
    return str(found["status"]) if found else "absent"


def add(  # noqa: PLR0917  what the VM is made of
    name: str, cluster: str, memory_mib: int, cpus: int, firmware: str, machine: str = ""
) -> None:
    """
    Add the engine's VM, without disk and network card, and wait until the engine has made it.
    ``firmware``: uefi, bios or secure_boot. ``machine``: its machine type; empty: the cluster's.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.add HostedEngine Default 16384 4 uefi

    Raises CommandExecutionError when the engine refuses, with its reason.
    """
    with _engine() as api:
        home = connection.find(api.clusters_service(), cluster, "cluster")
        api.vms_service().add(
            types.Vm(
                name=name,
                description="Hosted engine",
                cluster=types.Cluster(id=home.id),
                template=types.Template(id=NO_UUID),
                type=types.VmType.SERVER,
                os=types.OperatingSystem(type="rhel_9x64"),
                bios=types.Bios(type=types.BiosType(vm_devices.bios_type(firmware, machine))),
                custom_emulated_machine=machine or None,
                # The HA agent restarts it: the engine can't restart its own VM.
                high_availability=types.HighAvailability(enabled=False, priority=1),
                delete_protected=True,
                **vm_devices.resources(memory_mib, cpus),
            )
        )
    wait(name)


def update(name: str, memory_mib: int, cpus: int) -> None:
    """
    Set memory (MiB) and CPUs.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.update HostedEngine 16384 4
    """
    with _engine() as api:
        _service(api, name).update(types.Vm(**vm_devices.resources(memory_mib, cpus)))


def protect(name: str) -> None:
    """
    Protect a VM from deletion, which the engine refuses for one that is marked as its own.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.protect HostedEngine
    """
    with _engine() as api:
        _service(api, name).update(types.Vm(delete_protected=True))


def wait(name: str) -> None:
    """
    Wait until the engine has made a VM.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.wait HostedEngine
    """

    wait_for(
        f"the VM {name}",
        lambda: _status(name),
        lambda status: status != "image_locked",
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["storage"],
        failed=lambda status: status == "absent" and "the engine has removed it again",
        explain=__salt__["ovirt_event.explanation"],
    )


def attach_disk(name: str, disk: str) -> None:
    """
    Attach a disk, by its id, as the one that the VM boots from.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.attach_disk HostedEngine DISK_ID
    """
    with _engine() as api:
        _service(api, name).disk_attachments_service().add(
            types.DiskAttachment(
                disk=types.Disk(id=disk),
                interface=types.DiskInterface.VIRTIO,
                bootable=True,
                active=True,
            )
        )


def add_nic(name: str, network: str, mac: str) -> None:
    """
    Add the network card ``vnet0`` on a network of the VM's data center.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.add_nic HostedEngine ovirtmgmt 00:16:3e:12:34:56

    A card of that name with another address, from a run with another pillar, gets this one.
    """
    with _engine() as api:
        vm = connection.find(api.vms_service(), name, "VM")
        profile = types.VnicProfile(id=vm_devices.profile_id(api, vm, network))
        nics = api.vms_service().vm_service(vm.id).nics_service()
        nic = types.Nic(
            name="vnet0",
            interface=types.NicInterface.VIRTIO,
            mac=types.Mac(address=mac),
            vnic_profile=profile,
        )
        for existing in nics.list():
            if existing.name == nic.name:
                nics.nic_service(existing.id).update(nic)
                return
        nics.add(nic)


def add_console(name: str, protocol: str = "vnc") -> None:
    """
    Set a VM's graphical console: vnc or spice, and no other one.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.add_console HostedEngine vnc
    """
    with _engine() as api:
        graphics = types.GraphicsType(protocol)
        consoles = _service(api, name).graphics_consoles_service()
        existing = consoles.list()
        for console in existing:
            if console.protocol != graphics:
                consoles.console_service(console.id).remove()
        if not any(console.protocol == graphics for console in existing):
            consoles.add(types.GraphicsConsole(protocol=graphics))


def wait_for_down(name: str) -> None:
    """
    Wait until the engine has noticed that an external VM is off.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.wait_for_down external-HostedEngineLocal

    Where it never does although libvirt has no such VM any more, the engine is asked to stop it.
    Raises CommandExecutionError when the VM still exists, or stays up in the engine.
    """
    timeouts = settings.load(__pillar__, __grains__)["timeouts"]
    with contextlib.suppress(CommandExecutionError):
        wait_for(name, lambda: _status(name), _is_off, timeout=timeouts["down_detection"])
        return
    domain = name.removeprefix(EXTERNAL)
    if __salt__["hosted_engine_bootstrap.state"](domain) is not None:
        raise CommandExecutionError(f"libvirt still has the VM {domain}: undefine it first")
    with _engine() as api:
        _service(api, name).stop()
    wait_for(
        f"the VM {name} to be down in the engine",
        lambda: _status(name),
        _is_off,
        timeout=timeouts["shutdown"],
        explain=__salt__["ovirt_event.explanation"],
    )


def _is_off(status: str) -> bool:
    return status in ("down", "absent")


def remove(name: str) -> None:
    """
    Remove an external VM that is down from the engine, and wait until it is gone.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_vm.remove external-HostedEngineLocal

    Raises CommandExecutionError for any other VM: those have disks.
    """
    if not name.startswith(EXTERNAL):
        raise CommandExecutionError(f"{name} isn't an external VM, so it isn't removed")
    with _engine() as api:
        _service(api, name).remove()
    wait_for(
        f"the removal of the VM {name}",
        lambda: _status(name),
        lambda status: status == "absent",
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["shutdown"],
        explain=__salt__["ovirt_event.explanation"],
    )
