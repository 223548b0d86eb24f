"""A host of the lab on its storage network: the lab's own target, on the machine's loopback."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hosts import network
from hosts import san as lab_san
from hosts.settings import ISCSI_SESSION, target

from .standins import SD, standin

connections = standin("vdsm_standin.connections")
iscsiadm = standin("iscsi_standin.command")
loops = standin("vdsm_standin.loops")
luns = standin("vdsm_standin.luns")
mounts = standin("vdsm_standin.mounts")
sessions = standin("iscsi_standin.sessions")
storage = standin("vdsm_standin.storage")
volumes = standin("vdsm_standin.volumes")

MIB, GIB = 1 << 20, 1 << 30
SITE = "engine1"

needs_target = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("tgtd"), reason="needs root and tgt"
)


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The lab's own target, on this machine's loopback instead of the lab's network."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    monkeypatch.setattr(network, "INSIDE", [])
    for name, value in {
        "GATEWAY": "127.0.0.1",
        "PORT": number,
        "LAB": tmp_path,
        "IMAGES": tmp_path / "san",
        "SOCKET": tmp_path / "tgtd",
        "PID": tmp_path / "tgtd.pid",
        "sites": lambda _hosts: [SITE],
    }.items():
        monkeypatch.setattr(lab_san, name, value)
    monkeypatch.setattr(luns, "IMAGES", tmp_path / "san")
    monkeypatch.setattr(iscsiadm, "RECORDS", tmp_path / "send_targets")
    on_host(tmp_path / "hv1", monkeypatch)
    lab_san.up(1)
    yield number
    for holders in tmp_path.glob("*/volumes"):
        for holder in holders.glob("*/*"):
            os.kill(int(holder.read_text()), 9)
    lab_san.down()


def on_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a host whose devices, mounts and sessions are in a folder."""
    (folder / "dev").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(sessions, "KNOWN", folder / "sessions")
    monkeypatch.setattr(loops, "DEVICES", folder / "dev")
    monkeypatch.setattr(loops, "HOLDERS", folder / "volumes")
    monkeypatch.setattr(mounts, "MOUNTS", folder / "mnt")
    for module in (storage, volumes):
        monkeypatch.setattr(module, "LINKS", folder / "links")


def connection(port: int, **changes: Any) -> dict[str, Any]:
    user, password = ISCSI_SESSION
    portal = {"type": "iscsi", "address": "127.0.0.1", "port": port, "portal": 1}
    return portal | {"target": target(SITE), "user": user, "password": password} | changes


def seen() -> dict[str, dict[str, Any]]:
    return {device["serial"]: device for device in luns.listed()}


@pytest.fixture
def lun(port: int) -> dict[str, Any]:
    """The free LUN that is large enough, as a host sees it that is logged in."""
    connections.connect(**connection(port))
    return seen()[f"iscsi-{SITE}-large"]


@pytest.fixture
def domain(lun: dict[str, Any]) -> dict[str, Any]:
    storage.create(SD, "hosted_storage", {"type": "iscsi", "devices": [lun["GUID"]]})
    return lun
