"""The engine's OVF stores: made, and updated by a change of its VM, on request, and at times."""

from __future__ import annotations

from . import ovf
from .api import refused
from .disks import new_disk, on_domain, place
from .engine import Engine, Unreachable, VerbFailed, task
from .state import Data, event

OVF_STORE_BYTES = 128 * 1024 * 1024
OVF_STORES = 2
# The engine's text has these words in it, unreplaced.
BEING_UPDATED = "Cannot ${action} Storage. Storage Domain OVF data is currently being updated."
IN_PROGRESS = (
    "Cannot ${action} Storage. Related operation is currently in progress. Please try again later."
)


def begin(engine: Engine, data: Data, identifier: str, *, by: str) -> None:
    """
    Start an update of a domain's stores, ``by`` a change of the marked VM or by an ``action``.

    One that runs holds the domain's lock: an action is refused then; a change of the VM is updated
    once more, unless it was an action that ran.
    """
    domain = data["storagedomains"][identifier]
    runs = ("ovf_update", identifier) in {(t["name"], t["id"]) for t in data["tasks"]}
    if runs and by == "action":
        raise refused(IN_PROGRESS if domain.get("_updated_by") == "action" else BEING_UPDATED)
    if runs and domain.get("_updated_by") == "action":
        return
    domain["_updated_by"] = by
    engine.later(data, 1, "ovf_update", identifier)


@task("ovf_interval", "ovf")
def update_all(engine: Engine, identifier: str) -> None:
    """Update every domain's OVF stores, and again after OvfUpdateIntervalInMinutes."""
    with engine.change() as data:
        for domain in data["storagedomains"].values():
            engine.later(data, 0, "ovf_update", domain["id"])
    schedule_updates(engine)


def schedule_updates(engine: Engine) -> None:
    with engine.change() as data:
        minutes = int(data["options"]["OvfUpdateIntervalInMinutes"]["general"])
        engine.later(data, minutes * 60, "ovf_interval", "all")


@task("ovf_stores", "ovf")
def make_ovf_stores(engine: Engine, identifier: str) -> None:
    """Two disks for the VMs' definitions, once an active domain holds a VM's disk."""
    with engine.change() as data:
        domain = data["storagedomains"].get(identifier)
        if domain is None or domain["_status"] != "active" or not data["vms"]:
            return
        have = [d for d in on_domain(data, identifier) if d["content_type"] == "ovf_store"]
        wanted = {
            "name": "OVF_STORE",
            "description": "OVF_STORE",
            "format": "raw",
            "sparse": False,
            "provisioned_size": OVF_STORE_BYTES,
            "content_type": "ovf_store",
        }
        for _ in range(OVF_STORES - len(have)):
            engine.later(data, 0.5, "disk_made", new_disk(data, wanted, domain)["id"])


@task("ovf_update", "ovf")
def update_ovf(engine: Engine, identifier: str) -> None:
    """Write the definitions of the domain's VMs into its OVF stores, once they are made."""
    if engine.faults.get("ovf") == "fails":
        return
    make_ovf_stores(engine, identifier)
    with engine.change() as data:
        domain = data["storagedomains"].get(identifier)
        if domain is None or domain["_status"] != "active":
            return
        stores = [d for d in on_domain(data, identifier) if d["content_type"] == "ovf_store"]
        if not stores or any(d["status"] == "locked" for d in stores):
            engine.later(data, 0.5, "ovf_update", identifier)
            return
        content = ovf.archive(data, identifier)
        address = place(data, stores[0])[0]
    try:
        if address is None:
            raise Unreachable("no host of the data center is up")
        for store in stores:
            ovf.write(engine, address, store, content)
    except (VerbFailed, Unreachable) as err:
        with engine.change() as data:
            event(
                data,
                187,
                "error",
                f"Failed to update OVF disks of Storage Domain {domain['name']}: {err}",
                storage_domain=domain,
            )
        return
    with engine.change() as data:
        for store in stores:
            data["disks"][store["id"]]["description"] = ovf.description(content)
