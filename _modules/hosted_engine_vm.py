"""What makes a VM the hosted engine's: its mark, and its definition where HA finds it."""

from __future__ import annotations

from typing import Any

import hosted_engine_connection as connection
import hosted_engine_settings as settings
import hosted_engine_vm_parts as parts
from hosted_engine_state import NotYet
from hosted_engine_wait import wait as _wait

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
