"""The configuration with the real loader, on real files, read back by dd and tar."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from ovirt_he.ha import conf
from ovirt_he.host import volume
from salt.exceptions import CommandExecutionError
from unit.configured import IDS, OTHER, VM

from functional.storage_host import MIB, StorageHost, host, minions, wants_root

__all__ = ["host", "minions"]
pytestmark = wants_root


def test_configuration_is_written_and_read_back(host: StorageHost) -> None:
    before = host.state("hosted_engine_config.present", test=True)
    assert before["result"] is None, before["comment"]
    assert "hosted_engine_config.write_archive" in before["comment"]
    assert not conf.CONFIGURATION.exists()

    ret = host.state("hosted_engine_config.present")

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == [
        "hosted_engine_config.write_archive",
        "hosted_engine_config.write_file",
        "hosted_engine_config.write_file",
    ]
    for path, mode in ((conf.CONFIGURATION, 0o440), (conf.RUN_VM_CONF, 0o640)):
        seen = path.stat()
        assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o777) == (36, 36, mode)
    assert conf.RUN_VM_CONF.parent.stat().st_uid == 36, "the agent, as vdsm, writes it anew"
    assert host.member("hosted-engine.conf") == conf.CONFIGURATION.read_text()
    assert host.member("vm.conf") == conf.RUN_VM_CONF.read_text()
    assert host.member("version") == "2.5.2\n"
    content = host.start("configuration")
    assert not any(content[20480:])
    assert "not-to-be-seen" not in repr(ret) + content.decode()
    for test in (True, False):
        again = host.state("hosted_engine_config.present", test=test)
        assert (again["result"], again["changes"]) == (True, {})


def test_a_half_done_start_goes_on(host: StorageHost) -> None:
    host.state("hosted_engine_config.present")
    conf.CONFIGURATION.unlink()

    ret = host.state("hosted_engine_config.present")

    assert ret["result"] is True
    assert ret["changes"]["done"] == ["hosted_engine_config.write_file"]


def test_drift_of_ours_is_mended_and_an_operators_keys_stay(host: StorageHost) -> None:
    host.state("hosted_engine_config.present")
    conf.RUN_VM_CONF.unlink()
    host.agent(enabled="enabled")
    text = conf.CONFIGURATION.read_text()
    changed = text.replace("host_id=1", "host_id=7").replace("=192.0.2.1\n", "=192.0.2.9\n")
    conf.CONFIGURATION.write_text(changed)

    ret = host.state("hosted_engine_config.present")

    assert ret["changes"] == {
        "hosted-engine.conf: host_id": {"old": "7", "new": "1"},
        "done": ["hosted_engine_config.write_file"],
    }
    assert "gateway=192.0.2.9" in conf.CONFIGURATION.read_text()
    assert not conf.RUN_VM_CONF.exists(), "the agent's own by now"


def test_drift_in_the_archive_is_mended(host: StorageHost) -> None:
    host.state("hosted_engine_config.present")
    host.agent(enabled="enabled")
    disk = host.disk("configuration")
    path = host.folder / "archive"
    path.mkdir()
    subprocess.run(["tar", "-xf", disk, "-C", path], check=True)
    extracted = path / "hosted-engine.conf"
    text = extracted.read_text().replace("storage=nas", "storage=other")
    extracted.write_text(
        text.replace("host_id=1", "host_id=2").replace("=192.0.2.1\n", "=192.0.2.9\n")
    )
    made = host.folder / "made.tar"
    subprocess.run(
        ["tar", "--record-size=20480", "-cf", made, "-C", path, *conf.MEMBERS], check=True
    )
    with disk.open("r+b") as target:
        target.write(made.read_bytes())

    ret = host.state("hosted_engine_config.present")

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == ["hosted_engine_config.write_archive"]
    member = host.member("hosted-engine.conf")
    assert "storage=nas.example.com:/exports/engine\n" in member
    assert "gateway=192.0.2.9\n" in member
    assert "host_id=2\n" in member, "whichever host wrote it"


def test_a_deployed_host_without_its_storage_is_checked_without_it(host: StorageHost) -> None:
    host.state("hosted_engine_config.present")
    host.agent(enabled="enabled")
    volume.MOUNTS.rename(host.folder / "unmounted")

    ret = host.state("hosted_engine_config.present")

    assert (ret["result"], ret["changes"]) == (True, {})


def test_another_deployments_file_is_refused(host: StorageHost) -> None:
    conf.CONFIGURATION.parent.mkdir()
    conf.CONFIGURATION.write_text(f"vmid={OTHER}\n")

    for test in (True, False):
        ret = host.state("hosted_engine_config.present", test=test)
        assert ret["result"] is False
        assert "another deployment" in ret["comment"]
    assert conf.CONFIGURATION.read_text() == f"vmid={OTHER}\n"
    assert not any(host.start("configuration"))


def test_another_deployments_archive_is_refused(host: StorageHost) -> None:
    host.state("hosted_engine_config.present")
    disk = host.disk("configuration")
    foreign = host.start("configuration", 20480).replace(VM.encode(), OTHER.encode())
    with disk.open("r+b") as target:
        target.write(foreign)

    ret = host.state("hosted_engine_config.present")

    assert ret["result"] is False
    assert "isn't overwritten" in ret["comment"]
    assert host.start("configuration", 20480) == foreign


def test_a_disk_that_is_too_small_is_refused(host: StorageHost) -> None:
    os.truncate(host.disk("configuration"), MIB)

    ret = host.state("hosted_engine_config.present")

    assert ret["result"] is False
    assert "a configuration disk has 1073741824" in ret["comment"]
    assert not any(host.start("configuration"))


@pytest.mark.parametrize("member", conf.MEMBERS)
def test_an_archive_that_reads_back_otherwise_is_reported(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    """Storage that loses a write: the agent would read an old member, or NULs."""
    write = volume.write

    def lossy(path: Path, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            start = archive.getmember(member).offset_data
        write(path, data[:start] + bytes(4) + data[start + 4 :])

    monkeypatch.setattr(volume, "write", lossy)

    with pytest.raises(CommandExecutionError, match=f"{member} read back differently"):
        host.minions[False]("hosted_engine_config.write_archive")


def test_the_engines_ids_are_read_again_after_a_minute(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minion that stays up: an id of yesterday must not be written today."""
    minion, clock = host.with_pillar({}), [1000.0]
    namespace = minion.functions["hosted_engine_config.write_file"].__globals__
    monkeypatch.setitem(namespace, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def written(model: str) -> bool:
        host.say(ids=IDS | {"cpu_type": model})
        minion("hosted_engine_config.write_file", "vm.conf")
        return f"cpuType={model}\n" in conf.RUN_VM_CONF.read_text()

    assert written("Nehalem")
    clock[0] += 59
    assert not written("Haswell"), "one run asks the engine once"
    clock[0] += 2
    assert written("EPYC")


@pytest.mark.feature("iscsi_chap")
def test_a_password_is_written_for_ha_and_never_shown(host: StorageHost) -> None:
    storage = {"type": "iscsi", "address": "", "path": "", "portals": ["192.0.2.7"], "user": "host"}
    storage["target"] = "iqn.2020-01.com.example:engine"
    secrets = {"iscsi_password": "host-secret"}
    minion = host.with_pillar({"storage": storage, "secrets": secrets})
    name = "engine.example.com"

    first = minion.states["hosted_engine_config.present"](name=name)
    second = minion.states["hosted_engine_config.present"](name=name)

    assert first["result"] is True, first["comment"]
    assert "password=host-secret" in conf.CONFIGURATION.read_text()
    assert "password=host-secret" in host.member("hosted-engine.conf")
    assert "secret" not in host.member("fhanswers.conf")
    assert (second["result"], second["changes"]) == (True, {})
    conf.CONFIGURATION.write_text(
        conf.CONFIGURATION.read_text().replace("host-secret", "another-secret")
    )
    mended = minion.states["hosted_engine_config.present"](name=name)
    assert mended["changes"]["hosted-engine.conf: password"] == {
        "old": "another one", "new": "as in the pillar",
    }  # fmt: skip
    assert "password=host-secret" in conf.CONFIGURATION.read_text()
    seen = (first, second, mended, minion("hosted_engine_config.get"))
    assert "secret" not in str(seen)
