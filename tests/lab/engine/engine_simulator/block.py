"""Storage that isn't a file system: targets and logical units of hosts, domains on them."""

from __future__ import annotations

from typing import Any

from .api import Answer, Entity, Request, done, failed, get, incomplete, refused, route
from .host_network import verb
from .state import Data

TYPES = ("iscsi", "fcp")
PORT = 3260
# Bytes that a device which can discard can discard at once.
DISCARD_MAX = 4 * 1024**3
GIB = 1024**3


@route("POST", "/hosts/{}/discoveriscsi", action=True)
def discover(request: Request, identifier: str) -> Answer:
    iscsi = request.body.get("iscsi") or {}
    if not iscsi.get("address"):
        raise incomplete("Action [iscsi.address] required for discoverIscsi")
    found = verb(
        request,
        identifier,
        "ISCSIConnection.discoverSendTargets",
        host=iscsi["address"],
        port=iscsi.get("port", PORT),
        user=iscsi.get("username", ""),
        password=iscsi.get("password", ""),
    )
    # The portal as a whole, not its group alone.
    targets = [one | {"portal": _whole_portal(one)} for one in found]
    return done(discovered_targets=targets, iscsi_targets=[t["target"] for t in targets])


@route("POST", "/hosts/{}/iscsilogin", action=True)
def login(request: Request, identifier: str) -> Answer:
    iscsi = request.body.get("iscsi") or {}
    for name in ("address", "target"):
        if not iscsi.get(name):
            raise incomplete(f"Action [iscsi.{name}] required for iscsiLogin")
    verb(request, identifier, "StorageDomain.connect", **_connection(iscsi))
    return done()


def whole_gib(size: int) -> int:
    """Bytes of the whole GiB in a size: sizes of storage are kept in these."""
    return size // GIB * GIB


def _whole_portal(portal: Entity) -> str:
    # An IPv6 address has no brackets there.
    return f"{portal['address']}:{portal['port']},{portal['portal']}"


@route("GET", "/hosts/{}/storage")
def logical_units(request: Request, identifier: str) -> Answer:
    found = verb(request, identifier, "Host.getDeviceList")
    with request.engine.look() as data:
        homes = dict(_homes(data))
        host = get(data, "hosts", identifier)["id"]
    return Answer("host_storages", [_storage(device, host, homes) for device in found])


def _storage(device: Entity, host: str, homes: dict[str, str]) -> Entity:
    unit = unit_of(device)
    unit |= {"status": device["status"], "paths": len(device["pathstatus"]) or 1}
    if home := homes.get(device["GUID"]):
        unit["storage_domain_id"] = home
    return {
        "id": device["GUID"],
        "type": "fcp" if device["devtype"] == "FCP" else "iscsi",
        "logical_units": [unit],
        "host": {"id": host},
    }


def unit_of(device: Entity) -> Entity:
    """A device of a host as the API gives it, with its first path."""
    unit = {
        "id": device["GUID"],
        "size": whole_gib(device["capacity"]),
        "vendor_id": device["vendorID"],
        "product_id": device["productID"],
        "serial": device["serial"],
        "lun_mapping": 0,
        "discard_max_size": DISCARD_MAX if device["discard"] else 0,
    }
    if device["vgUUID"]:
        unit["volume_group_id"] = device["vgUUID"]
    if device["pathstatus"]:
        path = device["pathstatus"][0]
        unit |= {"address": path["connection"], "port": path["port"], "target": path["iqn"]}
    return unit


def _homes(data: Data) -> Any:
    for domain in data["storagedomains"].values():
        for unit in units(domain["storage"]):
            yield unit["id"], domain["id"]


def units(storage: Entity) -> list[Entity]:
    """Logical units of a storage: the API takes them in two places, and shows them in one."""
    group = storage.get("volume_group") or {}
    return group.get("logical_units") or storage.get("logical_units") or []


def check(data: Data, storage: Entity) -> None:
    """Logical units are named, and belong to no domain that the engine knows."""
    wanted = units(storage)
    if not wanted or not all(unit.get("id") for unit in wanted):
        raise incomplete("StorageDomain [storage.logicalUnits] required for add")
    for unit in wanted:
        if storage["type"] == "iscsi" and not (unit.get("address") and unit.get("target")):
            raise incomplete("LogicalUnit [address, target] required for add")
    taken = dict(_homes(data))
    if used := [unit["id"] for unit in wanted if unit["id"] in taken]:
        raise refused(
            "Cannot add Storage. The following LUNs are already part of existing storage domains: "
            f"{', '.join(used)}."
        )


def connections(storage: Entity) -> list[Entity]:
    """What a host logs in to for these logical units; Fibre Channel needs nothing."""
    if storage["type"] == "fcp":
        return [{"type": "fcp"}]
    return [_connection(unit) for unit in units(storage)]


def _connection(iscsi: Entity) -> Entity:
    """What the engine hands on; its text for the portal goes to vdsm as it is."""
    group = str(iscsi.get("portal") or 1)
    if not group.isdecimal():
        # vdsm reads the whole text as a number.
        raise failed("General Exception")
    return {
        "type": "iscsi",
        "address": iscsi["address"],
        "port": iscsi.get("port", PORT),
        "target": iscsi["target"],
        "portal": int(group),
        "user": iscsi.get("username", ""),
        "password": iscsi.get("password", ""),
    }


def seen(devices: list[Entity], domain: Entity) -> list[Entity]:
    """The host's devices for the domain's logical units; discard only where they can do it."""
    wanted = {unit["id"] for unit in units(domain["storage"])}
    found = [device for device in devices if device["GUID"] in wanted]
    if lost := wanted - {device["GUID"] for device in found}:
        raise refused(
            "Cannot add Storage. The following LUNs are not visible by the selected host: "
            f"{', '.join(sorted(lost))}."
        )
    if used := [device["GUID"] for device in found if device["status"] != "free"]:
        raise refused(
            "Cannot add Storage. The following LUNs are already in use: "
            f"{', '.join(used)}. Use override_luns to overwrite them."
        )
    if domain["discard_after_delete"] and not all(device["discard"] for device in found):
        raise refused(
            "Cannot add Storage. Discard after delete is not supported by the underlying storage."
        )
    return found


def shown(domain: Entity, devices: list[Entity]) -> Entity:
    """The domain's storage as the API shows it from now on: no user, no password."""
    group = {"id": domain["id"], "logical_units": [unit_of(device) for device in devices]}
    for unit in group["logical_units"]:
        unit |= {"status": "used", "volume_group_id": domain["id"]}
    return {"type": domain["storage"]["type"], "volume_group": group}
