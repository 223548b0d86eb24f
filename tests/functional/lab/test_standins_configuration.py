"""What HA's stand-ins read of a deployment's configuration, and what they refuse."""

from __future__ import annotations

import configparser
import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from .standins import PACKAGES, SD, VM, VM_CONF, configuration, hosted_engine_conf, standin

archive = standin("hosted_engine_ha_standin.archive")
notifications = standin("hosted_engine_ha_standin.notifications")
answers = standin("hosted_engine_setup_standin.answers")


def members() -> dict[str, str]:
    conf = "".join(f"{key}={value}\n" for key, value in hosted_engine_conf().items())
    texts = dict.fromkeys(archive.MEMBERS, "text\n")
    return texts | {"vm.conf": VM_CONF, "hosted-engine.conf": conf}


def tar(folder: Path, texts: dict[str, str], *options: str, prefix: str = "") -> bytes:
    """An archive made by tar itself, as anyone would make it on a shell."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    names = [f"{prefix}{name}" for name in texts]
    command = ["tar", "--record-size=20480", *options, "-cf", "-", "-C", str(folder), *names]
    return subprocess.run(command, capture_output=True, check=True).stdout


def disk(folder: Path, content: bytes) -> str:
    path = folder / "configuration.raw"
    path.write_bytes(content.ljust(64 * 4096, b"\0"))
    return str(path)


def test_archive_that_tar_made_is_read_member_by_member(tmp_path: Path) -> None:
    content = tar(tmp_path, members())

    assert len(content) == archive.ARCHIVE_BYTES
    assert archive.read(disk(tmp_path, content)) == members()


def test_compressed_archive_is_refused(tmp_path: Path) -> None:
    path = disk(tmp_path, gzip.compress(tar(tmp_path, members())))

    with pytest.raises(archive.ArchiveError, match="valid HE configuration image"):
        archive.read(path)


def test_names_with_dot_slash_are_refused(tmp_path: Path) -> None:
    path = disk(tmp_path, tar(tmp_path, members(), prefix="./"))

    with pytest.raises(archive.ArchiveError, match=r"Unable to extract vm\.conf"):
        archive.read(path)


def test_missing_member_is_named(tmp_path: Path) -> None:
    texts = {name: text for name, text in members().items() if name != "version"}

    with pytest.raises(archive.ArchiveError, match="'version' is not stored"):
        archive.read(disk(tmp_path, tar(tmp_path, texts)))


def test_archive_cut_at_20480_bytes_is_noticed_though_it_lists_all_names(tmp_path: Path) -> None:
    texts = members() | {"fhanswers.conf": "x" * 12000, "hosted-engine.conf": "y=" + "y" * 9000}
    order = [name for name in texts if name != "hosted-engine.conf"] + ["hosted-engine.conf"]
    content = tar(tmp_path, {name: texts[name] for name in order})
    assert len(content) > archive.ARCHIVE_BYTES

    with pytest.raises(archive.ArchiveError, match="NULs"):
        archive.read(disk(tmp_path, content[: archive.ARCHIVE_BYTES]))


def test_empty_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(archive.ArchiveError):
        archive.read(disk(tmp_path, b""))


def test_edited_archive_is_what_tar_reads(tmp_path: Path) -> None:
    path = disk(tmp_path, tar(tmp_path, members()))

    archive.replace(path, "broker.conf", "[email]\n")

    with tarfile.open(fileobj=io.BytesIO(Path(path).read_bytes()[:20480])) as read_back:
        assert sorted(read_back.getnames()) == sorted(archive.MEMBERS)
        member = read_back.extractfile("broker.conf")
        assert member and member.read() == b"[email]\n"


def test_edit_that_makes_the_archive_too_long_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = disk(tmp_path, tar(tmp_path, members()))
    before = Path(path).read_bytes()

    with pytest.raises(archive.ArchiveError, match="doesn't match expected size"):
        archive.replace(path, "vm.conf", "x" * 20000)

    assert Path(path).read_bytes() == before


def test_hosted_engine_conf_is_read_literally() -> None:
    values = configuration.parse("password=a=b $(id) 'c'\nuser=\nno line\n")

    assert values == {"password": "a=b $(id) 'c'", "user": ""}


def test_good_configuration_is_accepted() -> None:
    configuration.check(hosted_engine_conf())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fqdn": None}, "key=fqdn"),
        ({"conf_image_UUID": "None"}, "conf_image_UUID=None"),
        ({"vmid": "HostedEngine"}, "vmid=HostedEngine is no UUID"),
        ({"spUUID": SD}, "spUUID isn't blank"),
        ({"host_id": "0"}, "no host id"),
        ({"host_id": "one"}, "no host id"),
        ({"conf": "/etc/vm.conf"}, "conf=/etc/vm.conf"),
        ({"domainType": "nfs4"}, "domainType=nfs4"),
        ({"nfs_version": "v5"}, "nfs_version=v5"),
        ({"network_test": "arp"}, "network_test=arp"),
        ({"network_test": "tcp"}, "needs tcp_t_address"),
        ({"storage": "nas.lab.test:/exports/engine1/"}, "storage="),
        ({"storage": "/exports/engine1"}, "storage="),
        ({"domainType": "iscsi", "iqn": "iqn.x"}, "key=portal"),
        ({"vdsm_use_ssl": "false"}, "vdsm_use_ssl"),
    ],
)
def test_configuration_is_refused(changes: dict[str, str | None], words: str) -> None:
    with pytest.raises(configuration.ConfigurationError, match=words):
        configuration.check(hosted_engine_conf(**changes))


def test_hosted_engine_sources_its_configuration(tmp_path: Path) -> None:
    """The shell is a reader too: a value with a substitution runs."""
    conf, seen = tmp_path / "hosted-engine.conf", tmp_path / "seen"
    conf.write_text(f"vmid={VM}\npassword=a$(touch {seen})b\n")
    script = (PACKAGES / "ovirt-hosted-engine-setup/root/usr/sbin/hosted-engine").read_text()
    script = script.replace("/etc/ovirt-hosted-engine/hosted-engine.conf", str(conf))

    done = subprocess.run(["bash", "-c", script, "hosted-engine", "--check-deployed"], check=False)

    assert done.returncode == 0
    assert seen.exists()


def test_without_configuration_nothing_is_deployed() -> None:
    command = PACKAGES / "ovirt-hosted-engine-setup/root/usr/sbin/hosted-engine"
    script = command.read_text().replace("/etc/ovirt-hosted-engine", "/nonexistent")

    def run(option: str) -> subprocess.CompletedProcess[str]:
        shell = ["bash", "-c", script, "hosted-engine", option]
        return subprocess.run(shell, capture_output=True, text=True, check=False)

    assert run("--check-deployed").returncode == 1
    assert (run("--vm-status").returncode, run("--vm-status").stdout) == (
        1,
        "You must run deploy first\n",
    )
    assert run("--nonsense").returncode == 1


ANSWERS = """\
[environment:default]
OVEHOSTED_NETWORK/fqdn=str:engine1.lab.test
OVEHOSTED_VM/vmMemSizeMB=int:4096
OVEHOSTED_CORE/forceIpProceed=bool:0
OVEHOSTED_ENGINE/insecureSSL=bool:False
OVEHOSTED_STORAGE/LunID=none:None
"""


def test_answers_have_types() -> None:
    read = answers.parse(ANSWERS)

    assert list(read.values()) == ["engine1.lab.test", 4096, True, False, None]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int:4096", "int:4GiB"),
        ("str:", ""),
        ("bool:0", "float:0"),
        ("[environment:default]\n", ""),
    ],
)
def test_answers_are_refused(old: str, new: str) -> None:
    with pytest.raises(answers.AnswerError):
        answers.parse(ANSWERS.replace(old, new))


def test_percent_in_broker_conf_must_be_doubled() -> None:
    text = (
        "[email]\nsmtp-server=localhost\nsmtp-port=25\nsource-email=a@b\n"
        "destination-emails=100%%@lab.test\n[notify]\nstate_transition=start|stop\n"
    )
    assert notifications.settings(text)[1]["destination-emails"] == "100%@lab.test"

    with pytest.raises(configparser.Error, match="'%' must be followed"):
        notifications.settings(text.replace("%%", "%"))
