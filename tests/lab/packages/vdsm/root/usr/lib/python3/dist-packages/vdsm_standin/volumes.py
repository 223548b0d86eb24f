"""Images and their one volume, on whatever storage their domain is."""

from __future__ import annotations

import base64
import json
import shutil
import time
from typing import Any

import sanlock

from . import direct
from .errors import (
    ImageDoesNotExistInSD,
    ImagePathError,
    InvalidParameter,
    VolumeAlreadyExists,
    VolumeCreationError,
    VolumeDoesNotExist,
)
from .layout import BLANK, LINKS, folders
from .storage import BlockDomain, FileDomain, find

DISK_TYPES = {
    "hosted_engine": "HEVD",
    "hosted_engine_sanlock": "HESD",
    "hosted_engine_metadata": "HEMD",
    "hosted_engine_configuration": "HECI",
    "ovf_store": "OVFS",
    "iso": "ISOF",
}
Domain = FileDomain | BlockDomain


def create(
    storagedomainID: str,
    imageID: str,
    volumeID: str,
    *,
    size: int,
    format: str = "raw",
    preallocate: bool = False,
    content_type: str = "data",
    description: str = "",
    initialSize: int | None = None,
    **_others: object,
) -> None:
    """Make an image with one volume of ``size`` bytes. Nothing is left of one that fails."""
    domain = find(storagedomainID)
    if volumeID in domain.volumes(imageID):
        raise VolumeAlreadyExists((volumeID,))
    if format not in ("raw", "cow"):
        raise InvalidParameter(f"volume format {format}")
    if content_type == "ovf_store":
        described = {"Updated": False, "Disk Description": "OVF_STORE", "Storage Domains": []}
    else:
        described = {"DiskAlias": description, "DiskDescription": description}
    facts = {
        "CAP": int(size),
        "CTIME": int(time.time()),
        "DESCRIPTION": json.dumps(described, separators=(",", ":")),
        "DISKTYPE": DISK_TYPES.get(content_type, "DATA"),
        "DOMAIN": storagedomainID,
        "FORMAT": format.upper(),
        "GEN": 0,
        "IMAGE": imageID,
        "LEGALITY": "LEGAL",
        "PUUID": BLANK,
        "TYPE": "PREALLOCATED" if preallocate else "SPARSE",
        "VOLTYPE": "LEAF",
    }
    try:
        domain.create_volume(imageID, volumeID, facts, int(initialSize or 0))
    except (OSError, sanlock.SanlockException) as err:
        raise VolumeCreationError((imageID, volumeID, err.args[-1])) from err


def info(storagedomainID: str, imageID: str, volumeID: str, **_others: object) -> dict[str, Any]:
    """What the domain knows of a volume, and its sizes in bytes."""
    domain = _with_volume(storagedomainID, imageID, volumeID)
    facts = domain.facts(imageID, volumeID)
    apparent, true = domain.sizes(imageID, volumeID)
    return {
        "uuid": volumeID,
        "image": imageID,
        "domain": storagedomainID,
        "format": facts["FORMAT"],
        "type": facts["TYPE"],
        "disktype": facts["DISKTYPE"],
        "description": facts["DESCRIPTION"],
        "capacity": facts["CAP"],
        "apparentsize": str(apparent),
        "truesize": str(true),
        "legality": facts["LEGALITY"],
        "voltype": facts["VOLTYPE"],
        "status": "OK",
    }


def images(storagedomainID: str, **_others: object) -> list[str]:
    """Ids of a domain's images."""
    return find(storagedomainID).images()


def volumes(storagedomainID: str, imageID: str, **_others: object) -> list[str]:
    """Ids of an image's volumes."""
    return _with_image(storagedomainID, imageID).volumes(imageID)


def prepare(
    storagedomainID: str, imageID: str, volumeID: str, storagepoolID: str = BLANK, **_others: object
) -> dict[str, Any]:
    """Show an image below /run/vdsm/storage, and say where its volume is, with what is its own."""
    domain = _with_volume(storagedomainID, imageID, volumeID)
    shown = LINKS / storagedomainID / imageID
    folders(LINKS, shown.parent)
    domain.show(imageID, shown)
    path = str(shown / volumeID)
    lease, offset = domain.lease(path, imageID, volumeID)
    chain = {"domainID": storagedomainID, "imageID": imageID, "volumeID": volumeID, "path": path}
    chain |= {"leasePath": lease, "leaseOffset": offset}
    return {"path": path, "info": {"type": domain.kind, "path": path}, "imgVolumesInfo": [chain]}


def teardown(storagedomainID: str, imageID: str, **_others: object) -> None:
    """Take an image away from below /run/vdsm/storage, and its devices."""
    shown = LINKS / storagedomainID / imageID
    if shown.is_symlink():
        shown.unlink()
    else:
        shutil.rmtree(shown, ignore_errors=True)
    find(storagedomainID).deactivate(imageID)


def delete(storagedomainID: str, imageID: str, discard: bool = False, **_others: object) -> None:
    """Remove an image with its volumes; ``discard`` gives their blocks back to the LUN."""
    domain = _with_image(storagedomainID, imageID)
    teardown(storagedomainID, imageID)
    domain.delete(imageID, discard)


def write(storagedomainID: str, imageID: str, volumeID: str, data: str, **_others: object) -> None:
    """Write base64 data to the start of an OVF store's volume, and to no other."""
    about = info(storagedomainID, imageID, volumeID)
    if about["disktype"] != "OVFS":
        raise InvalidParameter(f"volume {volumeID} is no OVF store")
    content = base64.b64decode(data, validate=True)
    if len(content) > int(about["apparentsize"]):
        raise InvalidParameter(f"{len(content)} bytes are more than volume {volumeID} holds")
    direct.write(prepare(storagedomainID, imageID, volumeID)["path"], 0, content)


def _with_image(domain_id: str, image_id: str) -> Domain:
    domain = find(domain_id)
    if not domain.has(image_id):
        raise ImageDoesNotExistInSD((image_id, domain_id))
    return domain


def _with_volume(domain_id: str, image_id: str, volume_id: str) -> Domain:
    domain = find(domain_id)
    if not domain.has(image_id):
        raise ImagePathError((domain_id, image_id))
    if volume_id not in domain.volumes(image_id):
        raise VolumeDoesNotExist((volume_id,))
    return domain
