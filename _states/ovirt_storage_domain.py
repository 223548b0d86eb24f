"""Storage domains of the engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from ovirt_he.pillar import settings
from ovirt_he.pillar.storage import location, same, where
from salt.exceptions import CommandExecutionError


@state.converging
def active(
    name: str, datacenter: str, host: str, storage: dict[str, Any], disk_gib: int = 0
) -> state.Goal:
    """
    Ensure that a data domain exists and is active in a data center.

    .. code-block:: yaml

        Hosted engine storage is active:
          ovirt_storage_domain.active:
            - name: hosted_storage
            - datacenter: Default
            - host: node1.example.com
            - storage: {type: nfs, address: nas.example.com, path: /exports/engine}
            - disk_gib: 61

    ``storage``: as the pillar's ``storage``, with its defaults. Without a ``lun``, on iscsi and fc,
    the only free one that is large enough is taken. ``disk_gib``: the disk that it has to hold.

    A domain that exists is attached and activated; its storage is never changed. A new one that
    turns out too small for the disk is removed again. A domain that is already on an export is
    never imported.

    Until this host is deployed, its storage is connected again after a boot, which the engine
    doesn't notice, and a domain that an interrupted run added is recorded.
    """

    place = location(settings.storage_of(storage))

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None:
            return "ovirt_storage_domain.add", name, host, storage, disk_gib
        _refuse_foreign(name, now, place, datacenter)
        if not now.get("connected", True):
            return "hosted_engine_storage_domain.connect", name
        if not now.get("recorded", True):
            return "hosted_engine_storage_domain.record", name
        if now["status"] == "unattached":
            return "ovirt_storage_domain.attach", name, datacenter, disk_gib
        if now["status"] in ("inactive", "maintenance"):
            return "ovirt_storage_domain.activate", name, datacenter
        return "ovirt_storage_domain.wait", name

    def wanted(_: state.Facts | None) -> state.Facts:
        facts = {"datacenter": datacenter, "status": "active", "storage": place}
        is_own = __salt__["hosted_engine_storage_domain.is_own"](name)
        return facts | ({"connected": True, "recorded": True} if is_own else {})

    def read() -> state.Facts | None:
        domain = __salt__["ovirt_storage_domain.get"](name)
        if domain is None or not same(domain["storage"], place):
            return dict(domain) if domain else None
        domain = {**domain, "storage": place}
        if __salt__["hosted_engine_storage_domain.is_own"](name):
            domain |= __salt__["hosted_engine_storage_domain.on_host"](name)
        return domain

    return state.Goal(wanted, read=read, step=step)


def _refuse_foreign(name: str, now: state.Facts, place: dict[str, Any], datacenter: str) -> None:
    """A domain of this name that isn't the declared one is never changed."""
    if now["storage"] != place:
        raise CommandExecutionError(
            f"The storage domain {name} lies on {where(now['storage'])}, not on "
            f"{where(place)}: choose another hosted_engine:storage:name, or remove "
            "it in the engine"
        )
    if now["datacenter"] not in (None, datacenter):
        raise CommandExecutionError(
            f"The storage domain {name} belongs to the data center {now['datacenter']}: choose "
            "another hosted_engine:storage:name, or remove it in the engine"
        )
