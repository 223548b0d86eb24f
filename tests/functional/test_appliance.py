"""hosted_engine_appliance with the real loader; images by qemu-img, archives by tar."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ovirt_he.bootstrap import image as appliance_image

from functional.bootstrap_host import Host

EXTRACTED = "hosted_engine_appliance.extracted"


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("image") / "appliance.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "32M"], check=True)
    write = ["qemu-io", "-f", "qcow2", "-c", "write -q -P 7 8M 3M", path]
    subprocess.run(write, check=True)
    return path


@pytest.fixture
def ova(image, tmp_path) -> Path:
    folder = tmp_path / "ova" / "images" / "1"
    folder.mkdir(parents=True)
    shutil.copy(image, folder / "1")
    (folder / "1.meta").write_text("DESCRIPTION=x\n")
    made = ["tar", "-C", tmp_path / "ova", "-czf", tmp_path / "appliance.ova", "images"]
    subprocess.run(made, check=True)
    return tmp_path / "appliance.ova"


@pytest.fixture
def package(host, image, tmp_path, monkeypatch):
    """The appliance's package, as it leaves its two files."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setattr(appliance_image, "PACKAGES", folder)
    checksum = hashlib.sha1(image.read_bytes()).hexdigest()
    (folder / "10-appliance-centos9.conf").write_text(
        f"description=The oVirt Engine Appliance image\nversion=4.5\npath={image}\n"
        f"sha1sum={checksum}\n"
    )
    return folder


def target(host: Host) -> Path:
    return host.directory / "appliance.qcow2"


def same(one: Path, other: Path) -> bool:
    compared = subprocess.run(["qemu-img", "compare", "-q", one, other], check=False)
    return compared.returncode == 0


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_the_packages_image_is_copied_once(host, package, image, test):
    first = host.minion.state(EXTRACTED, str(target(host)), test=test)

    if test:
        assert first["result"] is None
        assert "hosted_engine_appliance.extract" in first["comment"]
        assert list(host.directory.iterdir()) == []
        return
    assert first["result"] is True, first
    assert first["changes"]["complete"] == {"old": None, "new": True}
    assert same(target(host), image)
    assert target(host).stat().st_mode & 0o777 == 0o644
    again = host.minion.state(EXTRACTED, str(target(host)))
    assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("appliance_source")
def test_an_ova_gives_its_disk(host, ova, image):
    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))

    assert ret["result"] is True, ret
    assert same(target(host), image)
    assert [path.name for path in host.directory.iterdir()] == ["appliance.qcow2"]


@pytest.mark.feature("appliance_source")
def test_salt_urls_are_sources(host, image, tmp_path):
    ret = host.minion.state(
        EXTRACTED, str(target(host)), source="salt://hosted_engine/files/requirements.txt"
    )

    assert ret["result"] is False
    assert "neither a qcow2 nor a whole OVA" in ret["comment"]
    missing = host.minion.state(EXTRACTED, str(target(host)), source="salt://no.ova")
    assert "the file server has no salt://no.ova" in missing["comment"]


@pytest.mark.feature("appliance_package")
def test_a_wrong_checksum_leaves_nothing(host, ova):
    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(ova), sha1="0" * 40)

    assert ret["result"] is False
    assert hashlib.sha1(ova.read_bytes()).hexdigest() in ret["comment"]
    assert list(host.directory.iterdir()) == []


def test_a_directory_that_is_not_there_is_an_error_that_names_the_image(host, ova):
    path = host.directory / "missing" / "appliance.qcow2"

    ret = host.minion.state(EXTRACTED, str(path), source=str(ova))

    assert ret["result"] is False
    assert f"Extracting the appliance to {path}: " in ret["comment"]
    assert "Traceback" not in ret["comment"]


def test_an_image_with_broken_tables_leaves_nothing(host, image, tmp_path):
    cut = tmp_path / "cut.qcow2"
    cut.write_bytes(image.read_bytes()[:1_000_000])

    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(cut))

    assert ret["result"] is False
    assert f"The image from {cut} is broken" in ret["comment"]
    assert list(host.directory.iterdir()) == []


def test_a_killed_extraction_is_done_again(host, ova, image):
    rest = host.directory / ".appliance.qcow2.abcdef"
    rest.write_bytes(b"half")
    target(host).write_bytes(image.read_bytes()[:70_000])

    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))

    assert ret["result"] is True
    assert ret["changes"]["complete"] == {"old": False, "new": True}
    assert same(target(host), image)
    assert not rest.exists()


def test_an_image_that_was_written_to_is_extracted_again(host, ova, image):
    host.minion.state(EXTRACTED, str(target(host)), source=str(ova))
    write = ["qemu-io", "-f", "qcow2", "-c", "write -q -P 9 0 1M", target(host)]
    subprocess.run(write, check=True)

    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))

    assert ret["changes"]["complete"] == {"old": False, "new": True}
    assert same(target(host), image)


def test_another_source_is_taken_until_the_guest_is_set_up(host, ova, image):
    host.minion.state(EXTRACTED, str(target(host)), source=str(ova))
    other = host.minion.state(EXTRACTED, str(target(host)), source=str(image))
    assert other["changes"]["done"] == [f"{EXTRACTED.removesuffix('ed')}"]

    host.complete()
    later = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))

    assert (later["result"], later["changes"]) == (True, {})
    os.utime(target(host))
    touched = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))
    assert touched["result"] is False
    assert "hosted_engine.clean" in touched["comment"]


def test_two_packages_are_told_apart_by_nobody_but_the_operator(host, package):
    conf = package / "10-appliance-centos9.conf"
    shutil.copy(conf, package / "10-appliance-almalinux9.conf")

    ret = host.minion.state(EXTRACTED, str(target(host)))

    assert ret["result"] is False
    assert "appliance:source" in ret["comment"]


def test_a_deployed_host_is_left_alone(host, ova):
    host.deploy()

    ret = host.minion.state(EXTRACTED, str(target(host)), source=str(ova))

    assert ret["result"] is False
    assert "deployed hosted engine" in ret["comment"]
    assert list(host.directory.iterdir()) == []


def test_info_is_qemu_imgs(host, image):
    assert host.minion("hosted_engine_appliance.info", str(image))["virtual-size"] == 32 << 20
