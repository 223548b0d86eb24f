"""Preflight's checks of the machine and the appliance, each on a host that has one fault."""

from __future__ import annotations

import os
import struct
import tarfile
from typing import NamedTuple

import pytest
from ovirt_he.preflight import machine

from unit.preflight_lab import running


def test_memory_is_told_in_both_numbers_and_a_running_bootstrap_vm_has_its_own(lab, tmp_path):
    lab.pillar["hosted_engine"]["vm"]["memory_mib"] = 16384
    (told,) = machine.memory(lab.host())
    assert "16384" in told["problem"]
    assert "8192" in told["problem"]

    running(tmp_path, "HostedEngineLocal")
    assert list(machine.memory(lab.host())) == []


def test_processors(lab):
    lab.pillar["hosted_engine"]["vm"]["cpus"] = 500

    assert lab.keys(machine.processors) == ["vm:cpus"]


def test_virtualisation_or_a_confession(lab):
    lab.grains["cpu_flags"] = ["sse2"]
    assert lab.keys(machine.virtualisation) == ["host:emulation"]

    lab.pillar["hosted_engine"]["host"] = {"emulation": True}
    assert lab.keys(machine.virtualisation) == []


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"QFI\xfb\x00\x00\x00\x03", []),
        (b"\x1f\x8b\x08", []),
        (b"<html>", ["appliance:source"]),
        (b"", ["appliance:source"]),
        (None, ["appliance:source"]),
    ],
)
def test_an_appliance_of_one_s_own(lab, tmp_path, content, keys):
    path = tmp_path / "appliance"
    if content is not None:
        path.write_bytes(content)
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(path)}

    assert lab.keys(machine.appliance) == keys


@pytest.mark.parametrize(("there", "keys"), [([], ["appliance:source"]), (["a/b.ova"], [])])
def test_an_appliance_on_the_file_server(lab, there, keys):
    def list_master(saltenv: str = "base", prefix: str = "") -> list[str]:
        return there if (saltenv, prefix) == ("site", "a/b.ova") else []

    lab.pillar["hosted_engine"]["appliance"] = {"source": "salt://a/b.ova?saltenv=site"}
    host = lab.host()
    host.salt = {"cp.list_master": list_master}

    told = [one["key"].removeprefix("hosted_engine:") for one in machine.appliance(host)]
    assert told == keys


def test_an_appliance_that_is_not_compressed(lab, tmp_path):
    """The reader takes a plain OVA too."""
    (tmp_path / "image").write_bytes(b"x")
    with tarfile.open(tmp_path / "plain.ova", "w") as archive_:
        archive_.add(tmp_path / "image", "image")
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(tmp_path / "plain.ova")}

    assert lab.keys(machine.appliance) == []


def test_what_an_earlier_run_wrote_is_room_that_it_has(lab, tmp_path, monkeypatch):
    class Room(NamedTuple):
        f_bavail: int = 1
        f_frsize: int = 1 << 29

    monkeypatch.setattr(machine.os, "statvfs", lambda _: Room())
    assert lab.keys(machine.room) == ["bootstrap:directory"], "half a GiB of one"

    (tmp_path / "bootstrap").mkdir()
    with (tmp_path / "bootstrap" / "disk.qcow2").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 600 << 20)
    assert lab.keys(machine.room) == []


def qcow2(gib: int) -> bytes:
    return struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, gib << 30) + bytes(72)


def test_room_is_asked_for_by_the_image_s_own_header(lab, tmp_path):
    lab.pillar["hosted_engine"]["vm"]["disk_gib"] = 10**6
    (told,) = machine.room(lab.host())
    assert "1000000.0 GiB wanted" in told["problem"]

    (tmp_path / "image.qcow2").write_bytes(qcow2(1))
    (tmp_path / "packages" / "10-appliance-centos9.conf").write_text(
        f"description=x\nversion=1\npath={tmp_path / 'image.qcow2'}\nsha1sum=0\n"
    )
    assert lab.keys(machine.room) == []


def test_an_image_that_extract_refuses_says_nothing_of_its_size(lab, tmp_path):
    """A header's number counts only where the image stands by itself."""
    (tmp_path / "image.qcow2").write_bytes(qcow2(10**6)[:4] + bytes(4) + qcow2(10**6)[8:])
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(tmp_path / "image.qcow2")}

    assert lab.keys(machine.room) == []


def test_another_deployment_s_configuration(lab, tmp_path):
    (tmp_path / "hosted-engine.conf").write_text("fqdn=engine.example.com\n")
    assert lab.keys(machine.configuration_is_ours) == []

    (tmp_path / "hosted-engine.conf").write_text("host_id=1\nfqdn=other.example.com\n")
    (told,) = lab.problems(machine.configuration_is_ours)
    assert "other.example.com" in told["problem"]


def test_an_engine_on_the_host_itself_or_its_vm_running(lab, tmp_path):
    (tmp_path / "ovirt-engine.service").touch()
    running(tmp_path, "HostedEngine")

    assert lab.keys(machine.another_engine) == ["engine", "vm:name"]


def test_a_pid_file_of_a_vm_that_died_is_not_a_vm(lab, tmp_path):
    (tmp_path / "run" / "HostedEngine.pid").write_text("4194999")

    assert lab.keys(machine.another_engine) == []


@pytest.mark.parametrize(
    ("zone", "keys"), [("Europe/Vienna", []), ("Mars/Olympus", ["vm:time_zone"])]
)
def test_the_time_zone_exists(lab, monkeypatch, zone, keys):
    monkeypatch.setattr(machine.zoneinfo, "available_timezones", lambda: {"Europe/Vienna", "UTC"})
    lab.pillar["hosted_engine"]["vm"]["time_zone"] = zone

    assert lab.keys(machine.time_zone) == keys
