"""The simulator as the SDK sees it, and the steps that several tests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

GIB = 1024**3
BLANK = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def connection(engine: Engine) -> Iterator[ovirtsdk4.Connection]:
    opened = ovirtsdk4.Connection(
        url=engine.url,
        username=engine.user,
        password=engine.password,
        ca_file=str(engine.ca_file),
    )
    yield opened
    opened.close()


@pytest.fixture
def api(connection: ovirtsdk4.Connection) -> Any:
    return connection.system_service()


class Site:
    """What a deployment makes, one step a method; each waits for its end."""

    def __init__(self, engine: Engine, api: Any) -> None:
        self.engine = engine
        self.api = api

    def add_host(self, name: str = "hv1", address: str = "", **query: Any) -> Any:
        host = types.Host(
            name=name,
            address=address or f"{name}.lab.test",
            cluster=types.Cluster(name="Default"),
            ssh=types.Ssh(authentication_method=types.SshAuthenticationMethod.PUBLICKEY),
        )
        query = {"activate": True, "reboot": False} | query
        return self.api.hosts_service().host_service(self.api.hosts_service().add(host, **query).id)

    def up_host(self, name: str = "hv1") -> Any:
        service = self.add_host(name)
        self.engine.wait(lambda: service.get().status == types.HostStatus.UP)
        return service

    def add_domain(self, name: str = "hosted_storage", path: str = "/exports/engine1") -> Any:
        domain = self.api.storage_domains_service().add(
            types.StorageDomain(
                name=name,
                type=types.StorageDomainType.DATA,
                host=types.Host(name="hv1"),
                storage=types.HostStorage(
                    type=types.StorageType.NFS, address="nas.lab.test", path=path
                ),
            )
        )
        service = self.api.storage_domains_service().storage_domain_service(domain.id)
        self.engine.wait(lambda: service.get().status == types.StorageDomainStatus.UNATTACHED)
        return service

    def attached(self) -> Any:
        """The service of the Default data center's storage domains."""
        datacenter = self.api.data_centers_service().list(search="name=Default")[0]
        service = self.api.data_centers_service().data_center_service(datacenter.id)
        return service.storage_domains_service()

    def active_domain(self) -> Any:
        self.up_host()
        domain = self.add_domain().get()
        self.attached().add(types.StorageDomain(id=domain.id))
        inner = self.attached().storage_domain_service(domain.id)
        self.engine.wait(lambda: inner.get().status == types.StorageDomainStatus.ACTIVE)
        return self.api.storage_domains_service().storage_domain_service(domain.id).get()

    def add_disk(self, domain: Any, name: str, content: str = "data") -> Any:
        return self.api.disks_service().add(
            types.Disk(
                name=name,
                format=types.DiskFormat.RAW,
                sparse=False,
                provisioned_size=GIB,
                content_type=types.DiskContentType(content),
                storage_domains=[types.StorageDomain(id=domain.id)],
            )
        )

    def good_disk(self, domain: Any, name: str, content: str = "data") -> Any:
        service = self.api.disks_service().disk_service(self.add_disk(domain, name, content).id)
        self.engine.wait(lambda: service.get().status == types.DiskStatus.OK)
        return service.get()

    def add_vm(self, name: str = "HostedEngine", **facts: Any) -> Any:
        vm = types.Vm(
            name=name,
            cluster=types.Cluster(name="Default"),
            template=types.Template(id=BLANK),
            memory=4 * GIB,
            **facts,
        )
        service = self.api.vms_service().vm_service(self.api.vms_service().add(vm).id)
        self.engine.wait(lambda: service.get().status == types.VmStatus.DOWN)
        return service

    def attach(self, vm: Any, disk: Any) -> Any:
        return vm.disk_attachments_service().add(
            types.DiskAttachment(
                disk=types.Disk(id=disk.id),
                active=True,
                bootable=True,
                interface=types.DiskInterface.VIRTIO,
            )
        )


@pytest.fixture
def site(engine: Engine, api: Any) -> Site:
    return Site(engine, api)
