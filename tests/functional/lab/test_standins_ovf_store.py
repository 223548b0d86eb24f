"""What the engine simulator writes into an OVF store is what the stand-in agent reads from it."""

from __future__ import annotations

from pathlib import Path

from engine_simulator import ovf as engine_ovf

from .standins import BLANK, IMAGE, SD, VM, VOLUME, standin

archive = standin("hosted_engine_ha_standin.archive")
ovf = standin("hosted_engine_ha_standin.ovf")
vm_conf = standin("hosted_engine_ha_standin.vm_conf")

ENGINE_VM = {
    "id": VM,
    "name": "HostedEngine & more",
    "memory": 1024 * 1024**2,
    "cpu": {"topology": {"sockets": 2, "cores": 1, "threads": 1}},
    "bios": {"type": "i440fx_sea_bios"},
    "custom_emulated_machine": "pc-i440fx-rhel7.6.0",
    "_origin": 6,
    "cluster": {"id": "cluster"},
    "_disks": {IMAGE: {"bootable": True}},
    "_nics": {
        SD: {"id": SD, "name": "vnet0", "mac": {"address": "00:16:3e:01:02:03"},
             "vnic_profile": {"id": "profile"}}
    },
    "_consoles": {"1": {"id": "1", "protocol": "vnc"}},
}  # fmt: skip
DATA = {
    "clusters": {"cluster": {"version": {"major": 4, "minor": 8}}},
    "vms": {VM: ENGINE_VM},
    "disks": {
        IMAGE: {"id": IMAGE, "image_id": VOLUME, "name": "he_virtio_disk", "format": "raw",
                "provisioned_size": 1024**3, "storage_domains": [{"id": SD}]}
    },
    "vnicprofiles": {"profile": {"network": {"id": BLANK}}},
    "networks": {BLANK: {"name": "ovirtmgmt"}},
}  # fmt: skip


def test_agent_reads_the_engines_vm_from_its_ovf_store(tmp_path: Path) -> None:
    store = tmp_path / "ovf_store"
    store.write_bytes(engine_ovf.archive(DATA, SD).ljust(128 * 1024**2 // 64, b"\0"))

    parameters = ovf.parameters(archive.extract(str(store), f"{VM}.ovf"))

    vm_conf.check(parameters, VM)
    assert parameters["vmName"] == "HostedEngine & more"
    assert (parameters["memSize"], parameters["smp"]) == ("1024", "2")
    assert parameters["emulatedMachine"] == "pc-i440fx-rhel7.6.0"
    devices = {device["type"]: device for device in parameters["devices"]}
    assert (devices["disk"]["imageID"], devices["disk"]["volumeID"]) == (IMAGE, VOLUME)
    assert (devices["disk"]["domainID"], devices["disk"]["format"]) == (SD, "raw")
    assert devices["interface"]["macAddr"] == "00:16:3e:01:02:03"
    assert devices["interface"]["network"] == "ovirtmgmt"
    assert devices["graphics"]["device"] == "vnc"
