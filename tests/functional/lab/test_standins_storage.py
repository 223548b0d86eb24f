"""Storage as the stand-ins of vdsm and sanlock make and read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .standins import BLANK, IMAGE, SD, VM, VOLUME, standin

mounts = standin("vdsm_standin.mounts")
records = standin("sanlock_standin.records")
sanlock_command = standin("sanlock_standin.command")
sanlock_paths = standin("sanlock_standin.paths")
storage = standin("vdsm_standin.storage")
vdsm_errors = standin("vdsm_standin.errors")
volumes = standin("vdsm_standin.volumes")


EXPORT = {"type": "nfs", "address": "nas", "path": "/x"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"hosted-engine:1:/mnt/nas\:_exports/x:0", "/mnt/nas:_exports/x"),
        ("hosted-engine:1:/mnt/x:0", "/mnt/x"),
        ("hosted-engine:1:/mnt/nas:_exports/x:0", "/mnt/nas"),
    ],
)
def test_colons_of_a_path_are_escaped(text: str, path: str) -> None:
    assert sanlock_paths.lockspace(text).path == path


def test_lockspace_is_initialised_once_its_path_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nas:_exports"
    path.write_bytes(bytes(1048576))
    with pytest.raises(records.LeaseError, match="magic"):
        records.read(str(path), 0, "hosted-engine", 1)

    unescaped = sanlock_command.main(["direct", "init", "-s", f"hosted-engine:0:{path}:0"])
    escaped = str(path).replace(":", r"\:")
    right = sanlock_command.main(["direct", "init", "-s", f"hosted-engine:0:{escaped}:0"])

    assert (unescaped, right) == (1, 0)
    assert capsys.readouterr().out == "init done -19\ninit done 0\n"
    assert path.read_bytes().startswith(b"\x10\x20\x21\x12")
    assert records.read(str(path), 0, "hosted-engine", 1).timestamp == 0


def test_record_of_another_lockspace_is_refused() -> None:
    sector = records.pack(records.Record("other", "hv1", 1, 1, 17))

    assert records.unpack(sector, "other").owner == "hv1"
    with pytest.raises(records.LeaseError, match="named other"):
        records.unpack(sector, "hosted-engine")


def test_mount_point_doubles_underscores() -> None:
    where = mounts.mount_point("nas.lab.test", "/exports/my_engine/")

    assert str(where) == "/rhev/data-center/mnt/nas.lab.test:_exports_my__engine"


@pytest.fixture
def domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage domain in a folder of the test's."""
    if os.geteuid() != 0:
        pytest.skip("volumes belong to 36:36, which only root can give away")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mnt")
    monkeypatch.setattr(storage, "LINKS", tmp_path / "links")
    monkeypatch.setattr(volumes, "LINKS", tmp_path / "links")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).is_dir())
    (tmp_path / "mnt/nas:_x").mkdir(parents=True)
    storage.create(SD, "hosted_storage", EXPORT)
    return tmp_path / "mnt/nas:_x" / SD


def test_volume_has_its_sizes_its_owner_and_its_content_type(domain: Path) -> None:
    volumes.create(
        SD, IMAGE, VOLUME, size=1048576, preallocate=True, content_type="hosted_engine_metadata"
    )

    about = (domain / "images" / IMAGE / VOLUME).stat()
    assert (about.st_uid, about.st_gid, about.st_mode & 0o777) == (36, 36, 0o660)
    assert (about.st_size, about.st_blocks * 512) == (1048576, 1048576)
    assert "DISKTYPE=HEMD\n" in (domain / "images" / IMAGE / f"{VOLUME}.meta").read_text()
    path = volumes.prepare(SD, IMAGE, VOLUME, BLANK)["path"]
    assert Path(path).samefile(domain / "images" / IMAGE / VOLUME)


def test_second_domain_on_an_export_is_refused(domain: Path) -> None:
    with pytest.raises(vdsm_errors.StorageDomainNotEmpty) as caught:
        storage.create(VM, "another", EXPORT)

    assert caught.value.code == 361
    assert not (domain.parent / VM).exists()


def test_only_an_ovf_store_is_written(domain: Path) -> None:
    volumes.create(SD, IMAGE, VOLUME, size=4096, content_type="ovf_store")
    volumes.create(SD, VM, VOLUME, size=4096)

    volumes.write(SD, IMAGE, VOLUME, "YWJj")
    with pytest.raises(vdsm_errors.InvalidParameter, match="no OVF store"):
        volumes.write(SD, VM, VOLUME, "YWJj")

    assert (domain / "images" / IMAGE / VOLUME).read_bytes().startswith(b"abc\0")


def test_unknown_ids_have_vdsms_codes(domain: Path) -> None:
    codes = []
    for sd, image in ((VM, IMAGE), (SD, IMAGE)):
        with pytest.raises(vdsm_errors.VdsmError) as caught:
            volumes.prepare(sd, image, VOLUME)
        codes.append(caught.value.code)
    (domain / "images" / IMAGE).mkdir()
    with pytest.raises(vdsm_errors.VolumeDoesNotExist) as caught:
        volumes.prepare(SD, IMAGE, VOLUME)

    assert (*codes, caught.value.code) == (358, 254, 201)


def test_gluster_is_mounted_below_its_own_folder() -> None:
    where = mounts.mount_point("gluster.lab.test", "/engine1", "glusterfs")

    assert where == Path("/rhev/data-center/mnt/glusterSD/gluster.lab.test:_engine1")
    with pytest.raises(vdsm_errors.MountError) as caught:
        mounts.connect("glusterfs", "gluster.lab.test", "/engine1", vfs_type="nfs")
    assert caught.value.code == 477
