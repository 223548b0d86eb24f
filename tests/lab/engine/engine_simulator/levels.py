"""Compatibility versions and CPU types: what is offered, and what is refused of an entity."""

from __future__ import annotations

from .api import Answer, Entity, Request, failed, refused, route
from .state import CLUSTER_LEVELS

TOO_LOW = (
    "Cannot add Cluster with Compatibility Version that is lower than the Data Center "
    "Compatibility Version.\n-Please upgrade your Cluster to a later Compatibility version first."
)
BENEATH = "Cannot decrease cluster compatibility version beneath data center compatibility version."

CPUS = (
    "1:Intel Nehalem Family:vmx,nx,model_Nehalem:Nehalem:x86_64; "
    "2:Intel Westmere Family:aes,vmx,nx,model_Westmere:Westmere:x86_64; "
    "3:Intel SandyBridge Family:vmx,nx,model_SandyBridge:SandyBridge:x86_64; "
    "4:Intel Haswell Family:vmx,nx,model_Haswell:Haswell:x86_64; "
    "5:Secure Intel Cascadelake Server Family:vmx,md-clear,model_Cascadelake-Server-noTSX:"
    "Cascadelake-Server-noTSX,+md-clear:x86_64; "
    "1:AMD Opteron G4:svm,nx,model_Opteron_G4:Opteron_G4:x86_64; "
    "2:AMD EPYC:svm,nx,model_EPYC:EPYC:x86_64; "
    "3:Secure AMD EPYC:svm,nx,ibpb,ssbd,model_EPYC:EPYC,+ibpb,+virt-ssbd:x86_64"
)


@route("GET", "/clusterlevels")
def cluster_levels(request: Request) -> Answer:
    levels = [{"id": level, "cpu_types": _cpu_types()} for level in CLUSTER_LEVELS]
    return Answer("cluster_levels", levels)


def _cpu_types() -> list[Entity]:
    rows = [row.split(":") for row in CPUS.split("; ")]
    return [{"name": row[1], "level": int(row[0]), "architecture": row[4]} for row in rows]


def _level(entity: Entity) -> tuple[int, int]:
    return entity["version"]["major"], entity["version"]["minor"]


def check_version(body: Entity, action: str) -> None:
    if "version" in body and "{}.{}".format(*_level(body)) not in CLUSTER_LEVELS:
        raise refused(f"Cannot {action}. Compatibility version is not supported by this engine.")


def check_cluster(body: Entity, home: Entity | None, action: str) -> None:
    """What the engine refuses of a cluster's version and CPU."""
    check_version(body, action)
    if home and "version" in body and _level(body) < _level(home):
        raise failed(TOO_LOW if action == "add Cluster" else BENEATH)
    kind = (body.get("cpu") or {}).get("type")
    if kind and kind not in {cpu["name"] for cpu in _cpu_types()}:
        raise refused(f"Cannot {action}. The specified CPU type is not supported: {kind}.")


def check_datacenter(data: Entity, body: Entity, entity: Entity) -> None:
    """Its version goes down only without storage, and up only to that of all its clusters."""
    action = "edit Data Center"
    check_version(body, action)
    if "version" not in body:
        return
    attached = [d for d in data["storagedomains"].values() if d.get("_attached") == entity["id"]]
    if _level(body) < _level(entity) and attached:
        raise refused(f"Cannot {action}. Decreasing the compatibility version isn't allowed.")
    for cluster in data["clusters"].values():
        home = (cluster.get("data_center") or {}).get("id")
        if home == entity["id"] and _level(body) > _level(cluster):
            raise refused(
                f"Cannot {action}. The version is higher than that of the cluster "
                f"{cluster['name']}."
            )
