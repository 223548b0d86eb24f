"""What is left of a deployment on its export, as far as it can be looked at."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.ha import left_domain, own_domain
from ovirt_he.host import storage_probe

from unit.configured import DOMAIN, OTHER

PLACE = {
    "type": "nfs", "address": "nas.example.com", "path": "/exports/engine",
    "nfs_version": "auto", "mount_options": "",
}  # fmt: skip
LEFT = {"storage_domain": DOMAIN, "storage": "nfs nas.example.com:/exports/engine", "path": None}


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        ({"looked": False, "why_not": "no unshare"}, LEFT),
        ({"looked": True, "domains": None}, LEFT),
        ({"looked": True, "domains": [{"id": OTHER}]}, None),
        ({"looked": True, "domains": [{"id": OTHER}, {"id": DOMAIN}]}, LEFT),
    ],
    ids=["not looked at", "not listed", "another domain", "ours"],
)
def test_what_cannot_be_seen_counts_as_left(
    monkeypatch: pytest.MonkeyPatch, seen: dict[str, Any], left: dict[str, Any] | None
) -> None:
    monkeypatch.setattr(storage_probe, "inspect", lambda place: seen)

    assert left_domain.found(own_domain.Own(DOMAIN, PLACE)) == left
