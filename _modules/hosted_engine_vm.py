"""What makes a VM the hosted engine: its mark, and its definition (OVF) for HA."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ovirt_he.core import records
from ovirt_he.core.errors import NotYet
from ovirt_he.core.wait import wait_for
from ovirt_he.engine import connection, ovf, types, vm_devices
from ovirt_he.engine.patience import patient
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError, SaltInvocationError

# 6: a hosted engine that the engine manages.
ORIGIN = "UPDATE vm_static SET origin=6 WHERE vm_guid='{}'"


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def mark(name: str) -> None:
    """
    Mark a VM as the hosted engine, in the engine's database, since the API can't.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.mark HostedEngine

    From then on no disk can be attached to it.
    """
    vm = __salt__["ovirt_vm.get"](name)
    if vm is None:
        raise NotYet(f"The VM {name} isn't in the engine yet")
    __salt__["hosted_engine_guest.sql"](ORIGIN.format(vm_devices.checked_id(vm["id"])))


def stored(name: str, storage_domain: str) -> bool | None:
    """
    Whether one of the OVF stores of a storage domain holds the VM's definition (OVF) from after the
    VM was marked: HA can't start it by an earlier one. None: a store has to be prepared on this
    host first, which ``prepare`` does.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.stored HostedEngine hosted_storage
    """
    vm, domain, stores = _patiently(name, storage_domain)
    storage = settings.load(__pillar__, __grains__)["storage"]
    if ovf.WHOLE in _held(vm, domain, stores).values():
        return True
    readable = all(ovf.is_readable(domain, *store, storage) for store in stores)
    return False if readable else None


def prepare(name: str, storage_domain: str) -> None:
    """
    Prepare the OVF stores of a storage domain on this host, so that they can be read.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.prepare HostedEngine hosted_storage

    Raises CommandExecutionError when vdsm refuses.
    """
    _, domain, stores = _patiently(name, storage_domain)
    _prepare(domain, stores)


def _prepare(domain: str, stores: list[tuple[str, str]]) -> None:
    storage = settings.load(__pillar__, __grains__)["storage"]
    for image, volume in stores:
        if not ovf.is_readable(domain, image, volume, storage):
            __salt__["vdsm.prepare_image"](domain, image, volume)


def _held(vm: str, domain: str, stores: list[tuple[str, str]]) -> dict[str, str]:
    """What each OVF store holds of the VM, by the store's image."""
    storage = settings.load(__pillar__, __grains__)["storage"]
    return {image: ovf.state(vm, domain, image, volume, storage) for image, volume in stores}


def _patiently(name: str, storage_domain: str) -> tuple[str, str, list[tuple[str, str]]]:
    outage = settings.load(__pillar__, __grains__)["timeouts"]["outage"]
    return patient(lambda: _stores(name, storage_domain), outage)()


def _stores(name: str, storage_domain: str) -> tuple[str, str, list[tuple[str, str]]]:
    with _engine() as api:
        return ovf.stores(api, name, storage_domain)


def store(name: str, storage_domain: str) -> None:
    """
    Have the engine write the VM's definition to its OVF stores, and wait until it is there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.store HostedEngine hosted_storage

    Raises CommandExecutionError after ``timeouts:ovf`` seconds, with what the stores held.
    """
    vm = _stores(name, storage_domain)[0]
    # A change of the marked VM makes the engine write it; requesting that as well would be refused.
    # Where the engine refuses the change, it is still writing that of an earlier run.
    with contextlib.suppress(connection.UnderWay), _engine() as api:
        api.vms_service().vm_service(vm).update(
            types.Vm(description="Hosted engine VM", console=types.Console(enabled=True))
        )

    def look() -> dict[str, str]:
        # The stores only appear once a VM exists.
        found = _patiently(name, storage_domain)
        _prepare(*found[1:])
        return _held(*found)

    wait_for(
        f"the definition {vm}.ovf of {name} in an OVF store of {storage_domain}, by store",
        look,
        lambda held: ovf.WHOLE in held.values(),
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["ovf"],
        explain=__salt__["ovirt_event.explanation"],
    )


def console_file(path: str) -> None:
    """
    Write a file for remote-viewer, with a fresh password of the engine VM's console in it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.console_file /root/engine.vv

    The password is valid for two minutes. It isn't returned, since a master would keep it: only
    root can read the file. Raises CommandExecutionError when the VM doesn't run, has no
    console, or when ``path`` is another file.
    """
    target = Path(path)
    if not target.is_absolute() or not target.parent.is_dir():
        raise SaltInvocationError(f"path: {path!r} isn't a file's path in an existing directory")
    if target.is_symlink() or (target.exists() and not _console_file(target)):
        raise CommandExecutionError(f"{path} is another file: name one that doesn't exist")
    name = settings.load(__pillar__, __grains__)["vm"]["name"]
    with _engine() as api:
        vm = connection.find(api.vms_service(), name, "VM")
        if vm.status.value == "down":
            raise CommandExecutionError(f"The VM {name} doesn't run: its console can't be opened")
        consoles = api.vms_service().vm_service(vm.id).graphics_consoles_service()
        found = sorted(consoles.list(), key=lambda console: console.protocol.value != "vnc")
        if not found:
            raise CommandExecutionError(f"The VM {name} has no graphics console: add one to it")
        text = consoles.console_service(found[0].id).remote_viewer_connection_file()
    records.write_file(target, text)


def _console_file(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"[virt-viewer]")
