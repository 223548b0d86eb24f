"""A host that is up in the engine and sees a storage network; the pillar says which storage."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from minion import ROOT, Minion

from functional.ovirt import Host, host, pillar

__all__ = ["host", "site"]

NODE = "node1.example.com"
TARGET = "iqn.2020-01.com.example:engine"
OTHER = "iqn.2020-01.com.example:others"
LUN, SMALL, USED, FOREIGN, FIBRE = (f"36001405{letter * 4}" for letter in "abcde")
SAN = {
    "discovery": {"user": "finder", "password": "finder-secret"},
    "targets": {
        TARGET: {
            "portals": ["192.0.2.7:3260,1", "[2001:db8::7]:3261,1"],
            "user": "host",
            "password": "host-secret",
            "luns": [LUN, SMALL, USED],
        },
        OTHER: {"portals": ["192.0.2.7:3260,2"], "luns": [FOREIGN]},
    },
    "fcp": [FIBRE],
    "luns": {
        LUN: {"gib": 100},
        SMALL: {"gib": 20, "discard": True},
        USED: {"gib": 100, "used": True},
        FOREIGN: {"gib": 100},
        FIBRE: {"gib": 100},
    },
}
ISCSI = {
    "type": "iscsi",
    "portals": ["192.0.2.7", "[2001:db8::7]:3261"],
    "target": TARGET,
    "user": "host",
    "discovery_user": "finder",
}
SECRETS = {"iscsi_password": "host-secret", "iscsi_discovery_password": "finder-secret"}


class Site:
    """The host, up in the engine, with a storage network; ``use`` says what the pillar has."""

    def __init__(self, host: Host) -> None:
        self.host, self.engine, self.minion = host, host.engine, host.minion
        self.san: dict[str, Any] = copy.deepcopy(SAN)
        self.say()
        self.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
        self.minion("ovirt_host.wait", NODE)
        self.minions = 0
        self.use(ISCSI)

    def say(self) -> None:
        self.engine.faults(san=self.san)

    def use(self, storage: dict[str, Any], vm: Any = None, **secrets: str) -> None:
        known = pillar(self.engine)
        known["hosted_engine"]["storage"] = storage
        known["hosted_engine"]["vm"] |= vm or {}
        known["hosted_engine"]["secrets"] |= SECRETS | secrets
        self.minions += 1
        self.minion = Minion(
            self.host.folder / f"minion{self.minions}",
            known,
            module_dirs=[str(self.host.folder / "modules"), str(ROOT / "_modules")],
        )

    def active(self, test: bool = False) -> dict[str, Any]:
        """As engine.sls declares it."""
        settings = self.minion("hosted_engine.settings")
        result: dict[str, Any] = self.minion.state(
            "ovirt_storage_domain.active", "hosted_storage", test=test, datacenter="Default",
            host=NODE, storage=settings["storage"], disk_gib=settings["vm"]["disk_gib"],
        )  # fmt: skip
        return result

    def domains(self) -> list[Any]:
        return list(self.engine.curl("/storagedomains"))

    def lun(self) -> str:
        (domain,) = self.domains()
        return str(domain.find("storage/volume_group/logical_units/logical_unit").get("id"))

    def storage(self) -> dict[str, Any]:
        return dict(self.minion("hosted_engine.settings")["storage"])

    def sessions(self) -> list[Any]:
        return self.engine.state()["memory"].get("sessions", {}).get("127.0.0.1", [])


@pytest.fixture
def site(host: Host) -> Site:
    return Site(host)
