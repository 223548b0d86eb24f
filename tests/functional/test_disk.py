"""What keeps the shared disks from being written to; the metadata is zeroed."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import records
from ovirt_he.ha import status
from salt.exceptions import CommandExecutionError

from functional.lab.standins import facts, standin
from functional.storage_host import (
    MIB,
    StorageHost,
    configured,
    host,
    identical,
    minions,
    overlay,
    wants_root,
)  # fmt: skip

__all__ = ["configured", "host", "minions", "overlay"]
pytestmark = wants_root
COPIED, CLEARED = "hosted_engine_disk.copied", "hosted_engine_disk.cleared"
metadata = standin("hosted_engine_ha_standin.metadata")


@pytest.mark.parametrize("state", ["active", "activating", "reloading", "deactivating"])
def test_nothing_is_written_while_this_hosts_agent_is_at_work(
    configured: StorageHost, overlay: Path, state: str
) -> None:
    configured.agent(active=state)

    ret = configured.state(COPIED)

    assert ret["result"] is False
    assert "ovirt-ha-agent is active: systemctl stop ovirt-ha-agent" in ret["comment"]
    assert not any(configured.start("vm"))


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
        configured.run("HostedEngine" if why == "vm" else "HostedEngineLocal")

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
    assert "hv2.lab.test (host 2) reported last" in ret["comment"]
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
