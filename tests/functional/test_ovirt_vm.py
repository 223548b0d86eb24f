"""The engine's VM in the engine: devices, mark, definition; and the bootstrap VM's entry gone."""

from __future__ import annotations

import pytest
from salt.exceptions import CommandExecutionError

from functional.ovirt import Host, host
from functional.ovirt_vm import NAME, present, stored, unprotect
from functional.test_ovirt_storage import up

__all__ = ["host", "stored", "up"]


@pytest.mark.feature("memory")
def test_the_vm_has_what_it_needs_and_a_second_run_changes_nothing(stored):
    assert present(stored, test=True)["result"] is None
    assert list(stored.engine.curl("/vms")) == []

    first, second = present(stored), present(stored)

    assert first["result"] is True, first["comment"]
    vm = stored.engine.curl("/vms")[0]
    path = f"/vms/{vm.get('id')}"
    assert vm.findtext("memory") == str(4096 * 2**20)
    assert vm.findtext("memory_policy/guaranteed") == str(4096 * 2**20)
    assert vm.findtext("bios/type") == "q35_ovmf"
    assert vm.findtext("type") == "server"
    assert vm.findtext("delete_protected") == "true"
    assert vm.findtext("high_availability/enabled") == "false"
    (attachment,) = stored.engine.curl(f"{path}/diskattachments")
    assert attachment.findtext("bootable") == "true"
    (nic,) = stored.engine.curl(f"{path}/nics")
    assert nic.findtext("mac/address") == "00:16:3e:00:00:01"
    assert [c.findtext("protocol") for c in stored.engine.curl(f"{path}/graphicsconsoles")] == [
        "vnc"
    ]
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("graphics")
@pytest.mark.feature("firmware")
@pytest.mark.feature("machine")
def test_graphics_firmware_and_machine_as_asked_for(stored):
    asked = {"graphics": "spice", "firmware": "secure_boot", "machine": "pc-q35-rhel9.0.0"}

    first, second = present(stored, **asked), present(stored, **asked)

    assert first["result"] is True, first["comment"]
    vm = stored.engine.curl("/vms")[0]
    assert vm.findtext("bios/type") == "q35_secure_boot"
    assert vm.findtext("custom_emulated_machine") == "pc-q35-rhel9.0.0"
    consoles = stored.engine.curl(f"/vms/{vm.get('id')}/graphicsconsoles")
    assert [console.findtext("protocol") for console in consoles] == ["spice"]
    assert (second["result"], second["changes"]) == (True, {})


@pytest.mark.feature("graphics")
def test_another_protocol_takes_the_place_of_the_first(stored):
    present(stored, graphics="spice")

    assert present(stored, test=True)["result"] is None
    result = present(stored)

    assert result["changes"]["consoles"] == {"old": ["spice"], "new": ["vnc"]}
    vm = stored.engine.curl("/vms")[0]
    consoles = stored.engine.curl(f"/vms/{vm.get('id')}/graphicsconsoles")
    assert [console.findtext("protocol") for console in consoles] == ["vnc"]


@pytest.mark.parametrize("verbs", [1, 2, 3])
def test_killed_between_devices_goes_on(stored, verbs):
    run = stored.minion
    run("ovirt_vm.add", NAME, "Default", 4096, 2, "uefi")
    if verbs > 1:
        disk = run("ovirt_disk.get", ["he_virtio_disk"], "hosted_storage")["he_virtio_disk"]
        run("ovirt_vm.attach_disk", NAME, disk["id"])
    if verbs > 2:
        run("ovirt_vm.add_nic", NAME, "ovirtmgmt", "00:16:3e:00:00:99")

    result = present(stored)

    assert result["result"] is True, result["comment"]
    assert "ovirt_vm.add" not in result["changes"]["done"]
    assert len(run("ovirt_vm.get", NAME)["nics"]) == 1


def test_before_the_deployment_memory_follows_the_pillar_afterwards_the_operator(stored):
    present(stored)

    assert present(stored, memory_mib=2048)["result"] is True
    assert stored.engine.curl("/vms")[0].findtext("memory") == str(2048 * 2**20)
    stored.deploy()
    again = present(stored, memory_mib=8192)
    assert (again["result"], again["changes"]) == (True, {})


def test_lost_protection_is_restored_while_the_vm_is_not_marked(stored):
    present(stored)
    unprotect(stored)

    assert present(stored)["changes"]["protected"] == {"old": False, "new": True}
    assert stored.engine.curl("/vms")[0].findtext("delete_protected") == "true"


def test_another_mac_on_a_deployed_host_is_told_not_changed(stored):
    present(stored)
    stored.deploy()

    result = present(stored, mac="00:16:3e:00:00:02")

    assert result["result"] is False
    assert "hosted_engine:vm:mac" in result["comment"]


@pytest.mark.parametrize(
    ("supported", "machine"),
    [
        (["pc-i440fx-rhel7.6.0", "pc-q35-rhel8.6.0"], "pc-q35-rhel8.6.0"),
        (["pc-i440fx-rhel7.6.0", "pc-i440fx-2.12"], None),
        ("pc-i440fx-2.12,pc-q35-4.1", "pc-q35-4.1"),
        (None, "pc-q35-rhel8.6.0"),
    ],
)
def test_the_machine_is_of_the_vm_s_own_chipset(stored, supported, machine):
    present(stored)
    stored.machines = supported

    assert stored.minion("hosted_engine_deployment.ids")["emulated_machine"] == machine


@pytest.mark.feature("machine")
def test_a_machine_of_the_old_chipset_has_its_bios_and_no_uefi(stored):
    old = {"machine": "pc-i440fx-rhel7.6.0"}

    refused = present(stored, **old)
    assert refused["result"] is False
    assert "hosted_engine:vm:firmware" in refused["comment"]
    assert list(stored.engine.curl("/vms")) == []

    assert present(stored, firmware="bios", **old)["result"] is True
    assert stored.engine.curl("/vms")[0].findtext("bios/type") == "i440fx_sea_bios"


def test_ids_are_those_of_the_engine(stored):
    with pytest.raises(CommandExecutionError):
        stored.minion("hosted_engine_deployment.ids")
    present(stored)

    ids = stored.minion("hosted_engine_deployment.ids")

    by_name = {each.findtext("name"): each for each in stored.engine.curl("/disks")}
    assert ids["vm_id"] == stored.engine.curl("/vms")[0].get("id")
    assert ids["storage_domain"] == stored.engine.curl("/storagedomains")[0].get("id")
    assert ids["host_id"] == 1
    for role, name in (("vm", "he_virtio_disk"), ("lockspace", "he_sanlock")):
        assert ids["disks"][role]["image"] == by_name[name].get("id")
        assert ids["disks"][role]["volume"] == by_name[name].findtext("image_id")
    assert ids["emulated_machine"] == "pc-q35-4.1"


def test_ids_of_a_deployed_host_whose_engine_is_down_come_from_its_configuration(
    host, engine, monkeypatch
):
    keys = ["vmid", "sdUUID", "vm_disk_id", "vm_disk_vol_id"]
    for disk in ("metadata", "lockspace", "conf"):
        keys += [f"{disk}_image_UUID", f"{disk}_volume_UUID"]
    host.configuration.write_text("host_id=3\n" + "".join(f"{key}=the-{key}\n" for key in keys))
    engine.stop()

    ids = host.minion("hosted_engine_deployment.ids")

    assert (ids["host_id"], ids["vm_id"]) == (3, "the-vmid")
    assert ids["disks"]["configuration"]["volume"] == "the-conf_volume_UUID"
    host.configuration.write_text("host_id=0\n")
    with pytest.raises(CommandExecutionError):
        host.minion("hosted_engine_deployment.ids")


def test_cpu_and_machine_follow_the_cluster(stored):
    present(stored)
    identifier = stored.engine.curl("/clusters?search=name=Default")[0].get("id")
    body = "<cluster><cpu><type>Intel Haswell Family</type></cpu></cluster>"
    stored.engine.curl(f"/clusters/{identifier}", method="PUT", body=body)

    assert stored.minion("hosted_engine_deployment.ids")["cpu_type"] == "Haswell"


def external(host: Host, vms: list[dict[str, str]]) -> None:
    """What the host runs, as the engine hears it at its next look."""
    host.engine.faults(vms=vms)


def test_the_bootstrap_vm_s_entry_goes_once_the_engine_sees_it_off(up):
    vm = {"vmId": "11111111-2222-4333-8444-555555555555", "vmName": "HostedEngineLocal"}
    external(up, [vm])
    names = lambda: [each.findtext("name") for each in up.engine.curl("/vms")]  # noqa: E731
    up.engine.wait(lambda: names() == ["external-HostedEngineLocal"])
    external(up, [])

    result = up.minion.state("ovirt_vm.absent", "external-HostedEngineLocal")

    assert result["result"] is True, result["comment"]
    assert names() == []
    again = up.minion.state("ovirt_vm.absent", "external-HostedEngineLocal")
    assert (again["result"], again["changes"]) == (True, {})


def test_no_other_vm_is_removed(stored):
    present(stored)

    assert stored.minion.state("ovirt_vm.absent", NAME)["result"] is False
    assert len(stored.engine.curl("/vms")) == 1
