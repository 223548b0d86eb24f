"""Virtual machines: made, changed, stopped, removed."""

from __future__ import annotations

from . import ovf_stores, storage
from .api import Answer, Entity, Request, done, failed, get, incomplete, reference, refused, route
from .engine import Engine, task
from .infrastructure import no_duplicate
from .state import BLANK, Data, event, new_id

GIB = 1024**3
ORIGINS = {3: "ovirt", 4: "external", 5: "hosted_engine", 6: "managed_hosted_engine"}
# What a body may not set by itself.
OWN = ("id", "href", "status", "origin", "host", "template", "cluster", "fqdn")
# All else of the VM that is marked as hosted engine is locked.
EDITABLE = (
    *("name", "description", "comment", "memory", "memory_policy", "cpu", "io", "console"),
    *("display", "small_icon", "large_icon", "migration", "placement_policy"),
)
LOCKED = "There was an attempt to change Hosted Engine VM values that are locked."


def shown(vm: Entity) -> Entity:
    return vm | {"origin": ORIGINS.get(vm["_origin"], "ovirt")}


@route("GET", "/vms")
def vms(request: Request) -> Answer:
    with request.engine.look() as data:
        return Answer("vms", [shown(vm) for vm in data["vms"].values()])


@route("GET", "/vms/{}")
def one_vm(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        return Answer("vm", shown(get(data, "vms", identifier)))


@route("POST", "/vms")
def add(request: Request) -> Answer:
    body = request.body
    if not body.get("name"):
        raise incomplete("Vm [name] required for add")
    with request.engine.change() as data:
        cluster = reference(
            data, "clusters", body.get("cluster"), "Vm [cluster.id|name] required for add"
        )
        reference(data, "templates", body.get("template"), "Vm [template.id|name] required for add")
        no_duplicate(data, "vms", body["name"], "VM")
        if body.get("id") in data["vms"]:
            raise refused("Cannot add VM. VM with the same identifier already exists.")
        vm = _new(body, cluster)
        data["vms"][vm["id"]] = vm
        event(data, 34, "normal", f"VM {vm['name']} was created by admin@internal.", vm=vm)
        request.engine.later(data, 1, "vm_made", vm["id"])
        return Answer("vm", shown(vm), 202)


def _new(body: Entity, cluster: Entity) -> Entity:
    memory = body.get("memory", GIB)
    # A VM of the Blank template with an EL 9 system has video vga and a VNC console.
    console = {"id": new_id(), "protocol": "vnc"}
    return {
        "memory": memory,
        "memory_policy": {"guaranteed": memory, "max": memory * 4},
        "cpu": {"topology": {"sockets": 1, "cores": 1, "threads": 1}},
        "bios": {"type": "q35_sea_bios"},
        "os": {"type": "other"},
        "type": "desktop",
        "high_availability": {"enabled": False, "priority": 1},
        "delete_protected": False,
        **{k: v for k, v in body.items() if k not in OWN},
        "id": body.get("id") or new_id(),
        "cluster": {"id": cluster["id"]},
        "template": {"id": BLANK},
        "original_template": {"id": BLANK},
        "status": "image_locked",
        "_origin": 3,
        "_disks": {},
        "_nics": {},
        "_consoles": {console["id"]: console},
    }


@task("vm_made", "vm")
def made(engine: Engine, identifier: str) -> None:
    with engine.change() as data:
        vm = data["vms"].get(identifier)
        if vm and vm["status"] == "image_locked":
            vm["status"] = "down"
        for domain in data["storagedomains"].values():
            engine.later(data, 0.5, "ovf_stores", domain["id"])


@route("PUT", "/vms/{}")
def update(request: Request, identifier: str) -> Answer:
    """Change a VM; of the hosted engine's VM this starts an update of the OVF stores, too."""
    with request.engine.change() as data:
        vm = get(data, "vms", identifier)
        name = request.body.get("name", vm["name"])
        if name != vm["name"]:
            no_duplicate(data, "vms", name, "VM", "edit")
        changed = {k: v for k, v in request.body.items() if k not in OWN and not _holds(vm, k, v)}
        if vm["_origin"] == 6 and not set(changed) <= set(EDITABLE):
            raise failed(LOCKED)
        vm |= changed
        if vm["_origin"] == 6:
            for domain in {d["storage_domains"][0]["id"] for d in _disks(data, vm)}:
                ovf_stores.begin(request.engine, data, domain, by="vm")
        return Answer("vm", shown(vm))


def _holds(entity: Entity, name: str, wanted: object) -> bool:
    """Whether an entity has that value already, or, of a structure, all that is given of it."""
    now = entity.get(name)
    if isinstance(now, dict) and isinstance(wanted, dict):
        return all(_holds(now, key, value) for key, value in wanted.items())
    return now == wanted


def _disks(data: Data, vm: Entity) -> list[Entity]:
    return [data["disks"][identifier] for identifier in vm["_disks"]]


@route("DELETE", "/vms/{}")
def remove(request: Request, identifier: str) -> Answer:
    """Removes the VM and its disks; ``detach_only`` keeps the disks."""
    with request.engine.change() as data:
        vm = get(data, "vms", identifier)
        if vm.get("delete_protected"):
            raise refused(
                "Cannot remove VM. Delete protection is enabled. In order to delete, disable "
                "Delete protection first."
            )
        if vm["status"] == "image_locked":
            raise refused("Cannot remove VM: VM is locked. Please try again in a few minutes.")
        if vm["status"] != "down":
            raise refused("Cannot remove VM. VM is running.")
        for disk in _disks(data, vm):
            disk["_attachments"].remove(identifier)
            if not request.flag("detach_only") and not disk["_attachments"]:
                disk["status"] = "locked"
                request.engine.later(data, 1, "disk_removed", disk["id"])
        del data["vms"][identifier]
        event(data, 113, "normal", f"VM {vm['name']} was successfully removed.")
    return done()


@route("POST", "/vms/{}/stop", action=True)
def stop(request: Request, identifier: str) -> Answer:
    return _off(request, identifier)


@route("POST", "/vms/{}/shutdown", action=True)
def shutdown(request: Request, identifier: str) -> Answer:
    return _off(request, identifier)


def _off(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        vm = get(data, "vms", identifier)
        if "host" not in vm:
            raise refused("Cannot stop VM. VM is not running.")
        host = data["hosts"][vm["host"]["id"]]
    with storage.on_host():
        request.engine.hosts.verb(host["address"], "VM.destroy", vmID=identifier)
    with request.engine.change() as data:
        request.engine.later(data, 0, "host_poll", host["id"])
    return done()
