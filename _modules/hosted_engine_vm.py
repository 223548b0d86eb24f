"""What makes a VM the hosted engine's: its mark, and its definition where HA finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hosted_engine_connection as connection
import hosted_engine_record as record
import hosted_engine_settings as settings
import hosted_engine_vm_parts as parts
from hosted_engine_state import NotYet
from hosted_engine_wait import wait as _wait
from salt.exceptions import CommandExecutionError, SaltInvocationError

# Older engines look for the configuration disk here; the others don't mind.
CONFIGURATION = (
    "UPDATE vdc_options SET option_value='{}' "
    "WHERE option_name='HostedEngineConfigurationImageGuid' AND version='general'"
)
# 6: a hosted engine that the engine manages.
ORIGIN = "UPDATE vm_static SET origin=6 WHERE vm_guid='{}'"


def _engine() -> Any:
    return connection.engine(__opts__, __pillar__, __grains__, __context__)


def mark(name: str, configuration_disk: str) -> None:
    """
    Mark a VM as the hosted engine, in the engine's database: no API does it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.mark HostedEngine IMAGE_ID_OF_THE_CONFIGURATION_DISK

    From then on no disk can be attached to it.
    """
    vm = __salt__["ovirt_vm.get"](name)
    if vm is None:
        raise NotYet(f"The VM {name} isn't in the engine yet")
    run = __salt__["hosted_engine_guest.sql"]
    run(CONFIGURATION.format(parts.checked_id(configuration_disk)))
    # Last: what is interrupted before this is done again.
    run(ORIGIN.format(parts.checked_id(vm["id"])))


def stored(name: str, storage_domain: str) -> bool:
    """
    Whether the VM's definition (OVF) lies in one of the OVF stores of a storage domain.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.stored HostedEngine hosted_storage
    """
    with _engine() as api:
        vm, domain, stores = parts.ovf_stores(api, name, storage_domain)
    return any(f"{vm}.ovf" in parts.members(domain, *store) for store in stores)


def store(name: str, storage_domain: str) -> None:
    """
    Have the engine write the VM's definition to its OVF stores, and wait until it lies there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.store HostedEngine hosted_storage

    Raises CommandExecutionError after ``timeouts:ovf`` seconds, with what the stores held.
    """
    with _engine() as api:
        from ovirtsdk4 import types

        # A change of the marked VM makes the engine write its definition.
        vm, domain, _ = parts.ovf_stores(api, name, storage_domain)
        api.vms_service().vm_service(vm).update(
            types.Vm(description="Hosted engine VM", console=types.Console(enabled=True))
        )
        api.storage_domains_service().storage_domain_service(domain).update_ovf_store()
    prepared: set[tuple[str, str]] = set()

    def look() -> dict[str, list[str]]:
        with _engine() as api:
            _, _, stores = parts.ovf_stores(api, name, storage_domain)
        for image, volume in stores:
            # Once for each: the stores themselves appear only after a VM exists.
            if (image, volume) not in prepared:
                __salt__["vdsm.prepare_image"](domain, image, volume)
                prepared.add((image, volume))
        return {image: parts.members(domain, image, volume) for image, volume in stores}

    wanted = f"{vm}.ovf"
    _wait(
        f"the definition {wanted} of {name} in an OVF store of {storage_domain} (store: members)",
        look,
        lambda seen: any(wanted in members for members in seen.values()),
        timeout=settings.load(__pillar__, __grains__)["timeouts"]["ovf"],
        explain=__salt__["ovirt_event.explanation"],
    )


def console_file(path: str) -> None:
    """
    Write a file for remote-viewer, with a fresh password of the engine VM's console in it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_vm.console_file /root/engine.vv

    The password is valid for two minutes, and never part of an answer, which a master would keep:
    only root can read the file. Raises CommandExecutionError when the VM doesn't run, has no
    console, or when ``path`` is some other file.
    """
    target = Path(path)
    if not target.is_absolute() or not target.parent.is_dir():
        raise SaltInvocationError(f"path: {path!r} isn't a file's path in a directory that exists")
    if target.is_symlink() or (target.exists() and not _console_file(target)):
        raise CommandExecutionError(f"{path} is something else: name a file that isn't there")
    name = settings.load(__pillar__, __grains__)["vm"]["name"]
    with _engine() as api:
        vm = connection.named(api.vms_service(), name)
        if vm is None:
            raise NotYet(f"The VM {name} isn't in the engine yet")
        consoles = api.vms_service().vm_service(vm.id).graphics_consoles_service()
        found = sorted(consoles.list(), key=lambda console: console.protocol.value != "vnc")
        if not found:
            raise CommandExecutionError(f"The VM {name} has no graphics console: add one to it")
        text = consoles.console_service(found[0].id).remote_viewer_connection_file()
    record.write_file(target, text)


def _console_file(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"[virt-viewer]")
