"""Targets, logical units and domains on them, as the SDK sees them in the simulator."""

from __future__ import annotations

from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

from .conftest import GIB, Site

TARGET = "iqn.2020-01.test.san:engine"
LUN, SMALL, USED = "36001405aaaa", "36001405bbbb", "36001405cccc"
SAN = {
    "discovery": {"user": "finder", "password": "finder-secret"},
    "targets": {
        TARGET: {
            "portals": ["10.0.0.1:3260,1", "[2001:db8::1]:3261,1"],
            "user": "host",
            "password": "host-secret",
            "luns": [LUN, SMALL],
        }
    },
    "fcp": [USED],
    "luns": {LUN: {"gib": 100}, SMALL: {"gib": 1, "discard": True}, USED: {"gib": 9, "used": True}},
}


@pytest.fixture
def host(engine: Engine, site: Site) -> Any:
    engine.faults(san=SAN)
    return site.up_host()


def details(**given: Any) -> types.IscsiDetails:
    return types.IscsiDetails(address="10.0.0.1", port=3260, **given)


def login(host: Any, password: str = "host-secret", **other: Any) -> None:
    chap = {"username": "host", "password": password}
    host.iscsi_login(iscsi=details(target=TARGET, **chap, **other))


def units(host: Any) -> dict[str, Any]:
    return {one.id: one.logical_units[0] for one in host.storage_service().list()}


def add(site: Site, lun: str, kind: str = "iscsi", **facts: Any) -> Any:
    unit = types.LogicalUnit(
        id=lun, address="10.0.0.1", port=3260, target=TARGET, username="host",
        password="host-secret",
    )  # fmt: skip
    added = site.api.storage_domains_service().add(
        types.StorageDomain(
            name=facts.pop("name", f"on_{lun}"),
            type=types.StorageDomainType.DATA,
            host=types.Host(name="hv1"),
            storage=types.HostStorage(type=types.StorageType(kind), logical_units=[unit]),
            **facts,
        )
    )
    service = site.api.storage_domains_service().storage_domain_service(added.id)
    site.engine.wait(lambda: service.get().status == types.StorageDomainStatus.UNATTACHED)
    return service


def test_targets_are_told_to_who_knows_the_password(host: Any) -> None:
    found = host.discover_iscsi(iscsi=details(username="finder", password="finder-secret"))

    assert [(one.address, one.port, one.portal, one.target) for one in found] == [
        ("10.0.0.1", 3260, "10.0.0.1:3260,1", TARGET),
        ("2001:db8::1", 3261, "2001:db8::1:3261,1", TARGET),
    ]
    with pytest.raises(ovirtsdk4.Error, match="authorization failure"):
        host.discover_iscsi(iscsi=details(username="finder", password="wrong"))


def test_a_login_shows_the_targets_units(host: Any) -> None:
    assert list(units(host)) == [USED]
    with pytest.raises(ovirtsdk4.Error, match="authorization failure"):
        login(host, "wrong")
    assert list(units(host)) == [USED]

    login(host)

    seen = units(host)
    assert {lun: one.status.value for lun, one in seen.items()} == {
        USED: "used", LUN: "free", SMALL: "free",
    }  # fmt: skip
    assert seen[LUN].size == 100 * GIB
    assert (seen[LUN].address, seen[LUN].target) == ("10.0.0.1", TARGET)


def test_a_login_takes_the_portal_groups_number_alone(host: Any) -> None:
    with pytest.raises(ovirtsdk4.Error) as caught:
        login(host, portal="10.0.0.1:3260,1")
    assert (caught.value.code, caught.value.fault.detail) == (400, "[General Exception]")
    assert list(units(host)) == [USED]

    login(host, portal="1")

    assert LUN in units(host)


def test_units_have_whole_gib(host: Any, engine: Engine) -> None:
    engine.faults(san=SAN | {"luns": SAN["luns"] | {LUN: {"gib": 99.9}}})
    login(host)

    assert units(host)[LUN].size == 99 * GIB


def test_a_domain_takes_its_unit(host: Any, engine: Engine, site: Site) -> None:
    login(host)

    domain = add(site, LUN).get()

    assert domain.storage.volume_group.logical_units[0].id == LUN
    assert domain.available < 100 * GIB
    unit = units(host)[LUN]
    assert (unit.status.value, unit.storage_domain_id) == ("used", domain.id)
    with pytest.raises(ovirtsdk4.Error, match="already part of existing storage domains"):
        add(site, LUN, name="second")
    assert "host-secret" not in engine.curl_raw("/ovirt-engine/api/storagedomains")
    site.api.storage_domains_service().storage_domain_service(domain.id).remove(
        host="hv1", format=True
    )
    assert add(site, LUN).get().storage.type.value == "iscsi"


@pytest.mark.parametrize(
    ("lun", "kind", "why"),
    [
        (USED, "fcp", "already in use"),
        ("3600", "fcp", "not visible"),
        (LUN, "iscsi", "not supported"),
    ],
)
def test_what_cannot_hold_a_domain(host: Any, site: Site, lun: str, kind: str, why: str) -> None:
    with pytest.raises(ovirtsdk4.Error, match=why):
        add(site, lun, kind, discard_after_delete=True)


def test_discard_where_the_unit_can(host: Any, site: Site) -> None:
    assert add(site, SMALL, discard_after_delete=True).get().discard_after_delete is True


def test_gluster_wants_its_file_system_named_and_its_tools_on_the_host(
    host: Any, engine: Engine, site: Site
) -> None:
    storage = types.HostStorage(
        type=types.StorageType.GLUSTERFS, address="nas.lab.test", path="/engine"
    )
    domain = types.StorageDomain(
        name="gluster",
        type=types.StorageDomainType.DATA,
        host=types.Host(name="hv1"),
        storage=storage,
    )
    with pytest.raises(ovirtsdk4.Error, match="vfsType"):
        site.api.storage_domains_service().add(domain)
    storage.vfs_type = "glusterfs"
    engine.faults(san=SAN, without_gluster_cli=["hv1.lab.test"])
    with pytest.raises(ovirtsdk4.Error, match="glusterfs-cli package is installed") as caught:
        site.api.storage_domains_service().add(domain)
    assert caught.value.code == 409
    engine.faults(san=SAN)
    assert site.api.storage_domains_service().add(domain).storage.vfs_type == "glusterfs"
