"""Images and their one volume: the data file, its ``.meta`` and its ``.lease``."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from .errors import (
    ImageDoesNotExistInSD,
    ImagePathError,
    InvalidParameter,
    VolumeAlreadyExists,
    VolumeCreationError,
    VolumeDoesNotExist,
)
from .process import run
from .storage import BLANK, LINKS, MIB, find, own, sparse

DISK_TYPES = {
    "hosted_engine": "HEVD",
    "hosted_engine_sanlock": "HESD",
    "hosted_engine_metadata": "HEMD",
    "hosted_engine_configuration": "HECI",
    "ovf_store": "OVFS",
    "iso": "ISOF",
}


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
    **_others: object,
) -> None:
    """Make an image with one volume of ``size`` bytes. Nothing is left of one that fails."""
    image = find(storagedomainID) / "images" / imageID
    volume = image / volumeID
    if volume.exists():
        raise VolumeAlreadyExists((volumeID,))
    if format not in ("raw", "cow"):
        raise InvalidParameter(f"volume format {format}")
    image.mkdir(exist_ok=True)
    own(image, 0o755)
    try:
        _allocate(volume, int(size), format, preallocate)
        sparse(volume.with_name(f"{volumeID}.lease"), MIB)
    except OSError as err:
        shutil.rmtree(image)
        raise VolumeCreationError((str(volume), err.strerror)) from err
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
    meta = volume.with_name(f"{volumeID}.meta")
    meta.write_text("".join(f"{key}={value}\n" for key, value in facts.items()) + "EOF\n")
    own(meta, 0o644)


def _allocate(volume: Path, size: int, form: str, preallocate: bool) -> None:
    if form == "cow":
        run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=1.1", str(volume), str(size))
        own(volume, 0o660)
        return
    sparse(volume, size)
    if preallocate:
        with volume.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def info(storagedomainID: str, imageID: str, volumeID: str, **_others: object) -> dict[str, Any]:
    """What the ``.meta`` file says, and the file's sizes in bytes."""
    volume = _volume(storagedomainID, imageID, volumeID)
    lines = volume.with_name(f"{volumeID}.meta").read_text().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    about = volume.stat()
    return {
        "uuid": volumeID,
        "image": imageID,
        "domain": storagedomainID,
        "format": facts["FORMAT"],
        "type": facts["TYPE"],
        "disktype": facts["DISKTYPE"],
        "description": facts["DESCRIPTION"],
        "capacity": facts["CAP"],
        "apparentsize": str(about.st_size),
        "truesize": str(about.st_blocks * 512),
        "legality": facts["LEGALITY"],
        "voltype": facts["VOLTYPE"],
        "status": "OK",
    }


def images(storagedomainID: str, **_others: object) -> list[str]:
    """Ids of a domain's images."""
    return sorted(entry.name for entry in (find(storagedomainID) / "images").iterdir())


def volumes(storagedomainID: str, imageID: str, **_others: object) -> list[str]:
    """Ids of an image's volumes."""
    image = _image(storagedomainID, imageID)
    return sorted(entry.stem for entry in image.iterdir() if entry.suffix == ".meta")


def prepare(
    storagedomainID: str, imageID: str, volumeID: str, storagepoolID: str = BLANK, **_others: object
) -> dict[str, Any]:
    """Link an image below /run/vdsm/storage, and say where its volume is."""
    volume = _volume(storagedomainID, imageID, volumeID)
    link = LINKS / storagedomainID / imageID
    for folder in (LINKS, link.parent):
        folder.mkdir(exist_ok=True)
        own(folder, 0o755)
    if not (link.is_symlink() and link.readlink() == volume.parent):
        link.unlink(missing_ok=True)
        link.symlink_to(volume.parent)
    path = str(link / volumeID)
    chain = {"domainID": storagedomainID, "imageID": imageID, "volumeID": volumeID, "path": path}
    chain |= {"leasePath": f"{path}.lease", "leaseOffset": 0}
    return {"path": path, "info": {"type": "file", "path": path}, "imgVolumesInfo": [chain]}


def teardown(storagedomainID: str, imageID: str, **_others: object) -> None:
    """Take the link of an image away."""
    (LINKS / storagedomainID / imageID).unlink(missing_ok=True)


def delete(storagedomainID: str, imageID: str, **_others: object) -> None:
    """Remove an image with its volumes."""
    image = _image(storagedomainID, imageID)
    teardown(storagedomainID, imageID)
    shutil.rmtree(image)


def write(storagedomainID: str, imageID: str, volumeID: str, data: str, **_others: object) -> None:
    """Write base64 data to the start of an OVF store's volume, and to no other."""
    volume = _volume(storagedomainID, imageID, volumeID)
    if info(storagedomainID, imageID, volumeID)["disktype"] != "OVFS":
        raise InvalidParameter(f"volume {volumeID} is no OVF store")
    content = base64.b64decode(data, validate=True)
    if len(content) > volume.stat().st_size:
        raise InvalidParameter(f"{len(content)} bytes are more than volume {volumeID} holds")
    with volume.open("r+b") as file:
        file.write(content)
        os.fsync(file.fileno())


def _image(domain_id: str, image_id: str) -> Path:
    image = find(domain_id) / "images" / image_id
    if not image_id or not image.is_dir():
        raise ImageDoesNotExistInSD((image_id, domain_id))
    return image


def _volume(domain_id: str, image_id: str, volume_id: str) -> Path:
    image = find(domain_id) / "images" / image_id
    if not image_id or not image.is_dir():
        raise ImagePathError((str(image),))
    if not volume_id or not (image / f"{volume_id}.meta").is_file():
        raise VolumeDoesNotExist((volume_id,))
    return image / volume_id
