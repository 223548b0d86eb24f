"""What VMs have: disks, network interfaces, consoles."""

from __future__ import annotations

from .api import (
    Answer,
    Entity,
    Request,
    done,
    failed,
    get,
    incomplete,
    not_found,
    nothing,
    reference,
    refused,
    route,
)
from .state import Data, new_id

NOT_MANAGED = "This VM is not managed by the engine."
# The other disks of the hosted engine can't be attached to any VM.
ATTACHABLE = ("data", "hosted_engine")


def _home(vm: str, collection: str, identifier: str) -> str:
    return f"/ovirt-engine/api/vms/{vm}/{collection}/{identifier}"


def _devices(data: Data, vm: str, key: str, collection: str) -> list[Entity]:
    return [
        device | {"href": _home(vm, collection, device["id"]), "vm": {"id": vm}}
        for device in get(data, "vms", vm)[key].values()
    ]


def _serve(collection: str, key: str, tag: str) -> None:
    """The collection and its members as they lie in the VM."""

    @route("GET", f"/vms/{{}}/{collection}")
    def many(request: Request, vm: str) -> Answer:
        with request.engine.look() as data:
            return Answer(tag + "s", _devices(data, vm, key, collection))

    @route("GET", f"/vms/{{}}/{collection}/{{}}")
    def one(request: Request, vm: str, identifier: str) -> Answer:
        with request.engine.look() as data:
            for device in _devices(data, vm, key, collection):
                if device["id"] == identifier:
                    return Answer(tag, device)
        raise not_found(f"Entity not found: {identifier}")


_serve("diskattachments", "_disks", "disk_attachment")
_serve("nics", "_nics", "nic")
_serve("graphicsconsoles", "_consoles", "graphics_console")


def _added(tag: str, vm: str, collection: str, device: Entity) -> Answer:
    return Answer(tag, device | {"href": _home(vm, collection, device["id"])}, 201)


@route("POST", "/vms/{}/diskattachments")
def attach_disk(request: Request, identifier: str) -> Answer:
    body = request.body
    with request.engine.change() as data:
        vm = get(data, "vms", identifier)
        if not (body.get("disk") or {}).get("id"):
            raise incomplete("DiskAttachment [disk.id] required for add")
        if not body.get("interface"):
            raise incomplete("DiskAttachment [interface] required for add")
        disk = reference(data, "disks", {"id": body["disk"]["id"]}, "DiskAttachment [disk.id]")
        _check_attachment(data, vm, disk, body)
        device = {
            "id": disk["id"],
            "disk": {"id": disk["id"]},
            "active": body.get("active", False),
            "bootable": body.get("bootable", False),
            "interface": body["interface"],
            "read_only": body.get("read_only", False),
        }
        vm["_disks"][disk["id"]] = device
        disk["_attachments"].append(identifier)
        request.engine.later(data, 0.5, "ovf_stores", disk["storage_domains"][0]["id"])
        return _added("disk_attachment", identifier, "diskattachments", device)


def _check_attachment(data: Data, vm: Entity, disk: Entity, body: Entity) -> None:
    if disk["content_type"] not in ATTACHABLE:
        raise refused(
            "Cannot attach Virtual Disk. The operation is not supported for "
            f"{disk['content_type'].upper()} disks."
        )
    if disk["status"] == "illegal":
        raise refused("Cannot attach Virtual Disk. Disk is in illegal state.")
    if disk["status"] == "locked":
        raise refused(
            f"Cannot attach Virtual Disk: The disk {disk['name']} is locked. Please try again in a "
            "few minutes."
        )
    if vm["_origin"] == 6:
        raise failed(NOT_MANAGED)
    if disk["_attachments"] and not disk["shareable"]:
        raise refused("Cannot attach Virtual Disk. The disk is already attached to VM.")
    boot = next((d for d in vm["_disks"].values() if d["bootable"]), None)
    if body.get("bootable") and boot:
        name = data["disks"][boot["id"]]["name"]
        raise refused(
            f"Cannot attach Virtual Disk. Disk {name} in VM {vm['name']} is already marked as boot."
        )


@route("PUT", "/vms/{}/diskattachments/{}")
def update_attachment(request: Request, vm: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        device = _device(data, vm, "_disks", identifier)
        fields = ("active", "bootable", "interface", "read_only")
        device |= {k: v for k, v in request.body.items() if k in fields}
        return Answer("disk_attachment", device)


@route("DELETE", "/vms/{}/diskattachments/{}")
def detach_disk(request: Request, vm: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        _device(data, vm, "_disks", identifier)
        if data["vms"][vm]["_origin"] == 6:
            raise refused("Cannot detach Virtual Disk. The disk contains the hosted engine.")
        if data["vms"][vm]["status"] != "down":
            raise refused("Cannot detach Virtual Disk. At least one of the VMs is not down.")
        del data["vms"][vm]["_disks"][identifier]
        data["disks"][identifier]["_attachments"].remove(vm)
    return done()


@route("POST", "/vms/{}/nics")
def add_nic(request: Request, identifier: str) -> Answer:
    body = request.body
    if not body.get("name"):
        raise incomplete("Nic [name] required for add")
    with request.engine.change() as data:
        vm = get(data, "vms", identifier)
        if any(nic["name"] == body["name"] for nic in vm["_nics"].values()):
            raise refused(
                "Cannot add Interface. The Interface name is already in use, please choose a "
                "unique name and try again."
            )
        profile = None
        if body.get("vnic_profile"):
            profile = reference(data, "vnicprofiles", body["vnic_profile"], "Nic [vnicProfile.id]")
        address = (body.get("mac") or {}).get("address")
        if address:
            _check_mac(data, address.lower())
        nic: Entity = {
            "id": new_id(),
            "name": body["name"],
            "interface": body.get("interface", "virtio"),
            "mac": {"address": (address or _free_mac(data)).lower()},
            "linked": body.get("linked", True),
            "plugged": body.get("plugged", True),
        }
        if profile:
            nic["vnic_profile"] = {"id": profile["id"]}
        vm["_nics"][nic["id"]] = nic
        return _added("nic", identifier, "nics", nic)


def _macs(data: Data) -> dict[str, str]:
    return {
        nic["mac"]["address"]: vm["name"]
        for vm in data["vms"].values()
        for nic in vm["_nics"].values()
    }


def _check_mac(data: Data, address: str) -> None:
    holder = _macs(data).get(address)
    if holder:
        raise refused(f"MAC Address {address} is already in use by VM or snapshot: {holder}.")
    if int(address.partition(":")[0], 16) & 1:
        raise refused("Cannot add Interface. Invalid MAC address: it is a multicast address.")


def _free_mac(data: Data) -> str:
    used = _macs(data)
    return next(m for m in (f"56:6f:00:00:00:{n:02x}" for n in range(256)) if m not in used)


@route("PUT", "/vms/{}/nics/{}")
def update_nic(request: Request, vm: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        nic = _device(data, vm, "_nics", identifier)
        fields = ("name", "interface", "mac", "linked", "plugged", "vnic_profile")
        nic |= {k: v for k, v in request.body.items() if k in fields}
        return Answer("nic", nic)


@route("DELETE", "/vms/{}/nics/{}")
def remove_nic(request: Request, vm: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        _device(data, vm, "_nics", identifier)
        del data["vms"][vm]["_nics"][identifier]
    return done()


@route("POST", "/vms/{}/graphicsconsoles")
def add_console(request: Request, identifier: str) -> Answer:
    protocol = request.body.get("protocol")
    if not protocol:
        raise incomplete("GraphicsConsole [protocol] required for add")
    with request.engine.change() as data:
        consoles = get(data, "vms", identifier)["_consoles"]
        if any(console["protocol"] == protocol for console in consoles.values()):
            raise refused(
                "Cannot add Graphics Device. One VM can not contain more than one device with the "
                "same graphics type."
            )
        console = {"id": new_id(), "protocol": protocol}
        consoles[console["id"]] = console
        return _added("graphics_console", identifier, "graphicsconsoles", console)


@route("POST", "/vms/{}/graphicsconsoles/{}/remoteviewerconnectionfile", action=True)
def console_file(request: Request, vm: str, identifier: str) -> Answer:
    """A ticket for the display of a VM that runs, as remote-viewer opens it; else nothing: 204."""
    with request.engine.look() as data:
        protocol = _device(data, vm, "_consoles", identifier)["protocol"]
        host = data["hosts"].get((data["vms"][vm].get("host") or {}).get("id"))
    if host is None:
        return nothing()
    lines = ["[virt-viewer]", f"type={protocol}", f"host={host['address']}", "port=5900"]
    lines += [f"password={new_id()}", "delete-this-file=1", "# Valid for 120 seconds"]
    return done(remote_viewer_connection_file="\n".join(lines) + "\n")


@route("DELETE", "/vms/{}/graphicsconsoles/{}")
def remove_console(request: Request, vm: str, identifier: str) -> Answer:
    with request.engine.change() as data:
        _device(data, vm, "_consoles", identifier)
        del data["vms"][vm]["_consoles"][identifier]
    return done()


def _device(data: Data, vm: str, key: str, identifier: str) -> Entity:
    device = get(data, "vms", vm)[key].get(identifier)
    if device is None:
        raise not_found(f"Entity not found: {identifier}")
    return device
