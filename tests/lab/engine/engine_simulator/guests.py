"""What hosts say they run, laid onto the VMs that the engine knows."""

from __future__ import annotations

from .state import BLANK, Data, Entity, event

HOSTED_ENGINE = "HostedEngine"


def merge(data: Data, host: Entity, seen: list[Entity]) -> None:
    """Note each of the host's domains; unknown ones appear as external VMs."""
    running = {vm["vmId"]: vm for vm in seen if str(vm.get("status", "Up")).lower() != "down"}
    for identifier, vm in running.items():
        known = data["vms"].get(identifier)
        if known is None:
            known = data["vms"][identifier] = _imported(host, vm)
            event(
                data,
                166,
                "normal",
                f"VM {known['name']} was imported from host {host['name']}.",
                host=host,
                vm=known,
            )
        if known["status"] != "image_locked":
            known["status"] = str(vm.get("status", "up")).lower().replace(" ", "_")
            known["host"] = {"id": host["id"]}
    for vm in data["vms"].values():
        if (vm.get("host") or {}).get("id") == host["id"] and vm["id"] not in running:
            vm["status"] = "down"
            vm.pop("host")


def _imported(host: Entity, vm: Entity) -> Entity:
    """A VM that the engine didn't make.

    One that is called HostedEngine is taken for the engine's own VM, whoever made it.
    """
    name = vm["vmName"]
    own = name == HOSTED_ENGINE
    return {
        "id": vm["vmId"],
        "name": name if own else f"external-{name}",
        "origin": "managed_hosted_engine" if own else "external",
        "_origin": 6 if own else 4,
        "status": "up",
        "type": "server",
        "cluster": {"id": host["cluster"]["id"]},
        "template": {"id": BLANK},
        "memory": int(vm.get("memSize") or 1024) * 1024 * 1024,
        "cpu": {"topology": {"sockets": 1, "cores": 1, "threads": 1}},
        "delete_protected": False,
        "high_availability": {"enabled": False, "priority": 1},
        "_disks": {},
        "_nics": {},
        "_consoles": {},
    }
