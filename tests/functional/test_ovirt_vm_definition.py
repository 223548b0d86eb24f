"""The engine's VM is marked, and its definition stored where HA reads it; never by a look."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

import pytest
from ovirt_he.engine import connection

from functional.ovirt import Host, host, pillar
from functional.ovirt_vm import NAME, defined, marked, present, stored, unprotect
from functional.test_ovirt_storage import up

__all__ = ["host", "stored", "up"]


@pytest.mark.parametrize("deployed", [False, True])
def test_what_the_marked_vm_locks_is_not_attempted(stored, deployed):
    present(stored)
    unprotect(stored)
    marked(stored)
    if deployed:
        stored.deploy()

    again = present(stored, memory_mib=2048)

    assert again["result"] is True, again["comment"]
    assert stored.engine.curl("/vms")[0].findtext("delete_protected") == "false"
    memory = stored.engine.curl("/vms")[0].findtext("memory")
    assert memory == str((4096 if deployed else 2048) * 2**20), "memory can be changed"


@pytest.mark.parametrize("changed", [{"mac": "00:16:3e:00:00:02"}, {"disk": "he_sanlock"}])
def test_a_marked_vm_s_disk_and_card_are_reported_before_the_engine_refuses(stored, changed):
    """Nothing is deployed yet, so a person can still choose: restore, clean, or another pillar."""
    present(stored)
    marked(stored)
    identifier = stored.engine.curl("/vms")[0].get("id")

    result = present(stored, **changed)

    assert result["result"] is False
    advice = "change hosted_engine:vm:mac" if "mac" in changed else "run hosted_engine.clean"
    assert advice in result["comment"]
    assert result["changes"] == {}, "no verb was tried"
    (nic,) = stored.engine.curl(f"/vms/{identifier}/nics")
    assert nic.findtext("mac/address") == "00:16:3e:00:00:01"


def test_mark_and_definition(stored):
    present(stored)
    assert marked(stored, test=True)["result"] is None

    assert marked(stored)["changes"]["origin"]["new"] == "managed_hosted_engine"
    assert marked(stored)["changes"] == {}
    assert stored.engine.sql("SELECT origin FROM vm_static WHERE vm_name='HostedEngine'") == "6\n"
    assert defined(stored, test=True)["result"] is None
    result = defined(stored)
    assert result["result"] is True, result["comment"]
    identifier = stored.engine.curl("/vms")[0].get("id")
    listed = [
        subprocess.run(["tar", "-tf", path], capture_output=True, text=True, check=True).stdout
        for path in (stored.folder / "volumes").iterdir()
    ]
    assert any(f"{identifier}.ovf" in names.split() for names in listed)
    assert "updateovfstore" not in stored.engine.log, "the change of the VM starts the update"
    assert defined(stored)["changes"] == {}
    # The mark changes nothing for what was there before.
    assert present(stored)["changes"] == {}


def definition(host: Host) -> str:
    """The VM's OVF as it lies in the first store that has one."""
    name = f"{host.engine.curl('/vms')[0].get('id')}.ovf"
    for path in (host.folder / "volumes").iterdir():
        done = subprocess.run(["tar", "-xOf", path, name], capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout.decode()
    return ""


def test_a_definition_from_before_the_mark_does_not_count(stored):
    present(stored)
    domain = stored.engine.curl("/storagedomains")[0].get("id")
    path = f"/storagedomains/{domain}/updateovfstore"
    stored.engine.curl(path, method="POST", body="<action/>")
    stored.engine.wait(lambda: not tasks(stored, "ovf_update"))
    marked(stored)
    run = stored.minion
    run("hosted_engine_vm.prepare", NAME, "hosted_storage")
    assert run("hosted_engine_vm.stored", NAME, "hosted_storage") is False
    assert "EngineXml" not in definition(stored)
    assert "DefaultDisplayType" in definition(stored)

    result = defined(stored)

    assert result["changes"]["stored"] == {"old": False, "new": True}, result["comment"]
    assert "EngineXml" in definition(stored)


def tasks(host: Host, name: str) -> list[Any]:
    return [task for task in host.engine.state()["tasks"] if task["name"] == name]


def test_an_update_that_is_under_way_is_waited_for(stored):
    present(stored)
    marked(stored)
    stored.engine.faults(stuck="ovf")
    identifier = stored.engine.curl("/vms")[0].get("id")
    body = "<vm><comment>a killed run's</comment></vm>"
    stored.engine.curl(f"/vms/{identifier}", method="PUT", body=body)
    threading.Timer(1, stored.engine.faults).start()

    result = defined(stored)

    assert result["result"] is True, result["comment"]


def test_what_the_engine_is_doing_already_is_told_from_a_failure(stored):
    present(stored)
    marked(stored)
    stored.engine.faults(stuck="ovf")
    domain = stored.engine.curl("/storagedomains")[0].get("id")

    def update() -> None:
        with connection.engine({}, pillar(stored.engine), {"fqdn": "node1"}, {}) as api:
            api.storage_domains_service().storage_domain_service(domain).update_ovf_store()

    update()
    with pytest.raises(connection.UnderWay, match="Related operation"):
        update()


def unprepared(host: Host) -> None:
    """The VM is stored, and its OVF stores can't be read on this host now."""
    present(host)
    marked(host)
    assert defined(host)["result"] is True
    for path in (host.folder / "volumes").iterdir():
        path.unlink()
    host.commands.clear()


@pytest.mark.parametrize("test", [True, False])
def test_an_ovf_store_is_prepared_by_a_verb_and_never_by_a_look(stored, test):
    unprepared(stored)
    assert stored.minion("hosted_engine_vm.stored", NAME, "hosted_storage") is None
    assert not stored.called("vdsm-client", "Image", "prepare")

    result = defined(stored, test=test)

    assert stored.called("vdsm-client", "Image", "prepare") is not test
    assert result["result"] is (None if test else True), result["comment"]
    assert result["changes"]["stored"] == {"old": None, "new": True}
    if not test:
        assert result["changes"]["done"] == ["hosted_engine_vm.prepare"]
        assert defined(stored)["changes"] == {}
