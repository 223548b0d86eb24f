"""The hosted engine's storage through vdsm: connect, prepare images, find the engine's OVF."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from vdsm_standin import rpc

from . import archive
from .configuration import address

IMAGES = ("metadata", "lockspace", "conf")
OVF_STORE = "OVF_STORE"
# An id that a host left without a word is free after 150 s.
MONITOR_SECONDS = 240
logger = logging.getLogger("ovirt_hosted_engine_ha.lib.storage")


def vdsm(verb: str, **arguments: Any) -> Any:
    """Ask vdsm; RuntimeError with its words, or that it can't be reached."""
    try:
        return rpc.call(verb, arguments, timeout=60)
    except rpc.RemoteError as err:
        raise RuntimeError(f"{verb} failed: (code={err.code}, message={err})") from err
    except OSError as err:
        raise RuntimeError(f"Couldn't connect to VDSM: {err}") from err


def connections(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """What vdsm connects for hosted-engine.conf: a server's export, portals, or nothing to name."""
    kind, connection = values["domainType"], {"id": values["connectionUUID"]}
    if kind == "fc":
        return [connection | {"type": "fcp"}]
    if kind == "iscsi":
        chap = {"user": values["user"], "password": values["password"]}
        target = {"type": kind, "target": values["iqn"], "portal": int(values["portal"]), **chap}
        portals = zip(values["storage"].split(","), values["port"].split(","), strict=True)
        return [connection | target | {"address": at, "port": int(port)} for at, port in portals]
    server, path = address(values["storage"])
    export = {"type": kind, "address": server, "path": path}
    export["mount_options"] = values.get("mnt_options", "")
    if kind == "glusterfs":
        return [connection | export | {"vfs_type": kind}]
    return [connection | export | {"nfs_version": values.get("nfs_version", "")}]


def connect(values: Mapping[str, str]) -> None:
    """Connect the storage that hosted-engine.conf names; one portal that answers is enough."""
    failures = []
    wanted = connections(values)
    for connection in wanted:
        try:
            vdsm("StorageDomain.connect", **connection)
        except RuntimeError as err:
            failures.append(err)
    if len(failures) == len(wanted):
        raise failures[0]


def disconnect(values: Mapping[str, str]) -> None:
    """Disconnect it."""
    for connection in connections(values):
        vdsm("StorageDomain.disconnect", **connection)


def start_monitoring(values: Mapping[str, str]) -> None:
    """Have vdsm own this host's id in the domain's own lockspace: leases of its volumes need it."""
    vdsm("Host.startMonitoringDomain", sdUUID=values["sdUUID"], hostID=int(values["host_id"]))


def wait_for_monitoring(values: Mapping[str, str]) -> None:
    """Until vdsm owns it. Raises RuntimeError after MONITOR_SECONDS."""
    domain = values["sdUUID"]
    deadline = time.monotonic() + MONITOR_SECONDS
    while not vdsm("Host.getStorageRepoStats", domains=[domain])[domain]["acquired"]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no host id in the lockspace of domain {domain}")
        time.sleep(1)


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
