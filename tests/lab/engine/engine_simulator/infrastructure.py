"""Data centers, clusters, networks, profiles, options: what is there before a host is."""

from __future__ import annotations

from . import __version__, levels
from .api import Answer, Entity, Request, get, incomplete, not_found, reference, refused, route
from .state import CLUSTER_LEVELS, add_cluster, add_datacenter, new_id

NAME_USED = (
    "Cannot {} {}. The {} name is already in use, please choose a unique name and try again."
)
# As the real engine has them, with chipsets and architectures side by side.
MACHINES = {
    "4.2": "pc-i440fx-rhel7.3.0, pc-i440fx-2.6, pseries-rhel7.5.0, s390-ccw-virtio-2.8",
    "4.3": "pc-i440fx-rhel7.6.0, pc-i440fx-2.12, pseries-rhel7.6.0-sxxm, s390-ccw-virtio-2.12",
    "4.4": "pc-q35-rhel8.1.0, pc-q35-4.1, pc-i440fx-rhel7.6.0, pc-i440fx-2.12, "
    "pseries-rhel8.1.0, s390-ccw-virtio-2.12",
    "4.5": "pc-q35-rhel8.3.0, pc-q35-4.1, pc-i440fx-rhel7.6.0, pc-i440fx-2.12, "
    "pseries-rhel8.3.0, s390-ccw-virtio-2.12",
    "4.6": "pc-q35-rhel8.4.0, pc-q35-4.1, pc-i440fx-rhel7.6.0, pc-i440fx-2.12, "
    "pseries-rhel8.4.0, s390-ccw-virtio-2.12",
    "4.7": "pc-q35-rhel8.6.0, pc-q35-4.1, pc-i440fx-rhel7.6.0, pc-i440fx-2.12, "
    "pseries-rhel8.4.0, s390-ccw-virtio-2.12",
    "4.8": "pc-q35-rhel9.6.0, pc-i440fx-rhel7.6.0, pseries-rhel8.5.0, s390-ccw-virtio-rhel9.4.0",
}


@route("GET", "")
def root(request: Request) -> Answer:
    major, minor, build = (int(part) for part in __version__.split("."))
    version = {"major": major, "minor": minor, "build": build, "revision": 0}
    version["full_version"] = f"{__version__}-1.el9"  # type: ignore[assignment]
    return Answer(
        "api", {"product_info": {"name": "oVirt Engine", "vendor": "ovirt.org", "version": version}}
    )


def no_duplicate(data: Entity, kind: str, name: str | None, noun: str, action: str = "add") -> None:
    """409 in the engine's words when an entity of that kind already has that name."""
    if any(e["name"] == name for e in data[kind].values()):
        raise refused(NAME_USED.format(action, noun, noun))


def _list(kind: str, tag: str) -> None:
    """Serve a kind as it lies in the state: the collection and its members."""

    @route("GET", f"/{kind}")
    def many(request: Request) -> Answer:
        with request.engine.look() as data:
            return Answer(tag + "s", list(data[kind].values()))

    @route("GET", f"/{kind}/{{}}")
    def one(request: Request, identifier: str) -> Answer:
        with request.engine.look() as data:
            return Answer(tag, get(data, kind, identifier))


for _kind, _tag in (
    ("datacenters", "data_center"),
    ("clusters", "cluster"),
    ("networks", "network"),
    ("vnicprofiles", "vnic_profile"),
    ("cpuprofiles", "cpu_profile"),
    ("diskprofiles", "disk_profile"),
    ("templates", "template"),
    ("jobs", "job"),
):
    _list(_kind, _tag)


@route("POST", "/datacenters")
def add_data_center(request: Request) -> Answer:
    body = request.body
    if not body.get("name"):
        raise incomplete("DataCenter [name] required for add")
    levels.check_version(body, "add Data Center")
    with request.engine.change() as data:
        no_duplicate(data, "datacenters", body["name"], "Data Center")
        return Answer("data_center", add_datacenter(data, body | {"local": False}), 201)


@route("PUT", "/datacenters/{}")
def update_data_center(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        entity = get(data, "datacenters", identifier)
        levels.check_datacenter(data, request.body, entity)
        entity |= {k: v for k, v in request.body.items() if k not in ("id", "status")}
        return Answer("data_center", entity)


@route("DELETE", "/datacenters/{}")
def remove_data_center(request: Request, identifier: str) -> Answer:
    """``force=true`` forgets its storage domains with it, and leaves their data behind."""
    with request.engine.change() as data:
        get(data, "datacenters", identifier)
        attached = [d for d in data["storagedomains"].values() if d.get("_attached") == identifier]
        if attached and not request.flag("force"):
            raise refused("Cannot remove Data Center. There are Storage Domains attached to it.")
        for domain in attached:
            del data["storagedomains"][domain["id"]]
        for network in _of(data, "networks", "data_center", identifier):
            del data["networks"][network["id"]]
        for cluster in _of(data, "clusters", "data_center", identifier):
            cluster.pop("data_center")
        del data["datacenters"][identifier]
        return Answer("action", {"status": "complete"})


@route("POST", "/clusters")
def add_a_cluster(request: Request) -> Answer:
    body = request.body
    if not body.get("name"):
        raise incomplete("Cluster [name] required for add")
    with request.engine.change() as data:
        home = reference(
            data, "datacenters", body.get("data_center"), "Cluster [dataCenter] required for add"
        )
        no_duplicate(data, "clusters", body["name"], "Cluster")
        levels.check_cluster(body, home, "add Cluster")
        entity = add_cluster(data, body | {"data_center": {"id": home["id"]}})
        return Answer("cluster", entity, 201)


@route("PUT", "/clusters/{}")
def update_cluster(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        entity = get(data, "clusters", identifier)
        name = request.body.get("name", entity["name"])
        if name != entity["name"]:
            no_duplicate(data, "clusters", name, "Cluster", "edit")
        home = data["datacenters"].get((entity.get("data_center") or {}).get("id"))
        levels.check_cluster(request.body, home, "edit Cluster")
        entity |= {k: v for k, v in request.body.items() if k != "id"}
        return Answer("cluster", entity)


@route("DELETE", "/clusters/{}")
def remove_cluster(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        get(data, "clusters", identifier)
        if _of(data, "hosts", "cluster", identifier):
            raise refused("Cannot remove Host Cluster. Cluster contains one or more Hosts")
        if _of(data, "vms", "cluster", identifier):
            raise refused(
                "Cannot remove Host Cluster. One or more VMs are still assigned to the Cluster"
            )
        del data["clusters"][identifier]
        return Answer("action", {"status": "complete"})


@route("PUT", "/networks/{}")
def update_network(request: Request, identifier: str) -> Answer:
    with request.engine.change() as data:
        entity = get(data, "networks", identifier)
        _check_network(data, request.body, entity, "edit")
        entity |= {k: v for k, v in request.body.items() if k not in ("id", "data_center")}
        return Answer("network", entity)


def _check_network(data: Entity, wanted: Entity, known: Entity, action: str) -> None:
    """Bounds of VLAN id and MTU, and that no other network of the data center has the VLAN."""
    vlan, mtu = (wanted.get("vlan") or {}).get("id"), int(wanted.get("mtu") or 0)
    if vlan is not None and not 0 <= int(vlan) <= 4094:
        raise refused(f"Cannot {action} Network. VLAN ID must be between 0 and 4094.")
    if mtu and not 68 <= mtu <= 65520:
        raise refused(f"Cannot {action} Network. MTU must be between 68 and 65520.")
    others = _of(data, "networks", "data_center", known["data_center"]["id"])
    for other in others:
        if other["id"] != known.get("id") and vlan and (other.get("vlan") or {}).get("id") == vlan:
            raise refused(
                f"Cannot {action} Network. The specified VLAN ID ({vlan}) is already used by "
                f"the Network {other['name']}."
            )


@route("POST", "/networks")
def add_network(request: Request) -> Answer:
    body = request.body
    with request.engine.change() as data:
        home = reference(
            data, "datacenters", body.get("data_center"), "Network [dataCenter] required for add"
        )
        if any(
            n["name"] == body.get("name") for n in _of(data, "networks", "data_center", home["id"])
        ):
            raise refused(NAME_USED.format("add", "Network", "Network"))
        _check_network(data, body, {"data_center": {"id": home["id"]}}, "add")
        entity = {"id": new_id(), **body, "data_center": {"id": home["id"]}}
        data["networks"][entity["id"]] = entity
        profile = {"id": new_id(), "name": entity["name"], "network": {"id": entity["id"]}}
        data["vnicprofiles"][profile["id"]] = profile
        return Answer("network", entity, 201)


def _of(data: Entity, kind: str, key: str, identifier: str) -> list[Entity]:
    return [e for e in data[kind].values() if (e.get(key) or {}).get("id") == identifier]


@route("GET", "/datacenters/{}/clusters")
def clusters_of(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "datacenters", identifier)
        return Answer("clusters", _of(data, "clusters", "data_center", identifier))


@route("GET", "/datacenters/{}/networks")
def networks_of_datacenter(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "datacenters", identifier)
        return Answer("networks", _of(data, "networks", "data_center", identifier))


@route("GET", "/datacenters/{}/networks/{}")
def network_of_datacenter(request: Request, _datacenter: str, identifier: str) -> Answer:
    with request.engine.look() as data:
        return Answer("network", get(data, "networks", identifier))


@route("PUT", "/datacenters/{}/networks/{}")
def update_network_of_datacenter(request: Request, _datacenter: str, identifier: str) -> Answer:
    return update_network(request, identifier)


@route("GET", "/clusters/{}/networks")
def networks_of_cluster(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        home = get(data, "clusters", identifier).get("data_center") or {}
        networks = _of(data, "networks", "data_center", home.get("id", ""))
        usages = ["management", "display", "vm", "migration", "default_route"]
        return Answer(
            "networks",
            [
                n
                | {
                    "required": True,
                    "status": "operational",
                    "usages": usages if n["name"] == "ovirtmgmt" else ["vm"],
                }
                for n in networks
            ],
        )


@route("GET", "/clusters/{}/cpuprofiles")
def cpu_profiles_of(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "clusters", identifier)
        return Answer("cpu_profiles", _of(data, "cpuprofiles", "cluster", identifier))


@route("GET", "/networks/{}/vnicprofiles")
def vnic_profiles_of(request: Request, identifier: str) -> Answer:
    with request.engine.look() as data:
        get(data, "networks", identifier)
        return Answer("vnic_profiles", _of(data, "vnicprofiles", "network", identifier))


@route("GET", "/options/{}")
def option(request: Request, name: str) -> Answer:
    """An engine-config option; with ``version`` its value for that cluster level only."""
    computed = {
        "ServerCPUList": dict.fromkeys(CLUSTER_LEVELS, levels.CPUS),
        "ClusterEmulatedMachines": {level: f"[{machines}]" for level, machines in MACHINES.items()},
    }
    with request.engine.look() as data:
        values = computed.get(name) or data["options"].get(name)
    if values is None:
        raise not_found(f"Entity not found: {name}")
    rows = [{"version": level, "value": value} for level, value in values.items()]
    if "version" in request.query:
        rows = [row for row in rows if row["version"] == request.query["version"]]
        if not rows:
            raise not_found(f"Entity not found: {name}, version {request.query['version']}")
    return Answer("system_option", {"id": name, "name": name, "values": rows})
