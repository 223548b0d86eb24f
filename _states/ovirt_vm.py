"""Virtual machines of the engine."""

from __future__ import annotations

from typing import Any, NamedTuple

from ovirt_he.core import state
from ovirt_he.core.errors import NotYet
from salt.exceptions import CommandExecutionError

MARKED = "managed_hosted_engine"
PREPARE = "hosted_engine_vm.prepare"


@state.converging
def present(  # noqa: PLR0917  a state's arguments are its facts
    name: str,
    cluster: str,
    storage_domain: str,
    disk: str,
    network: str,
    mac: str,
    memory_mib: int,
    cpus: int,
    firmware: str,
    graphics: str = "vnc",
    machine: str = "",
) -> state.Goal:
    """
    Ensure that the engine's VM exists, with its disk, its network card and its graphical console,
    and that it is protected from deletion.

    .. code-block:: yaml

        Hosted engine VM exists:
          ovirt_vm.present:
            - name: HostedEngine
            - cluster: Default
            - storage_domain: hosted_storage
            - disk: he_virtio_disk
            - network: ovirtmgmt
            - mac: 00:16:3e:12:34:56
            - memory_mib: 16384
            - cpus: 4
            - firmware: uefi
            - graphics: vnc
            - machine: pc-q35-rhel9.6.0

    ``firmware``: uefi, bios or secure_boot. ``graphics``: vnc or spice. ``machine``: the machine
    type, empty: the cluster's; it is set when the VM is made.
    Memory and CPUs follow the pillar until the host is deployed; from then on they are the
    operator's, who changes them in the engine. So are further disks and cards, and the console.
    The protection is set before the VM is marked as the hosted engine: then nobody can change it.
    """
    vm = _Vm(
        __salt__["hosted_engine.deployed"](),
        name,
        disk,
        storage_domain,
        mac,
        add=("ovirt_vm.add", name, cluster, memory_mib, cpus, firmware, machine),
        add_nic=("ovirt_vm.add_nic", name, network, mac),
        adjustable={"consoles": [graphics], "memory_mib": memory_mib, "cpus": cpus},
    )
    return state.Goal(vm.wanted, read=vm.read, step=vm.step)


class _Vm(NamedTuple):
    """The engine's VM as ``present`` declares it; ``adjustable``: facts until the deployment."""

    deployed: bool
    name: str
    disk: str
    storage_domain: str
    mac: str
    add: state.Step
    add_nic: state.Step
    adjustable: state.Facts

    def wanted(self, now: state.Facts | None) -> state.Facts:
        facts: state.Facts = {"ready": True, "disk": True, "mac": self.mac}
        if not (now and now["marked"]):
            facts["protected"] = True
        return facts if self.deployed else facts | self.adjustable

    def read(self) -> state.Facts | None:
        vm = __salt__["ovirt_vm.get"](self.name)
        if vm is None:
            return None
        disk_id = _disk_id(self.disk, self.storage_domain)
        return {
            "ready": vm["status"] != "image_locked",
            "disk": any(each["id"] == disk_id and each["bootable"] for each in vm["disks"]),
            "mac": _mac(vm, self.mac),
            "consoles": sorted(each["protocol"] for each in vm["consoles"]),
            "protected": vm["protected"],
            "memory_mib": vm["memory_mib"],
            "cpus": vm["cpus"],
            "marked": vm["origin"] == MARKED,
        }

    def step(self, now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None:
            if self.deployed:
                raise CommandExecutionError(
                    f"The engine has no VM {self.name}, though this host is deployed: restore the "
                    "engine from a backup"
                )
            return self.add
        if not now["ready"]:
            return "ovirt_vm.wait", self.name
        if self.deployed or now["marked"]:
            _refuse(self.name, now, self.disk, self.mac)
        if not (now["protected"] or now["marked"]):
            return "ovirt_vm.protect", self.name
        return self._device(now)

    def _device(self, now: state.Facts) -> state.Step:
        if not now["disk"]:
            return "ovirt_vm.attach_disk", self.name, _disk_id(self.disk, self.storage_domain)
        if now["mac"] != self.mac:
            return self.add_nic
        consoles, memory_mib, cpus = self.adjustable.values()
        if now["consoles"] != consoles:
            return "ovirt_vm.add_console", self.name, *consoles
        return "ovirt_vm.update", self.name, memory_mib, cpus


def _disk_id(disk: str, storage_domain: str) -> str:
    found = __salt__["ovirt_disk.get"]([disk], storage_domain)
    if disk not in found:
        raise NotYet(f"The disk {disk} isn't in {storage_domain} yet")
    return str(found[disk]["id"])


def _mac(vm: dict[str, Any], expected: str) -> str | None:
    """The expected address if any card has it, otherwise that of the first card."""
    macs = [nic["mac"] for nic in vm["nics"]]
    return expected if expected in macs else next(iter(macs), None)


def _refuse(name: str, now: state.Facts, disk: str, mac: str) -> None:
    """The engine attaches no disk to a VM that is marked as its own."""
    if not now["disk"]:
        raise CommandExecutionError(
            f"{name} doesn't boot from the disk {disk}, and the engine attaches none to a VM that "
            "is marked as the hosted engine: restore the engine from a backup, or, before it was "
            "ever deployed, run hosted_engine.clean"
        )
    if now["mac"] != mac:
        raise CommandExecutionError(
            f"The network card of {name} has the MAC address {now['mac']}, not the pillar's {mac}: "
            "change hosted_engine:vm:mac, or the card in the engine"
        )


@state.converging
def hosted_engine(name: str) -> state.Goal:
    """
    Ensure that a VM is marked as the hosted engine in the engine's database. This comes last: no
    disk can be attached to a marked VM.

    .. code-block:: yaml

        Hosted engine VM is marked as the hosted engine:
          ovirt_vm.hosted_engine:
            - name: HostedEngine
    """

    def read() -> state.Facts:
        vm = __salt__["ovirt_vm.get"](name)
        if vm is None:
            raise NotYet(f"The VM {name} isn't in the engine yet")
        return {"origin": vm["origin"]}

    return state.Goal({"origin": MARKED}, read=read, step=("hosted_engine_vm.mark", name))


@state.converging
def stored(name: str, storage_domain: str) -> state.Goal:
    """
    Ensure that the definition of a VM (OVF) is on a storage domain, from where HA starts it.

    .. code-block:: yaml

        Hosted engine VM definition is on shared storage:
          ovirt_vm.stored:
            - name: HostedEngine
            - storage_domain: hosted_storage

    An OVF store that can't be read on this host is prepared there first.
    """

    def step(now: state.Facts | None, done: list[str]) -> state.Step:
        prepare = now and now["stored"] is None and PREPARE not in done
        return (PREPARE if prepare else "hosted_engine_vm.store"), name, storage_domain

    return state.Goal(
        {"stored": True},
        read=lambda: {"stored": __salt__["hosted_engine_vm.stored"](name, storage_domain)},
        step=step,
    )


@state.converging
def absent(name: str) -> state.Goal:
    """
    Ensure that the engine no longer lists an external VM, such as the bootstrap VM.

    .. code-block:: yaml

        Bootstrap VM is removed from the engine:
          ovirt_vm.absent:
            - name: external-HostedEngineLocal
    """

    def read() -> state.Facts | None:
        vm = __salt__["ovirt_vm.get"](name)
        return {"status": vm["status"]} if vm else None

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        off = now is not None and now["status"] == "down"
        return ("ovirt_vm.remove" if off else "ovirt_vm.wait_for_down"), name

    return state.Goal(None, read=read, step=step)
