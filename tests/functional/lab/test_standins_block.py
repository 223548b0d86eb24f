"""iSCSI and Fibre Channel in the lab: a real target, an initiator, domains and volumes on LUNs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hosts import network
from hosts import san as lab_san
from hosts.settings import ISCSI_DISCOVERY, ISCSI_SESSION, target

from .standins import BLANK, IMAGE, SD, VM, VOLUME, hosted_engine_conf, standin

block_domain = standin("vdsm_standin.block_domain")
connections = standin("vdsm_standin.connections")
daemon = standin("sanlock_standin.daemon")
direct = standin("vdsm_standin.direct")
ha_configuration = standin("hosted_engine_ha_standin.configuration")
ha_storage = standin("hosted_engine_ha_standin.storage")
iscsiadm = standin("iscsi_standin.command")
loops = standin("vdsm_standin.loops")
luns = standin("vdsm_standin.luns")
mounts = standin("vdsm_standin.mounts")
sessions = standin("iscsi_standin.sessions")
storage = standin("vdsm_standin.storage")
vdsm_errors = standin("vdsm_standin.errors")
volumes = standin("vdsm_standin.volumes")

MIB, GIB = 1 << 20, 1 << 30
SITE = "engine1"

pytestmark = pytest.mark.skipif(
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


def test_discovery_asks_for_its_own_chap(port: int) -> None:
    user, password = ISCSI_DISCOVERY

    found = connections.discover("127.0.0.1", port, user, password)

    portal = {"address": "127.0.0.1", "port": port, "portal": 1}
    assert portal | {"target": target(SITE)} in found
    for chap in ((user, "wrong"), ("", ""), ISCSI_SESSION):
        with pytest.raises(vdsm_errors.iSCSISetupError) as caught:
            connections.discover("127.0.0.1", port, *chap)
        assert caught.value.code == 475
        assert "wrong" not in str(caught.value)


def test_iscsiadm_discovers_by_the_chap_of_the_portal_s_record(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    portal = f"127.0.0.1:{port}"
    database = ["-m", "discoverydb", "-t", "sendtargets", "-p", portal]

    refused = iscsiadm.main([*database, "-o", "nonpersistent", "--discover"])
    iscsiadm.main([*database, "-o", "new"])
    (record,) = iscsiadm.RECORDS.glob("*/st_config")
    named = dict(zip(("username", "password"), ISCSI_DISCOVERY, strict=True)) | {
        "authmethod": "CHAP"
    }
    for name, value in named.items():
        line = f"discovery.sendtargets.auth.{name}"
        iscsiadm.main([*database, "-o", "update", "-n", line, "-v", value])
    allowed = iscsiadm.main([*database, "--discover"])

    assert (refused, allowed) == (24, 0)
    assert f"{portal},1 {target(SITE)}\n" in capsys.readouterr().out
    assert record.stat().st_mode & 0o777 == 0o600
    assert iscsiadm.main([*database, "-o", "delete"]) == 0
    assert not record.exists()


def test_login_with_a_wrong_secret_shows_nothing(port: int) -> None:
    for changes in ({"password": "wrong"}, {"user": "", "password": ""}, {"target": "iqn.x:none"}):
        with pytest.raises(vdsm_errors.iSCSILoginError) as caught:
            connections.connect(**connection(port, **changes))
        assert caught.value.code == 465

    assert {device["devtype"] for device in luns.listed()} == {"FCP"}


def test_devices_are_what_the_target_says(port: int, lun: dict[str, Any]) -> None:
    listed = seen()

    assert lun["GUID"].startswith("36")
    assert len(lun["GUID"]) == 33
    assert (lun["capacity"], lun["vendorID"], lun["productID"]) == (24 * GIB, "LAB", "Disk")
    assert (lun["devtype"], lun["status"], lun["vgUUID"], lun["discard"]) == (
        "iSCSI",
        "free",
        "",
        True,
    )
    path = {"connection": "127.0.0.1", "port": port, "portal": 1, "iqn": target(SITE)}
    assert lun["pathstatus"] == [path]
    assert listed[f"iscsi-{SITE}-used"]["status"] == "used"
    assert listed["fc-large"]["pathstatus"] == []
    assert len({device["GUID"] for device in listed.values()}) == len(listed) == 6


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


def test_fibre_channel_s_lun_needs_no_login(port: int) -> None:
    connections.connect(type="fcp")
    lun = seen()["fc-large"]

    storage.create(SD, "hosted_storage", {"type": "fcp", "devices": [lun["GUID"]]})

    assert seen()["fc-large"]["vgUUID"] == SD
    assert storage.stats(SD)["available"] > 16 * GIB


def test_ha_connects_what_the_configuration_names() -> None:
    iscsi = {"domainType": "iscsi", "storage": "10.77.0.1,10.77.0.2", "port": "3260,3261"}
    iscsi |= {"iqn": target(SITE), "portal": "1", "user": "u", "password": "p"}
    values = hosted_engine_conf(**iscsi)
    ha_configuration.check(values)

    found = ha_storage.connections(values)

    portals = [("10.77.0.1", 3260), ("10.77.0.2", 3261)]
    assert [(at["address"], at["port"]) for at in found] == portals
    assert {(at["target"], at["portal"], at["user"], at["password"]) for at in found} == {
        (target(SITE), 1, "u", "p")
    }
    with pytest.raises(ha_configuration.ConfigurationError, match="one for each of"):
        ha_configuration.check(values | {"port": "3260"})
    gluster = hosted_engine_conf(domainType="glusterfs", storage="gluster.lab.test:/engine1")
    (volume,) = ha_storage.connections(gluster)
    assert (volume["type"], volume["vfs_type"], volume["path"]) == ("glusterfs",) * 2 + (
        "/engine1",
    )
    fabric = hosted_engine_conf(domainType="fc", storage="ignored")
    assert [at["type"] for at in ha_storage.connections(fabric)] == ["fcp"]


def test_gluster_is_mounted_below_its_own_folder() -> None:
    where = mounts.mount_point("gluster.lab.test", "/engine1", "glusterfs")

    assert where == Path("/rhev/data-center/mnt/glusterSD/gluster.lab.test:_engine1")
    with pytest.raises(vdsm_errors.MountError) as caught:
        mounts.connect("glusterfs", "gluster.lab.test", "/engine1", vfs_type="nfs")
    assert caught.value.code == 477
