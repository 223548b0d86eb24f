"""The hosted engine's storage through vdsm: connect, prepare images, find the engine's OVF."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from vdsm_standin import rpc

from . import archive
from .configuration import address

IMAGES = ("metadata", "lockspace", "conf")
OVF_STORE = "OVF_STORE"
logger = logging.getLogger("ovirt_hosted_engine_ha.lib.storage")


def vdsm(verb: str, **arguments: Any) -> Any:
    """Ask vdsm; RuntimeError with its words, or that it can't be reached."""
    try:
        return rpc.call(verb, arguments, timeout=60)
    except rpc.RemoteError as err:
        raise RuntimeError(f"{verb} failed: (code={err.code}, message={err})") from err
    except OSError as err:
        raise RuntimeError(f"Couldn't connect to VDSM: {err}") from err


def connect(values: Mapping[str, str]) -> None:
    """Connect the storage server that hosted-engine.conf names."""
    if values["domainType"] != "nfs":
        raise RuntimeError(f"domainType={values['domainType']}: the lab's vdsm has nfs only")
    server, path = address(values["storage"])
    vdsm(
        "StorageDomain.connect",
        type=values["domainType"],
        address=server,
        path=path,
        mount_options=values.get("mnt_options", ""),
        nfs_version=values.get("nfs_version", ""),
        id=values["connectionUUID"],
    )


def _prepare(values: Mapping[str, str], image: str, volume: str) -> str:
    ids = {"storagepoolID": values["spUUID"], "storagedomainID": values["sdUUID"]}
    return vdsm("Image.prepare", **ids, imageID=image, volumeID=volume)["path"]


def prepare(values: Mapping[str, str]) -> dict[str, str]:
    """Prepare metadata, lockspace and configuration; their paths by name."""
    return {
        name: _prepare(values, values[f"{name}_image_UUID"], values[f"{name}_volume_UUID"])
        for name in IMAGES
    }


def find_ovf(values: Mapping[str, str]) -> str | None:
    """The newest OVF of the engine's VM in the OVF stores, or None."""
    ids = {"storagepoolID": values["spUUID"], "storagedomainID": values["sdUUID"]}
    for image in vdsm("StorageDomain.getImages", **ids):
        for volume in vdsm("StorageDomain.getVolumes", imageID=image, **ids):
            about = vdsm("Volume.getInfo", imageID=image, volumeID=volume, **ids)
            if _is_ovf_store(about["description"]):
                logger.info("Found OVF_STORE: imgUUID:%s, volUUID:%s", image, volume)
                try:
                    path = _prepare(values, image, volume)
                    return archive.extract(path, f"{values['vmid']}.ovf")
                except archive.ArchiveError as err:
                    logger.error("Unable to extract HEVM OVF: %s", err)
    return None


def _is_ovf_store(description: str) -> bool:
    try:
        return json.loads(description).get("Disk Description") == OVF_STORE
    except (ValueError, AttributeError):
        return False
