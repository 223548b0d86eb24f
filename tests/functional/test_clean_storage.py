"""What clean removes of the storage, and nothing beside it; a mounted folder is the export."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import command, records
from ovirt_he.host import block_devices, volume
from unit.configured import DOMAIN, IDS, OTHER

from functional.clean_host import ALLOWED, PLACE, REMOVED, looked, mount, removed
from functional.storage_host import StorageHost, host, minions, wants_root

__all__ = ["host", "looked", "minions", "mount"]
pytestmark = wants_root


def test_what_was_made_on_the_storage_is_removed_and_nothing_beside_it(
    host: StorageHost, mount: Path
) -> None:
    records.write("deployment", {"made": DOMAIN})
    assert removed(host, test=True)["result"] is None
    assert (mount / DOMAIN).exists()

    ret = removed(host)

    assert ret["result"] is True, ret["comment"]
    assert sorted(path.name for path in mount.iterdir()) == [OTHER]
    assert host.systemctl() == ["try-restart vdsmd"], "it may manage the pool: it misses its leases"
    again = removed(host)
    assert (again["result"], again["changes"]) == (True, {})


def test_disks_of_others_are_not_removed(host: StorageHost, mount: Path) -> None:
    records.write("deployment", {"made": DOMAIN})
    host.configure()
    images = mount / DOMAIN / "images"
    for image in (OTHER, IDS["disks"]["vm"]["image"], "store"):
        (images / image).mkdir()
    # Of the type of the engine's disk, and not the one that the configuration names.
    (images / OTHER / "volume.meta").write_text("DISKTYPE=HEVD\n")
    (images / "store" / "volume.meta").write_text('DESCRIPTION={"DiskAlias":"OVF_STORE"}\n')

    ret = removed(host)

    assert ret["result"] is False
    assert f"other disks: {OTHER}." in ret["comment"]
    assert (images / OTHER).exists()


def test_without_a_record_nothing_is_removed(host: StorageHost, mount: Path) -> None:
    ret = removed(host)

    assert (ret["result"], ret["changes"]) == (True, {})
    assert (mount / DOMAIN).exists()


def test_a_directory_that_says_it_is_another_domain_stays(host: StorageHost, mount: Path) -> None:
    records.write("deployment", {"made": DOMAIN})
    (mount / DOMAIN / "dom_md" / "metadata").write_text(f"SDUUID={OTHER}\n")

    ret = removed(host)

    assert ret["result"] is False
    assert f"name the storage domain {OTHER}, not {DOMAIN}" in ret["comment"]
    assert (mount / DOMAIN).exists()


@pytest.mark.parametrize("identifier", [".", "..", OTHER[:8], f"{DOMAIN}/images", f"{DOMAIN}/"])
def test_only_what_a_domains_id_names_is_removed(
    host: StorageHost, mount: Path, identifier: str
) -> None:
    """A record that was changed by hand: ``.`` is the whole export."""
    (mount / OTHER[:8]).mkdir()
    records.write("deployment", {"made": identifier, "storage": PLACE})

    ret = removed(host)

    assert ret["result"] is False
    assert "was empty before a run was interrupted" in ret["comment"]
    names = sorted(path.name for path in mount.iterdir())
    assert names == sorted([DOMAIN, OTHER, OTHER[:8]])
    assert (mount / DOMAIN / "images").exists()


@pytest.mark.parametrize("name", ["HostedEngine", "HostedEngineLocal"])
def test_storage_of_a_running_engine_stays(host: StorageHost, mount: Path, name: str) -> None:
    records.write("deployment", {"made": DOMAIN})
    host.run(name)

    ret = removed(host)

    assert ret["result"] is False
    assert "still runs" in ret["comment"]
    assert (mount / DOMAIN).exists()


def test_storage_that_isnt_mounted_is_told(host: StorageHost, looked: dict[str, Any]) -> None:
    records.write("deployment", {"made": DOMAIN})
    (volume.MOUNTS / "nas.example.com:_exports_engine" / DOMAIN).mkdir(parents=True)

    ret = removed(host)

    assert ret["result"] is False
    assert f"remove the directory {DOMAIN} from it by hand" in ret["comment"]
    assert "vdsm does not answer" in ret["comment"]


def test_storage_that_a_boot_disconnected_is_looked_at_and_a_domain_that_is_gone_is_clean(
    host: StorageHost, looked: dict[str, Any]
) -> None:
    records.write("deployment", {"made": DOMAIN})
    looked["domains"] = [{"id": OTHER}]

    ret = removed(host)

    assert (ret["result"], ret["changes"]) == (True, {})


@pytest.mark.parametrize("found", [{"domains": None}, {"looked": False}])
def test_storage_that_cannot_be_looked_at_is_not_clean(
    host: StorageHost, looked: dict[str, Any], found: dict[str, Any]
) -> None:
    records.write("deployment", {"made": DOMAIN})
    looked |= found

    assert removed(host, test=True)["result"] is None
    assert removed(host)["result"] is False


@pytest.mark.parametrize("there", [[], [OTHER]])
def test_a_domain_that_an_interrupted_run_may_have_made_is_neither_removed_nor_called_clean(
    host: StorageHost, mount: Path, looked: dict[str, Any], there: list[str]
) -> None:
    records.write("deployment", {"storage": PLACE})
    looked["domains"] = [{"id": each} for each in there]

    ret = removed(host)

    assert ret["result"] is (not there)
    assert ("was empty before a run was interrupted" in ret["comment"]) is bool(there)
    assert sorted(path.name for path in mount.iterdir()) == sorted([DOMAIN, OTHER])


def test_an_additional_hosts_configuration_names_a_living_domain_that_is_not_its_own(
    host: StorageHost, mount: Path
) -> None:
    """The engine copies the file to each host that joins, and may fail before the agent starts."""
    host.configure()

    assert removed(host)["result"] is True
    assert (mount / DOMAIN).exists()
    joined = host.with_pillar({"host": {"joins": True}}).states[ALLOWED](name="engine.example.com")
    assert joined["result"] is False
    assert "ovirt_hosted_engine.undeployed" in joined["comment"]


def test_storage_that_another_host_writes_to_is_not_removed(
    host: StorageHost, mount: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine may run there: no VM of this host tells of it."""
    host.configure()
    records.write("deployment", {"made": DOMAIN})
    where = IDS["disks"]["metadata"]
    metadata = mount / DOMAIN / "images" / where["image"] / where["volume"]
    metadata.parent.mkdir()
    metadata.write_bytes(bytes(9 * 1024**2))
    blocks = iter(range(1, 1000))

    def read(path: Path, length: int, timeout: float = 0) -> bytes:
        assert path == metadata
        return bytes(2 * 4096) + str(next(blocks)).encode().ljust(length - 2 * 4096, b"\0")

    monkeypatch.setattr(volume, "read", read)

    ret = removed(host)

    assert ret["result"] is False
    assert "agent of host 2 writes" in ret["comment"]
    assert metadata.exists()


@pytest.mark.parametrize("known", ["record", "configuration"])
def test_a_pillar_that_names_other_storage_by_now_hides_no_domain(
    host: StorageHost, mount: Path, known: str
) -> None:
    if known == "record":
        records.write("deployment", {"made": DOMAIN, "storage": PLACE})
    else:
        host.configure()
        records.write("setup", {})
    storage = {"type": "fc", "lun": "36001405a", "address": "", "path": ""}
    minion = host.with_pillar({"storage": storage})

    result = minion.states[REMOVED](name="hosted_storage")

    assert result["result"] is True, result["comment"]
    assert sorted(path.name for path in mount.iterdir()) == [OTHER]


def test_before_its_end_a_domain_with_somebodys_disk_stays(host: StorageHost, mount: Path) -> None:
    records.write("deployment", {"made": DOMAIN, "storage": PLACE})
    # As vdsm writes it: by type, since aliases are the engine's.
    for image, kind in (("ours", "HEMD"), ("store", "OVFS"), ("theirs", "DATA")):
        (mount / DOMAIN / "images" / image).mkdir()
        meta = mount / DOMAIN / "images" / image / "volume.meta"
        meta.write_text(f'DESCRIPTION={{"DiskAlias":""}}\nDISKTYPE={kind}\n')

    ret = removed(host)

    assert ret["result"] is False
    assert "other disks: theirs." in ret["comment"]
    assert (mount / DOMAIN).exists()


def test_what_an_interrupted_run_left_half_made_goes(host: StorageHost, mount: Path) -> None:
    """An image without metadata, before any file names the images."""
    records.write("deployment", {"made": DOMAIN, "storage": PLACE})
    (mount / DOMAIN / "images" / "half").mkdir()

    assert removed(host)["result"] is True

    assert sorted(path.name for path in mount.iterdir()) == [OTHER]


@pytest.mark.feature("clean", "glusterfs")
def test_a_gluster_volume_is_cleaned_as_an_export_is(host: StorageHost, mount: Path) -> None:
    gluster = volume.MOUNTS / "glusterSD" / "nas.example.com:_exports_engine"
    gluster.mkdir(parents=True)
    subprocess.run(["mount", "--bind", mount, gluster], check=True)
    records.write("deployment", {"made": DOMAIN})
    minion = host.with_pillar({"storage": {"type": "glusterfs"}})
    try:
        result = minion.states[REMOVED](name="hosted_storage")

        assert result["result"] is True, result["comment"]
        assert sorted(path.name for path in gluster.iterdir()) == [OTHER]
    finally:
        subprocess.run(["umount", gluster], check=True)


@pytest.mark.feature("clean", "fc")
def test_a_lun_is_left_with_what_to_do(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    records.write("deployment", {"made": DOMAIN})
    seen = {"id": "36001405a", "status": "used"}
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(command, "run", lambda *arguments, **_: ran.append(arguments))
    monkeypatch.setattr(block_devices, "luns", lambda: [seen])
    storage = {"type": "fc", "lun": "36001405a", "address": "", "path": ""}
    minion = host.with_pillar({"storage": storage})

    result = minion.states[REMOVED](name="hosted_storage")

    assert result["result"] is False
    assert f"LUN 36001405a) still holds the storage domain {DOMAIN}" in result["comment"]
    assert ran == []
    seen["status"] = "free"
    assert minion.states[REMOVED](name="hosted_storage")["result"] is True, "formatted meanwhile"
    seen |= {"id": "36001405b"}
    assert minion.states[REMOVED](name="hosted_storage")["result"] is False, "not seen: not known"
    records.remove("deployment")
    assert minion.states[REMOVED](name="hosted_storage")["result"] is True


def test_storage_is_connected_by_vdsm_with_and_without_a_configuration(
    host: StorageHost, mount: Path, looked: dict[str, Any]
) -> None:
    records.write("deployment", {"made": DOMAIN, "storage": PLACE | {"path": "/exports/moved"}})
    point = volume.MOUNTS / "nas.example.com:_exports_moved"
    point.mkdir()
    host.say(mount=[str(mount), str(point)])
    try:
        ret = removed(host)

        assert ret["result"] is True, ret["comment"]
        assert sorted(path.name for path in point.iterdir()) == [OTHER]
        assert looked["asked"][0]["path"] == "/exports/moved"
    finally:
        subprocess.run(["umount", point], check=True)
