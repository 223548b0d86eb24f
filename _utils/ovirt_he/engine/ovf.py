"""The engine VM's definition (OVF) on its storage, as HA needs it to start the VM."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.engine import connection
from ovirt_he.host import volume
from ovirt_he.pillar import storage

OVIRT = "{http://ovirt.org/vm/1.0}"
# What a store holds of the definition.
MISSING, EARLY, WHOLE = "no definition", "definition from before the mark", "definition"


def stores(api: Any, name: str, storage_domain: str) -> tuple[str, str, list[tuple[str, str]]]:
    """
    Id of the VM, id of the domain, and (image, volume) of each of the domain's OVF stores.

    Raises NotYet where VM or domain aren't in the engine yet.
    """
    vm = connection.named(api.vms_service(), name)
    domain = connection.named(api.storage_domains_service(), storage_domain)
    if vm is None or domain is None:
        raise NotYet(f"The VM {name} or its storage {storage_domain} isn't in the engine yet")
    disks = api.storage_domains_service().storage_domain_service(domain.id).disks_service().list()
    found = [
        (disk.id, disk.image_id)
        for disk in disks
        if disk.content_type and disk.content_type.value == "ovf_store"
        if disk.status and disk.status.value == "ok"
    ]
    return vm.id, domain.id, found


def is_readable(domain: str, image: str, identifier: str, place: storage.Storage) -> bool:
    """Whether an OVF store can be read on this host now; on a LUN it has to be prepared first."""
    return volume.find(domain, image, identifier, place) is not None


def state(vm: str, domain: str, image: str, identifier: str, place: storage.Storage) -> str:
    """
    What an OVF store holds of a VM: MISSING (or not readable here), EARLY, or WHOLE.

    Read as vdsm: storage may refuse root.
    """
    path = volume.find(domain, image, identifier, place)
    if path is None:
        return MISSING
    # Exit code 2: no tar, no such member, or cut short in the middle of a write.
    read = command.run(
        *volume.AS_VDSM,
        *("tar", "--extract", "--to-stdout", "--file", str(path), f"{vm}.ovf"),
        codes=(0, 2),
        timeout=120,
    )
    if read.returncode or not read.stdout:
        return MISSING
    return WHOLE if _starts(read.stdout) else EARLY


def _starts(text: str) -> bool:
    """
    Whether HA can start the VM by it: the engine writes libvirt's XML, with an exclusive disk and
    its lease, only for a VM that is marked as its own.
    """
    try:
        xml = ElementTree.fromstring(text).findtext("Content/EngineXml")  # noqa: S314  the engine's
        domain = ElementTree.fromstring(xml or "<none/>")  # noqa: S314
    except ElementTree.ParseError:
        return False
    disk = domain.find(f".//{OVIRT}device[@devtype='disk']")
    exclusive = disk is not None and disk.findtext(f"{OVIRT}shared") == "exclusive"
    return exclusive and domain.find("devices/lease") is not None
