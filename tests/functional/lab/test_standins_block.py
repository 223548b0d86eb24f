"""Domains on LUNs: volumes as block devices, seen by several hosts, and their leases."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .san_host import GIB, MIB, SITE, connection, domain, lun, needs_target, on_host, port, seen
from .standins import BLANK, IMAGE, SD, VM, VOLUME, standin

connections = standin("vdsm_standin.connections")
daemon = standin("sanlock_standin.daemon")
direct = standin("vdsm_standin.direct")
loops = standin("vdsm_standin.loops")
mounts = standin("vdsm_standin.mounts")
storage = standin("vdsm_standin.storage")
vdsm_errors = standin("vdsm_standin.errors")
volumes = standin("vdsm_standin.volumes")

__all__ = ["domain", "lun", "port"]
pytestmark = needs_target


def test_domain_takes_a_free_lun_and_gives_it_back(domain: dict[str, Any]) -> None:
    taken = seen()[domain["serial"]]

    assert (taken["status"], taken["vgUUID"]) == ("used", SD)
    other = seen()[f"iscsi-{SITE}-used"]["GUID"]
    for devices, code in (([domain["GUID"]], 506), ([other], 506), (["36no"], 601)):
        with pytest.raises(vdsm_errors.VdsmError) as caught:
            storage.create(VM, "another", {"type": "iscsi", "devices": devices})
        assert caught.value.code == code
    links = mounts.MOUNTS / "blockSD" / SD / "dom_md"
    assert all(path.is_block_device() for path in links.iterdir())
    storage.format_domain(SD)
    assert seen()[domain["serial"]]["status"] == "free"


def test_raw_volume_is_a_block_device_of_whole_extents(domain: dict[str, Any]) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=GIB + 1, preallocate=True, content_type="hosted_engine")

    path = volumes.prepare(SD, IMAGE, VOLUME, BLANK)["path"]

    size = subprocess.check_output(["blockdev", "--getsize64", path], text=True)
    assert int(size) == GIB + 128 * MIB
    below = Path(path).parent
    assert below == volumes.LINKS / SD / IMAGE
    assert [entry.name for entry in below.iterdir()] == [VOLUME], "nothing lies beside a volume"
    assert Path(path).readlink() == loops.DEVICES / SD / VOLUME
    assert Path(path).stat().st_uid == Path(path).stat().st_gid == 36
    misaligned = ["dd", "if=/dev/zero", f"of={path}", "bs=1000", "count=1", "oflag=direct"]
    assert subprocess.run(misaligned, capture_output=True, check=False).returncode != 0
    about = volumes.info(SD, IMAGE, VOLUME)
    assert (about["capacity"], about["truesize"]) == (str(GIB + 1), size.strip())
    with pytest.raises(vdsm_errors.InvalidParameter, match="sparse raw"):
        volumes.create(SD, VM, VOLUME, size=GIB)


def test_volume_of_a_lun_is_seen_below_run_alone_and_while_it_is_prepared(
    domain: dict[str, Any],
) -> None:
    """Below /rhev vdsm links a block domain's special volumes, and none of its images."""
    volumes.create(SD, IMAGE, VOLUME, size=GIB, preallocate=True)
    link = volumes.LINKS / SD / IMAGE / VOLUME
    assert not link.exists()

    volumes.prepare(SD, IMAGE, VOLUME)

    assert link.is_block_device()
    below = mounts.MOUNTS / "blockSD" / SD
    assert (below / "dom_md/ids").is_block_device()
    assert not list(below.glob("images/**/*"))
    volumes.teardown(SD, IMAGE)
    assert not link.parent.exists()
    assert not (loops.DEVICES / SD / VOLUME).exists()


def test_cow_volume_has_room_as_it_is_asked_for(domain: dict[str, Any]) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=20 * GIB, format="cow")
    volumes.create(SD, VM, VM, size=4 * GIB, format="cow", initialSize=4 * GIB)

    thin, full = (int(volumes.info(SD, i, v)["truesize"]) for i, v in ((IMAGE, VOLUME), (VM, VM)))

    assert thin == 2560 * MIB
    assert full >= 4.4 * GIB
    path = volumes.prepare(SD, VM, VM)["path"]
    assert '"virtual-size": 4294967296' in subprocess.check_output(
        ["qemu-img", "info", "--output=json", path], text=True
    )


def test_full_lun_takes_no_volume(domain: dict[str, Any]) -> None:
    available = storage.stats(SD)["available"]

    with pytest.raises(vdsm_errors.CannotCreateLogicalVolume):
        volumes.create(SD, IMAGE, VOLUME, size=available + 1, preallocate=True)

    assert storage.stats(SD)["available"] == available
    assert volumes.images(SD) == []


def test_other_host_sees_what_was_written(
    domain: dict[str, Any], port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=GIB, content_type="ovf_store", preallocate=True)
    first = volumes.prepare(SD, IMAGE, VOLUME)["path"]
    direct.read(first, 0, 4096)

    on_host(tmp_path / "hv2", monkeypatch)
    with pytest.raises(vdsm_errors.StorageDomainDoesNotExist):
        volumes.prepare(SD, IMAGE, VOLUME)
    connections.connect(**connection(port))
    second = volumes.prepare(SD, IMAGE, VOLUME)["path"]
    volumes.write(SD, IMAGE, VOLUME, "YWJj")

    assert Path(first).resolve().name != Path(second).resolve().name
    assert direct.read(first, 0, 5) == b"abc\0\0"
    connections.disconnect(**connection(port))
    assert not Path(second).exists()
    assert direct.read(first, 0, 3) == b"abc"


@pytest.mark.parametrize("discard", [True, False])
def test_deleted_disk_gives_its_blocks_back_where_asked(
    domain: dict[str, Any], tmp_path: Path, discard: bool
) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=GIB, preallocate=True)
    path = volumes.prepare(SD, IMAGE, VOLUME)["path"]
    direct.write(path, 0, b"x" * 8 * MIB)
    lun = tmp_path / "san" / f"{domain['serial']}.img"
    os.sync()
    before = lun.stat().st_blocks * 512

    volumes.delete(SD, IMAGE, discard=discard)

    os.sync()
    assert (before - lun.stat().st_blocks * 512 >= 8 * MIB) is discard
    assert not Path(path).exists()
    with pytest.raises(vdsm_errors.ImagePathError):
        volumes.prepare(SD, IMAGE, VOLUME)


def test_lease_on_a_lun_excludes_between_hosts(
    domain: dict[str, Any], port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=GIB, preallocate=True)

    def acquire(on: Any) -> None:
        (chain,) = volumes.prepare(SD, IMAGE, VOLUME)["imgVolumesInfo"]
        place = {"path": chain["leasePath"], "offset": chain["leaseOffset"]}
        on.acquire("resource", pid=os.getpid(), **place)

    one, two = daemon.Daemon("hv1"), daemon.Daemon("hv2")
    acquire(one)
    on_host(tmp_path / "hv2", monkeypatch)
    connections.connect(**connection(port))

    with pytest.raises(daemon.LeaseError, match="held by hv1") as caught:
        acquire(two)
    one.release("resource")
    acquire(two)

    assert caught.value.code == -243
    two.release("resource")
