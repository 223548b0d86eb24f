"""A deployment's settings and ids, as the configuration files are made from them."""

from __future__ import annotations

from typing import Any

from ovirt_he.pillar import settings

VM = "11111111-2222-4333-8444-555555555555"
DOMAIN = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
OTHER = "99999999-9999-4999-8999-999999999999"
PILLAR: dict[str, Any] = {
    "hosted_engine": {
        "engine": {"fqdn": "engine.example.com"},
        "network": {"gateway": "192.0.2.1"},
        "storage": {"address": "nas.example.com", "path": "/exports/engine"},
        "notification": {"source": "100%@example.com", "destinations": ["a@b.c", "d@e.f"]},
        "secrets": {"admin_password": "not-to-be-seen"},
    }
}
IDS: dict[str, Any] = {
    "vm_id": VM,
    "host_id": 1,
    "storage_domain": DOMAIN,
    "disks": {
        disk: {
            "image": f"{number}0000000-0000-4000-8000-000000000001",
            "volume": f"{number}0000000-0000-4000-8000-000000000002",
        }
        for number, disk in enumerate(("vm", "metadata", "lockspace", "configuration"), 1)
    },
    "cpu_type": "SandyBridge",
    "emulated_machine": "pc-q35-rhel9.2.0",
}


def known(**groups: dict[str, Any]) -> dict[str, Any]:
    """The settings, with keys of some groups changed."""
    merged = settings.load(PILLAR, {"fqdn": "node1.example.com"})
    for group, values in groups.items():
        merged[group] |= values
    return merged
