"""What the appliance's package says of itself in /etc/ovirt-hosted-engine."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ovirt_he.bootstrap import image
from ovirt_he.core.errors import NotYet
from salt.exceptions import CommandExecutionError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs one: its file, and the image that this names."""
    folder = tmp_path / "etc"
    folder.mkdir()
    monkeypatch.setattr(image, "PACKAGES", folder)

    def install(name: str, **more: str) -> Path:
        path = tmp_path / f"{name}.ova"
        path.touch()
        values = {"path": str(path), "description": "a=b"} | more
        lines = [f"{key} = {value}\n" for key, value in values.items()]
        (folder / f"10-appliance{name}.conf").write_text("".join(lines))
        return path

    return install


def test_path_and_checksum_come_from_the_packages_file(package) -> None:
    path = package("", version="4.5-1", sha1sum="AB12")

    assert image.installed() == (str(path), "ab12")
    assert image.installed_version() == "4.5-1"


def test_a_checksum_may_be_missing(package) -> None:
    path = package("")

    assert image.installed() == (str(path), "")


def test_without_a_package_it_is_not_there_yet(package) -> None:
    assert image.images() == []
    with pytest.raises(NotYet, match="No appliance is installed"):
        image.installed()
    assert image.installed_version() == ""


def test_a_package_whose_image_is_gone_counts_for_nothing(package) -> None:
    package("").unlink()

    with pytest.raises(NotYet):
        image.installed()


def test_of_two_packages_the_pillar_must_say_which(package) -> None:
    package("-a", version="4.5-1")
    package("-b", version="4.5-2")

    with pytest.raises(CommandExecutionError, match=r"a\.ova, .*b\.ova.*appliance:source"):
        image.installed()
    assert image.installed_version() == "", "nobody knows which of them it will be"


@pytest.mark.parametrize(("bits", "valid"), [(8, False), (9, True), (21, True), (22, False)])
def test_clusters_of_a_qcow2_have_512_bytes_to_2_mib(
    tmp_path: Path, bits: int, valid: bool
) -> None:
    path = tmp_path / "disk"
    path.write_bytes(struct.pack(">4sIQIIQI", image.QCOW2, 3, 0, 0, bits, 512, 0))

    if valid:
        assert image.virtual_size(path) == 512
    else:
        with pytest.raises(CommandExecutionError, match="isn't a qcow2 image"):
            image.virtual_size(path)
