"""What the real engine does with exports: imports, reads addresses back, believes in its hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

from .conftest import GIB, Site
from .test_engine_simulator import refusal

PATH = "/exports/engine1"


def add(site: Site, address: str, kind: str = "nfs", name: str = "hosted_storage") -> Any:
    storage = types.HostStorage(type=types.StorageType(kind), address=address, path=PATH)
    if kind == "glusterfs":
        storage.vfs_type = "glusterfs"
    domain = types.StorageDomain(
        name=name, type=types.StorageDomainType.DATA, host=types.Host(name="hv1"), storage=storage
    )
    added = site.api.storage_domains_service().add(domain)
    service = site.api.storage_domains_service().storage_domain_service(added.id)
    site.engine.wait(lambda: service.get().status == types.StorageDomainStatus.UNATTACHED)
    return service


def test_a_path_that_holds_a_domain_is_imported_with_all_that_is_in_it(
    engine: Engine, site: Site
) -> None:
    site.up_host()
    first = site.add_domain()
    known = first.get().id
    first.remove(destroy=True)
    before = engine.state()["memory"]["storage"][f"nas.lab.test:{PATH}"]

    imported = site.add_domain("other_name").get()

    assert (imported.id, imported.name) == (known, "other_name")
    assert engine.state()["memory"]["storage"][f"nas.lab.test:{PATH}"] == before
    assert before["name"] == "hosted_storage", "an import changes nothing on the storage"


def test_what_was_imported_is_formatted_when_that_is_asked_for(engine: Engine, site: Site) -> None:
    site.up_host()
    site.add_domain().remove(destroy=True)

    site.add_domain("other_name").remove(host="hv1", format=True)

    assert engine.state()["memory"]["storage"][f"nas.lab.test:{PATH}"]["domain"] is None


def test_a_connection_is_refused_before_a_name(site: Site) -> None:
    site.up_host()
    site.add_domain()

    error = refusal(site.add_domain)

    assert error.code == 409
    assert "already exists for hosted_storage." in error.fault.detail
    assert "Storage connection " in error.fault.detail


def test_nfs_wants_an_ipv6_address_in_brackets(site: Site) -> None:
    site.up_host()

    error = refusal(add, site, "2001:db8::8")

    assert error.code == 400
    assert error.fault.detail.startswith("[Mount path is illegal")
    assert add(site, "[2001:db8::8]").get().storage.address == "[2001:db8::8]"


def test_gluster_splits_an_ipv6_address_without_brackets_at_its_colons(site: Site) -> None:
    site.up_host()

    storage = add(site, "2001:db8::8", "glusterfs").get().storage

    assert (storage.address, storage.path) == ("2001", "db8")


def test_a_domains_room_is_whole_gib(engine: Engine, site: Site) -> None:
    engine.faults(storage_available=12 * GIB + GIB // 2)
    site.up_host()

    domain = site.add_domain().get()

    assert domain.available == 12 * GIB
    assert domain.used % GIB == 0


def test_a_boot_loses_the_storage_and_the_engine_believes_it_is_there(
    engine: Engine, site: Site, api: Any
) -> None:
    domain = site.active_domain()

    engine.cut_power()

    host = api.hosts_service().list(search="name=hv1")[0]
    inner = site.attached().storage_domain_service(domain.id)
    assert host.status == types.HostStatus.UP
    assert inner.get().status == types.StorageDomainStatus.ACTIVE
    assert not engine.state()["memory"].get("mounted")
    site.add_disk(domain, "lost")
    engine.wait(lambda: any("storage domain" in (told or "").lower() for told in events(engine)))


def events(engine: Engine) -> Any:
    return (each.findtext("description") for each in engine.curl("/events"))


@pytest.mark.parametrize("what", ["domain", "host"])
def test_deactivated_and_activated_it_has_its_storage_again(
    engine: Engine, site: Site, api: Any, what: str
) -> None:
    domain = site.active_domain()
    engine.cut_power()
    inner = site.attached().storage_domain_service(domain.id)
    host = api.hosts_service().host_service(api.hosts_service().list(search="name=hv1")[0].id)

    if what == "domain":
        inner.deactivate()
        engine.wait(lambda: inner.get().status == types.StorageDomainStatus.MAINTENANCE)
        inner.activate()
        engine.wait(lambda: inner.get().status == types.StorageDomainStatus.ACTIVE)
    else:
        host.deactivate()
        engine.wait(lambda: host.get().status == types.HostStatus.MAINTENANCE)
        host.activate()
        engine.wait(lambda: host.get().status == types.HostStatus.UP)

    assert engine.state()["memory"]["mounted"] == {"hv1.lab.test": [f"nas.lab.test:{PATH}"]}
    site.good_disk(domain, "found")
