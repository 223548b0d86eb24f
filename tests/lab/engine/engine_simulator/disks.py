"""Disks; the engine's own OVF stores are in ovf_stores."""

from __future__ import annotations

from .api import Answer, Entity, Fault, Request, get, incomplete, reference, refused, route
from .engine import Engine, Unreachable, VerbFailed, task
from .state import Data, event, new_id

# vdsm's code for an image that isn't on the domain.
NO_IMAGE = 268
GIB = 1024**3
VOLUME_EXISTS = 212
# Never removed nor renamed by the API, whether or not a VM is marked.
HOSTED_ENGINE_ALIASES = (
    *("he_virtio_disk", "he_sanlock"),
    *("HostedEngineConfigurationImage", "he_metadata"),
)


def shown(data: Data, disk: Entity) -> Entity:
    entity = dict(disk)
    if disk["_attachments"]:
        entity["vms"] = [{"id": vm} for vm in disk["_attachments"]]
    return entity


def on_domain(data: Data, identifier: str) -> list[Entity]:
    return [d for d in data["disks"].values() if d["storage_domains"][0]["id"] == identifier]


@route("GET", "/disks")
def disks(request: Request) -> Answer:
    with request.engine.look() as data:
        return Answer("disks", [shown(data, disk) for disk in data["disks"].values()])


@route("GET", "/disks/{}")
def one_disk(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        return Answer("disk", shown(data, get(data, "disks", identifier)))


@route("POST", "/disks")
def add(request: Request) -> Answer:
    """A name may be used twice: the engine doesn't mind either."""
    body = request.body
    for name in ("provisioned_size", "format"):
        if not body.get(name):
            raise incomplete(f"Disk [{name}] required for add")
    with request.engine.change() as data:
        domain = reference(
            data,
            "storagedomains",
            (body.get("storage_domains") or [{}])[0],
            "Disk [storageDomains.id|name] required for add",
        )
        _check(body, domain)
        _check_ids(data, body)
        if request.engine.faults.get("disk") == "refused":
            # vdsm said no when it was asked for the volume: nothing of the disk is left.
            raise Fault(400)
        disk = new_disk(data, body, domain)
        request.engine.later(data, 1, "disk_made", disk["id"])
        return Answer("disk", shown(data, disk), 202)


def _check(body: Entity, domain: Entity) -> None:
    if domain["_status"] != "active" or not domain["_attached"]:
        raise refused(
            "Cannot add Virtual Disk. The relevant Storage Domain's status is "
            f"{domain['_status'].capitalize()}."
        )
    block = domain["storage"]["type"] in ("iscsi", "fcp")
    sparse = body.get("sparse", body["format"] == "cow")
    # Preallocated qcow2 only goes with incremental backup.
    wrong = not sparse and body.get("backup") != "incremental"
    if (block and sparse) if body["format"] == "raw" else wrong:
        raise refused("Cannot add Virtual Disk. The selected disk configuration is not supported.")
    if (body.get("initial_size") or 0) > body["provisioned_size"]:
        raise refused("Cannot add Virtual Disk. The initial size exceeds the virtual size.")
    needed = 0 if sparse else body["provisioned_size"]
    if domain["available"] - needed < domain["critical_space_action_blocker"] * GIB:
        raise refused(
            f"Cannot add Virtual Disk. Low disk space on Storage Domain {domain['name']}."
        )


def _check_ids(data: Data, body: Entity) -> None:
    """A disk may bring its own id; one that is taken is refused."""
    if known := data["disks"].get(body.get("id")):
        raise refused(
            f"Cannot add Virtual Disk. The selected disk ID: {known['id']} is already used by the "
            f"following existing disk: {known['name']}."
        )


def new_disk(data: Data, body: Entity, domain: Entity) -> Entity:
    """A disk in the state, still locked; its volume's id is known from the start."""
    name = body.get("name") or body.get("alias") or "Disk"
    disk = {
        "id": body.get("id") or new_id(),
        "name": name,
        "alias": name,
        "description": body.get("description", ""),
        "image_id": body.get("image_id") or new_id(),
        "format": body["format"],
        "sparse": body.get("sparse", body["format"] == "cow"),
        "provisioned_size": body["provisioned_size"],
        "initial_size": body.get("initial_size"),
        "actual_size": 0,
        "total_size": 0,
        "content_type": body.get("content_type", "data"),
        "storage_type": "image",
        "status": "locked",
        "shareable": body.get("shareable", False),
        "propagate_errors": False,
        "wipe_after_delete": body.get("wipe_after_delete", False),
        "backup": body.get("backup", "none"),
        "storage_domains": [{"id": domain["id"]}],
        "_attachments": [],
    }
    data["disks"][disk["id"]] = disk
    return disk


@task("disk_made", "disk")
def made(engine: Engine, identifier: str) -> None:
    """Make the disk's volume on the storage; if the host can't, the disk is gone again."""
    with engine.change() as data:
        disk = data["disks"].get(identifier)
        if disk is None or disk["status"] != "locked":
            return
        address, domain = place(data, disk)
    try:
        if engine.faults.get("disk") == "fails" and disk["content_type"] != "ovf_store":
            raise VerbFailed(205, "Error creating a new volume")
        create_volume(engine, address, disk)
        from . import storage

        seen = storage.stats(engine, address or "", domain["id"])
    except (VerbFailed, Unreachable) as err:
        with engine.change() as data:
            _failed(data, identifier, str(err))
        return
    with engine.change() as data:
        disk = data["disks"][identifier]
        size = 0 if disk["sparse"] else disk["provisioned_size"]
        illegal = engine.faults.get("disk") == "illegal" and disk["content_type"] != "ovf_store"
        disk |= {"status": "illegal" if illegal else "ok", "actual_size": size, "total_size": size}
        data["storagedomains"][domain["id"]] |= seen
        event(data, 2021, "normal", f"The disk '{disk['name']}' was successfully added.")


def _failed(data: Data, identifier: str, why: str) -> None:
    """Only the engine's own stores stay, as illegal ones, when their volume can't be made."""
    disk = data["disks"][identifier]
    event(data, 2022, "error", f"Add-Disk operation failed to complete. {why}", disk=disk)
    if disk["content_type"] == "ovf_store":
        disk["status"] = "illegal"
    else:
        del data["disks"][identifier]


def create_volume(engine: Engine, address: str | None, disk: Entity) -> None:
    """Make the volume. One that is there was made before the engine was restarted."""
    if address is None:
        raise Unreachable("no host of the data center is up")
    try:
        engine.hosts.verb(
            address,
            "Volume.create",
            storagedomainID=disk["storage_domains"][0]["id"],
            imageID=disk["id"],
            volumeID=disk["image_id"],
            size=disk["provisioned_size"],
            format=disk["format"],
            preallocate=not disk["sparse"],
            initialSize=disk.get("initial_size"),
            content_type=disk["content_type"],
        )
    except VerbFailed as err:
        if err.code != VOLUME_EXISTS:
            raise


def place(data: Data, disk: Entity) -> tuple[str | None, Entity]:
    """The address of a host that can work on the disk, if any, and the disk's domain."""
    from .attachments import up_host

    domain = data["storagedomains"][disk["storage_domains"][0]["id"]]
    host = up_host(data, domain["_attached"])
    return (host["address"] if host else None), domain


@route("PUT", "/disks/{}")
def update(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        disk = get(data, "disks", identifier)
        if disk["name"] in HOSTED_ENGINE_ALIASES:
            raise refused("Cannot edit Virtual Disk. The disk is a part of Hosted Engine.")
        if disk["content_type"] != "data":
            kind = disk["content_type"].upper()
            raise refused(
                f"Cannot edit Virtual Disk. The operation is not supported for {kind} disks."
            )
        disk |= {k: v for k, v in request.body.items() if k in ("name", "alias", "description")}
        return Answer("disk", shown(data, disk))


@route("DELETE", "/disks/{}")
def remove(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        disk = get(data, "disks", identifier)
        if disk["status"] == "locked":
            raise refused(
                f"Cannot remove Virtual Disk: The disk {disk['name']} is locked. Please try "
                "again in a few minutes."
            )
        if disk["name"] in HOSTED_ENGINE_ALIASES:
            raise refused("Cannot remove Virtual Disk. The disk is a part of Hosted Engine.")
        if disk["content_type"].startswith("hosted_engine"):
            kind = disk["content_type"].upper()
            raise refused(
                f"Cannot remove Virtual Disk. The operation is not supported for {kind} disks."
            )
        if any(data["vms"][vm]["status"] != "down" for vm in disk["_attachments"]):
            raise refused("Cannot remove Virtual Disk. At least one of the VMs is not down.")
        if place(data, disk)[0] is None:
            raise refused("Cannot remove Virtual Disk. There is no active Host in the Data Center.")
        disk["status"] = "locked"
        request.engine.later(data, 1, "disk_removed", identifier)
    return Answer("action", {"status": "complete"})


@task("disk_removed", "disk")
def removed(engine: Engine, identifier: str) -> None:
    with engine.change() as data:
        disk = data["disks"].get(identifier)
        if disk is None:
            return
        address, domain = place(data, disk)
    try:
        if address is None:
            raise Unreachable("no host of the data center is up")
        engine.hosts.verb(
            address,
            "Image.delete",
            storagedomainID=domain["id"],
            imageID=identifier,
            discard=domain["discard_after_delete"],
        )
    except (VerbFailed, Unreachable) as err:
        # A disk whose image was never made is forgotten, as the engine does.
        gone = isinstance(err, VerbFailed) and err.code == NO_IMAGE
        with engine.change() as data:
            if gone:
                del data["disks"][identifier]
                return
            data["disks"][identifier]["status"] = "illegal"
            event(data, 2036, "error", f"Failed to remove disk {disk['name']}: {err}", disk=disk)
        return
    with engine.change() as data:
        for vm in data["disks"].pop(identifier)["_attachments"]:
            data["vms"][vm]["_disks"].pop(identifier, None)
