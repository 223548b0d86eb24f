"""The appliance's image: from a qcow2 or an OVA, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from ovirt_he.bootstrap import image
from salt.exceptions import CommandExecutionError

DISK = "images/0a1b/0a1b"


@pytest.fixture(scope="module")
def qemu_img() -> str:
    """`make test` has it; unit tests alone run on a machine without."""
    return shutil.which("qemu-img") or pytest.skip(
        "no qemu-utils, which tests/lab/requirements.apt names"
    )


@pytest.fixture(scope="module")
def disk(tmp_path_factory, qemu_img) -> Path:
    """A qcow2 of 64 MiB with 5 MiB of data in the middle."""
    path = tmp_path_factory.mktemp("disk") / "disk.qcow2"
    subprocess.run([qemu_img, "create", "-q", "-f", "qcow2", path, "64M"], check=True)
    write = ["qemu-io", "-f", "qcow2", "-c", "write -q -P 7 20M 5M", path]
    subprocess.run(write, check=True)
    return path


def member(name: str, content: bytes = b"", **more) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def ova(path: Path, *members, compression: str = "gz") -> Path:
    with tarfile.open(path, f"w:{compression}") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def written(source: Path, target: Path) -> str:
    with target.open("wb") as file:
        return image.write(source, file)


@pytest.mark.parametrize("compression", ["gz", ""])
def test_an_ova_gives_its_disk_and_nothing_else(disk, tmp_path, compression):
    source = ova(
        tmp_path / "appliance.ova",
        member("images", type=tarfile.DIRTYPE),
        member(f"{DISK}.meta", b"DESCRIPTION=x"),
        member(DISK, disk.read_bytes()),
        member("master/vms/1/1.ovf", b"<ovf/>"),
        compression=compression,
    )

    sha1 = written(source, tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == disk.read_bytes()
    assert sha1 == hashlib.sha1(source.read_bytes()).hexdigest()


def test_a_qcow2_is_copied_with_its_holes(disk, tmp_path):
    big = tmp_path / "big.qcow2"
    big.write_bytes(disk.read_bytes())
    with big.open("r+b") as file:
        file.truncate(disk.stat().st_size + (64 << 20))

    sha1 = written(big, tmp_path / "out")

    assert sha1 == hashlib.sha1(big.read_bytes()).hexdigest()
    assert (tmp_path / "out").stat().st_size == big.stat().st_size
    assert (tmp_path / "out").stat().st_blocks * 512 < big.stat().st_size / 2


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("/etc/passwd", {}), (DISK, {})], "leads out of it"),
        ([("images/../../x", {}), (DISK, {})], "leads out of it"),
        ([("a", {"type": tarfile.SYMTYPE, "linkname": "/etc/shadow"}), (DISK, {})], "neither a"),
        ([("a", {"type": tarfile.LNKTYPE, "linkname": DISK}), (DISK, {})], "neither a file"),
        ([("a", {"type": tarfile.BLKTYPE}), (DISK, {})], "neither a file"),
        ([("readme", {})], "no disk"),
        ([], "no disk"),
        ([(DISK, {}), ("images/2/2", {})], "more than one disk"),
    ],
)
def test_a_hostile_archive_is_refused(disk, tmp_path, members, reason):
    content = disk.read_bytes()
    parts = [member(name, content if "images" in name else b"", **more) for name, more in members]
    for info, _ in parts:
        if info.type not in tarfile.REGULAR_TYPES:
            info.size = 0

    with pytest.raises(CommandExecutionError, match=reason):
        written(ova(tmp_path / "bad.ova", *parts), tmp_path / "out")


@pytest.mark.parametrize("further", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory_is_refused_at_once(tmp_path, further):
    header = tarfile.TarInfo("x")
    header.type, header.size = further, 3 * 2**30
    source = tmp_path / "bomb.ova"
    source.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(2**20)))

    with pytest.raises(CommandExecutionError, match="a header of 3221225472 bytes"):
        written(source, tmp_path / "out")


@pytest.mark.parametrize("key", ["GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.realsize"])
def test_records_of_pax_that_are_no_numbers_are_refused(tmp_path, key):
    header = tarfile.TarInfo("images/1/1")
    header.pax_headers = {"GNU.sparse.major": "0", key: "not,numbers"}
    source = tmp_path / "pax.ova"
    source.write_bytes(header.tobuf(tarfile.PAX_FORMAT))

    with pytest.raises(CommandExecutionError, match=r"pax\.ova is neither a qcow2 nor a whole OVA"):
        written(source, tmp_path / "out")


@pytest.mark.parametrize("rest", [0, 1, 9, 10, 100, 0.5, -9, -1])
def test_a_truncated_archive_is_refused(disk, tmp_path, rest):
    whole = ova(tmp_path / "whole.ova", member(DISK, disk.read_bytes())).read_bytes()
    cut = tmp_path / "cut.ova"
    cut.write_bytes(whole[: int(len(whole) * rest) if rest == 0.5 else rest])

    with pytest.raises(CommandExecutionError, match=r"cut\.ova is neither a qcow2 nor a whole OVA"):
        written(cut, tmp_path / "out")


def test_a_sparse_member_is_refused(disk, tmp_path):
    """Its data in the archive isn't what a reader sees: its size can be anything."""
    with (tmp_path / "sparse").open("wb") as file:
        file.write(disk.read_bytes())
        file.truncate(file.tell() + (8 << 20))
    archive = tmp_path / "sparse.ova"
    subprocess.run(["tar", "-S", "-C", tmp_path, "-cf", archive, "sparse"], check=True)

    with pytest.raises(CommandExecutionError, match="neither a file"):
        written(archive, tmp_path / "out")


def test_a_bit_that_flipped_in_an_archive_is_seen(disk, tmp_path):
    content = bytearray(gzip.compress(b"\0" * 4_000_000, mtime=0))
    content[-6] ^= 1
    (tmp_path / "flipped.ova").write_bytes(content)

    with pytest.raises(CommandExecutionError, match="neither a qcow2 nor a whole OVA"):
        written(tmp_path / "flipped.ova", tmp_path / "out")


def test_a_disk_that_is_cut_in_a_plain_archive_is_refused(disk, tmp_path):
    whole = ova(tmp_path / "whole.ova", member(DISK, disk.read_bytes()), compression="")
    cut = tmp_path / "cut.ova"
    cut.write_bytes(whole.read_bytes()[:200_000])

    with pytest.raises(CommandExecutionError, match="neither a qcow2 nor a whole OVA"):
        written(cut, tmp_path / "out")


def test_a_missing_source_is_told_by_its_name(tmp_path):
    with pytest.raises(CommandExecutionError, match=r"none\.ova.*No such file"):
        written(tmp_path / "none.ova", tmp_path / "out")


def test_the_virtual_size_is_what_qemu_img_says(disk):
    assert image.virtual_size(disk) == 64 << 20


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ((0, ">I", 0x4B444D56), "isn't a qcow2"),
        ((4, ">I", 1), "isn't a qcow2"),
        ((8, ">Q", 600), "stand by itself"),
        ((32, ">I", 1), "stand by itself"),
        ((72, ">Q", 0b10), "stand by itself"),
        ((72, ">Q", 0b100), "stand by itself"),
        ((72, ">Q", 1 << 20), "stand by itself"),
        ((24, ">Q", 0), "impossible size"),
        ((24, ">Q", (64 << 20) + 1), "impossible size"),
    ],
)
def test_an_image_that_needs_others_is_refused(disk, tmp_path, field, reason):
    offset, form, value = field
    content = bytearray(disk.read_bytes())
    struct.pack_into(form, content, offset, value)
    (tmp_path / "changed.qcow2").write_bytes(content)

    with pytest.raises(CommandExecutionError, match=reason):
        image.virtual_size(tmp_path / "changed.qcow2")


def test_a_backing_file_that_qemu_img_made_is_refused(disk, tmp_path, qemu_img):
    overlay = tmp_path / "overlay.qcow2"
    create = [qemu_img, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", overlay]
    subprocess.run(create, check=True)

    with pytest.raises(CommandExecutionError, match="stand by itself"):
        image.virtual_size(overlay)


def test_an_external_data_file_that_qemu_img_made_is_refused(tmp_path, qemu_img):
    path = tmp_path / "split.qcow2"
    options = f"data_file={tmp_path}/data,data_file_raw=on"
    subprocess.run([qemu_img, "create", "-q", "-f", "qcow2", "-o", options, path, "1M"], check=True)

    with pytest.raises(CommandExecutionError, match="stand by itself"):
        image.virtual_size(path)
