"""The disks with the real loader: qemu-img, dd and sanlock's format, as vdsm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import records
from ovirt_he.ha import status
from salt.exceptions import CommandExecutionError
from unit.configured import DOMAIN, IDS

from functional.lab.standins import facts, standin
from functional.storage_host import MIB, StorageHost, host, minions, wants_root

__all__ = ["host", "minions"]
pytestmark = wants_root
metadata = standin("hosted_engine_ha_standin.metadata")
COPIED, CLEARED = "hosted_engine_disk.copied", "hosted_engine_disk.cleared"


@pytest.fixture
def configured(host: StorageHost) -> StorageHost:
    host.configure()
    return host


@pytest.fixture
def overlay(configured: StorageHost) -> Path:
    """A guest's disk as it lies after its shutdown: an overlay on an image, both root's alone."""
    folder = configured.bootstrap
    folder.mkdir(mode=0o700, exist_ok=True)
    base, disk = folder / "appliance.qcow2", folder / "disk.qcow2"
    for path in (base, disk):
        path.unlink(missing_ok=True)
    create, io = ["qemu-img", "create", "-q", "-f", "qcow2"], ["qemu-io", "-c"]
    subprocess.run([*create, base, "6M"], check=True)
    subprocess.run([*io, "write -P 1 0 1M", "-c", "write -P 2 4M 64k", base], check=True)
    subprocess.run([*create, "-F", "qcow2", "-b", base, disk], check=True)
    subprocess.run([*io, "write -P 3 1M 512k", "-c", "write -z 0 64k", disk], check=True)
    for path in (base, disk):
        path.chmod(0o600)
    return disk


def identical(overlay: Path, target: Path) -> bool:
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", overlay, target]
    return subprocess.run(compare, capture_output=True, check=False).returncode == 0


def test_the_disk_is_copied_whole(configured: StorageHost, overlay: Path) -> None:
    target = configured.disk("vm")
    before = configured.state(COPIED, test=True)
    assert (before["result"], identical(overlay, target)) == (None, False)

    ret = configured.state(COPIED)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"] == {
        "copied": {"old": False, "new": True},
        "done": ["hosted_engine_disk.copy"],
    }
    assert identical(overlay, target)
    assert target.stat().st_size == 8 * MIB, "as large as the engine made it"
    assert (target.stat().st_uid, target.stat().st_gid) == (36, 36)
    noted = records.read("copied")
    assert noted is not None
    assert noted["source"]["inode"] == overlay.stat().st_ino
    assert (noted["storage_domain"], noted["volume"]) == (DOMAIN, IDS["disks"]["vm"]["volume"])
    again = configured.state(COPIED)
    assert (again["result"], again["changes"]) == (True, {})


def test_what_a_torn_copy_left_is_overwritten(configured: StorageHost, overlay: Path) -> None:
    target = configured.disk("vm")
    with target.open("r+b") as disk:
        disk.write(b"x" * 6 * MIB)

    configured.state(COPIED)

    assert identical(overlay, target)


def test_a_disk_that_ran_since_is_copied_again(configured: StorageHost, overlay: Path) -> None:
    configured.state(COPIED)
    subprocess.run(["qemu-io", "-c", "write -P 9 2M 64k", overlay], check=True)

    ret = configured.state(COPIED)

    assert ret["changes"]["done"] == ["hosted_engine_disk.copy"]
    assert identical(overlay, configured.disk("vm"))


def test_a_target_that_is_too_small_is_refused(configured: StorageHost, overlay: Path) -> None:
    os.truncate(configured.disk("vm"), 5 * MIB)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "hosted_engine:vm:disk_gib" in ret["comment"]
    assert records.read("copied") is None


@pytest.mark.parametrize("image", ["source", "target"])
def test_a_disk_in_use_is_left_alone(configured: StorageHost, overlay: Path, image: str) -> None:
    path, form = (overlay, "qcow2") if image == "source" else (configured.disk("vm"), "raw")
    pid = configured.folder / "pid"
    subprocess.run(
        ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none", "-m", "16", "-accel", "tcg",
         "-drive", f"file={path},format={form},if=virtio", "-daemonize", "-pidfile", pid],
        check=True,
    )  # fmt: skip
    try:
        ret = configured.state(COPIED)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)

    assert ret["result"] is False
    assert "lock" in ret["comment"]
    assert records.read("copied") is None
    assert not any(configured.start("vm"))


def test_a_source_that_changes_while_it_is_copied_is_not_recorded(
    configured: StorageHost, overlay: Path
) -> None:
    configured.wrap("setpriv", f"case \"$*\" in *convert*) touch -d '+1 hour' {overlay} ;; esac")

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert f"{overlay} changed while it was copied" in ret["comment"]
    assert records.read("copied") is None


def test_a_copy_that_fails_leaves_no_record_of_an_earlier_one(
    configured: StorageHost, overlay: Path
) -> None:
    """It was of other contents of the same target, half of which are overwritten."""
    assert configured.state(COPIED)["result"] is True
    subprocess.run(["qemu-io", "-c", "write -P 9 2M 64k", overlay], check=True)
    configured.wrap("setpriv", 'case "$*" in *convert*) exit 5 ;; esac')

    assert configured.state(COPIED)["result"] is False

    assert records.read("copied") is None


@pytest.mark.parametrize("older", [False, True], ids=["EL 9", "EL 8"])
def test_a_copy_ends_with_its_run_and_reaches_the_disk_before_it_is_recorded(
    configured: StorageHost, overlay: Path, older: bool
) -> None:
    """setpriv --pdeathsig where it knows that; sync, which no cache of the storage outlives."""
    log, record = configured.folder / "log", records.DIRECTORY / "copied.json"
    hide = '[ "$1" = --help ] && exit 0' if older else ":"
    configured.wrap("setpriv", f'{hide}\necho "$(test -e {record}; echo $?) $*" >> {log}')

    assert configured.state(COPIED)["result"] is True

    lines = log.read_text().splitlines()
    (copy,) = [number for number, line in enumerate(lines) if " qemu-img convert " in line]
    assert ("--pdeathsig=KILL" in lines[copy]) is not older
    (synced,) = [line for line in lines[copy:] if f" -- sync {configured.disk('vm')}" in line]
    assert synced.startswith("1 "), "not recorded yet"


@pytest.mark.parametrize("state", ["active", "activating", "reloading", "deactivating"])
def test_nothing_is_written_while_this_hosts_agent_is_at_work(
    configured: StorageHost, overlay: Path, state: str
) -> None:
    configured.agent(active=state)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "ovirt-ha-agent is active: systemctl stop ovirt-ha-agent" in ret["comment"]
    assert not any(configured.start("vm"))


COW = {"vm": {"disk_format": "cow"}}


@pytest.fixture
def cow(configured: StorageHost, overlay: Path) -> Path:
    """The target as the engine makes it for disk_format: cow; the minion's pillar says so too."""
    target = configured.disk("vm")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", target, "8M"], check=True)
    os.chown(target, 36, 36)
    return target


@pytest.mark.feature("disk_format")
def test_a_cow_disk_stays_one_with_its_size(configured: StorageHost, overlay: Path, cow: Path):
    minion = configured.with_pillar(COW)
    minion("hosted_engine_disk.copy")

    info = subprocess.run(
        ["qemu-img", "info", "--output=json", cow], capture_output=True, text=True, check=True
    )
    told = json.loads(info.stdout)
    assert (told["format"], told["virtual-size"]) == ("qcow2", 8 * MIB)
    assert "backing-filename" not in told
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", overlay, cow]
    assert subprocess.run(compare, capture_output=True, check=False).returncode == 0
    subprocess.run(["qemu-img", "check", "-q", cow], check=True)
    # What a run killed in the middle of it left: the next one writes all of it again.
    subprocess.run(["qemu-io", "-c", "write -P 7 0 6M", cow], capture_output=True, check=True)
    minion("hosted_engine_disk.copy")
    assert subprocess.run(compare, capture_output=True, check=False).returncode == 0


@pytest.mark.feature("disk_format")
def test_a_target_of_another_format_is_not_written_to(
    configured: StorageHost, overlay: Path, cow: Path
):
    before = cow.read_bytes()

    with pytest.raises(CommandExecutionError, match=r"is a qcow2, .*disk_format wants raw"):
        configured.minions[False]("hosted_engine_disk.copy")
    assert cow.read_bytes() == before
    cow.write_bytes(bytes(8 * MIB))
    with pytest.raises(CommandExecutionError, match=r"is no qcow2, .*disk_format wants qcow2"):
        configured.with_pillar(COW)("hosted_engine_disk.copy")
    assert not any(cow.read_bytes())


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize("allocation", ["sparse", "preallocated"])
def test_a_preallocated_disk_stays_so(
    configured: StorageHost, overlay: Path, allocation: str
) -> None:
    target = configured.disk("vm")
    if allocation == "preallocated":
        subprocess.run(["fallocate", "--length", str(8 * MIB), target], check=True)

    configured.with_pillar({"vm": {"disk_allocation": allocation}})("hosted_engine_disk.copy")

    taken = target.stat().st_blocks * 512
    assert (taken >= 8 * MIB) == (allocation == "preallocated"), f"{taken} bytes"
    assert identical(overlay, target)


@pytest.mark.feature("iscsi", "fc")
def test_disks_on_block_devices(configured: StorageHost, overlay: Path):
    """A volume that is a link to a device, as vdsm prepares it; sectors of 4096 bytes."""
    target, metadata = configured.disk("vm"), configured.disk("metadata")
    devices = []
    for disk in (target, metadata):
        file = configured.folder / f"{disk.name}.device"
        disk.rename(file)
        losetup = ["losetup", "--find", "--show", "--sector-size", "4096", file]
        done = subprocess.run(losetup, capture_output=True, text=True, check=True)
        devices.append(Path(done.stdout.strip()))
        os.chown(devices[-1], 36, 36)
        disk.symlink_to(devices[-1])
    try:
        copied, cleared = configured.state(COPIED), configured.state(CLEARED)

        assert copied["result"] is True, copied["comment"]
        assert cleared["result"] is True, cleared["comment"]
        assert identical(overlay, devices[0])
        assert target.is_symlink(), "the device was written to, not replaced"
    finally:
        for device in devices:
            os.chown(device, 0, 6)
            subprocess.run(["losetup", "--detach", device], check=True)


def _runs(host: StorageHost, name: str) -> None:
    folder = host.folder / "running"
    folder.mkdir()
    (folder / f"{name}.pid").write_text(str(os.getpid()))


@pytest.mark.parametrize("why", ["deployed", "was deployed", "vm", "bootstrap"])
@pytest.mark.parametrize("state", [COPIED, CLEARED, "hosted_engine_ha.lockspace_initialised"])
def test_nothing_is_written_where_the_engine_may_run(
    configured: StorageHost, overlay: Path, why: str, state: str
) -> None:
    for name in ("metadata", "lockspace"):
        with configured.disk(name).open("r+b") as disk:
            disk.write(b"x")
    if why == "deployed":
        configured.deploy()
    elif why == "was deployed":
        records.write("deployment", {"healthy": True})
    else:
        _runs(configured, "HostedEngine" if why == "vm" else "HostedEngineLocal")

    ret = configured.state(state)

    assert ret["result"] is False
    assert {
        "deployed": "this host runs a deployed hosted engine",
        "was deployed": "this host runs a deployed hosted engine",
        "vm": "the VM HostedEngine runs here",
        "bootstrap": "the VM HostedEngineLocal still runs",
    }[why] in ret["comment"]
    assert ret["changes"].keys() <= {"done"}
    assert not any(configured.start("vm"))
    assert configured.start("metadata", 1) == b"x"
    assert configured.start("lockspace", 1) == b"x"


def _report(host: StorageHost, host_id: int, **changes: Any) -> None:
    """A host's block on the metadata disk, as its agent writes it."""
    with host.disk("metadata").open("r+b") as disk:
        disk.seek(host_id * 4096)
        disk.write(metadata.pack_host(facts(host_id, **changes)))


@pytest.mark.parametrize("vm", ["up", "down"])
@pytest.mark.parametrize("state", [COPIED, CLEARED, "hosted_engine_ha.lockspace_initialised"])
def test_nothing_is_written_while_another_host_reports(
    configured: StorageHost, overlay: Path, state: str, vm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an agent nor a broker runs here, so HA's commands know nothing of host 2."""
    _report(configured, 2, **{"host-ts": 5044})
    monkeypatch.setattr(status, "WATCH_SECONDS", 20)
    stop = threading.Event()

    def agent() -> None:
        for timestamp in range(5045, 9000):
            _report(configured, 2, **{"host-ts": timestamp, "engine-status": {"vm": vm}})
            if stop.wait(0.2):
                return

    living = threading.Thread(target=agent)
    living.start()
    try:
        ret = configured.state(state)
    finally:
        stop.set()
        living.join()

    assert ret["result"] is False
    assert "agent of host 2 writes to the metadata disk" in ret["comment"]
    assert not any(configured.start("vm"))
    assert not any(configured.start("lockspace"))
    assert any(configured.start("metadata"))


def test_a_host_that_is_silent_with_the_engine_on_it_stops_the_copy(
    configured: StorageHost, overlay: Path
) -> None:
    """Its agent may have crashed beside a VM that goes on."""
    _report(configured, 2)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "last word of hv2.lab.test (host 2)" in ret["comment"]
    assert "seek=2 count=1" in ret["comment"], "how to go on, if that host is gone"
    assert not any(configured.start("vm"))


def test_what_dead_hosts_and_other_uses_left_on_the_disk_does_not_stop_it(
    configured: StorageHost, overlay: Path
) -> None:
    _report(configured, 2, **{"engine-status": {"vm": "down"}})
    with configured.disk("metadata").open("r+b") as disk:
        disk.seek(5 * 4096)
        disk.write(b"\xff|" * 2000)

    ret = configured.state(COPIED)

    assert ret["result"] is True, ret["comment"]
    assert identical(overlay, configured.disk("vm"))


def test_metadata_that_cannot_be_read_stops_the_copy(
    configured: StorageHost, overlay: Path
) -> None:
    os.truncate(configured.disk("metadata"), 4096)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "has 4096 bytes, HA's metadata takes 8196096" in ret["comment"]
    assert not any(configured.start("vm"))


def test_all_that_the_broker_reads_is_zeroed(configured: StorageHost) -> None:
    disk = configured.disk("metadata")
    with disk.open("r+b") as content:
        content.write(b"x" * 9_000_000)

    ret = configured.state(CLEARED)

    assert ret["result"] is True, ret["comment"]
    compare = ["cmp", "-n", "9000000", disk, "/dev/zero"]
    left = subprocess.run(compare, capture_output=True, text=True, check=False).stdout
    assert f"byte {8_196_096 + 1}," in left, "that much, and nothing beside it"
    assert disk.stat().st_size == 128 * MIB
    again = configured.state(CLEARED)
    assert (again["result"], again["changes"]) == (True, {})


def test_metadata_that_are_too_small_are_refused(configured: StorageHost) -> None:
    disk = configured.disk("metadata")
    disk.write_bytes(b"x" * 4096)

    ret = configured.state(CLEARED)

    assert ret["result"] is False
    assert "4096 bytes read, 8196096 wanted" in ret["comment"]
    with pytest.raises(CommandExecutionError, match="has 4096 bytes, HA's metadata takes 8196096"):
        configured.minions[False]("hosted_engine_disk.clear_metadata")
    assert disk.read_bytes() == b"x" * 4096


def test_before_the_configuration_nothing_is_known(host: StorageHost) -> None:
    for state in (COPIED, CLEARED):
        assert host.state(state, test=True)["result"] is None
        assert host.state(state)["result"] is False
