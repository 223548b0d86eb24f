"""The engine's disk on a LUN, and the list of what a host sees, through the engine."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from salt.exceptions import SaltInvocationError

from functional.block_site import ISCSI, LUN, NODE, OTHER, SMALL, TARGET, USED, Site, host, site

__all__ = ["host", "site"]


HA_DISK = {"content_type": "hosted_engine_metadata", "size_mib": 128, "sparse": False}


def disk(site: Site, **facts: Any) -> dict[str, Any]:
    wanted = {"he_virtio_disk": {"content_type": "hosted_engine", "size_mib": 10240, **facts}}
    result: dict[str, Any] = site.minion.state(
        "ovirt_disk.present", "disks", storage_domain="hosted_storage",
        disks=wanted | {"he_metadata": HA_DISK},
    )  # fmt: skip
    return result


@pytest.mark.feature("disk_format")
@pytest.mark.parametrize(
    ("vm", "facts", "initial"),
    [
        ({}, {"format": "raw", "sparse": False}, None),
        ({"disk_format": "cow"}, {"format": "cow", "sparse": True}, str(10 * 2**30)),
    ],
)
def test_the_engines_disk_on_a_lun(site, vm, facts, initial):
    site.use(ISCSI, vm=vm)
    known = site.minion("hosted_engine.settings")["vm"]
    assert {"format": known["disk_format"], "sparse": known["disk_sparse"]} == facts
    site.active()

    first, second = disk(site, **facts), disk(site, **facts)

    assert first["result"] is True, first["comment"]
    assert (second["result"], second["changes"]) == (True, {})
    made = {one.findtext("name"): one for one in site.engine.curl("/disks")}
    vm_disk, metadata = made["he_virtio_disk"], made["he_metadata"]
    assert vm_disk.findtext("format") == facts["format"]
    assert vm_disk.findtext("sparse") == str(facts["sparse"]).lower()
    assert vm_disk.findtext("initial_size") == initial
    assert (metadata.findtext("format"), metadata.findtext("sparse")) == ("raw", "false")
    changed = disk(site, **facts | {"format": "cow" if facts["format"] == "raw" else "raw"})
    assert changed["result"] is False
    assert f"set hosted_engine:vm:disk_format to {facts['format']}" in changed["comment"]


@pytest.mark.feature("disk_format")
def test_the_engine_refuses_what_a_lun_cannot_hold(site):
    site.active()

    assert "not supported" in disk(site, format="raw", sparse=True)["comment"]
    assert "not supported" in disk(site, format="cow", sparse=False)["comment"]
    assert list(site.engine.curl("/disks")) == []


@pytest.mark.feature("storage_devices")
def test_devices_are_listed_through_the_engine(site):
    shutil.rmtree(site.host.folder / "modules")  # what stands in for hosted_engine elsewhere
    site.use(ISCSI)
    before = site.minion("hosted_engine.storage_devices")
    site.minion("ovirt_host_storage.login", NODE, site.storage())

    told = site.minion("hosted_engine.storage_devices")

    assert before["asked"] == "engine"
    assert {one["target"] for one in before["targets"]} == {TARGET, OTHER}
    assert before["luns"] == []
    assert {one["id"]: one["why_not"] for one in told["luns"]} == {
        LUN: "", SMALL: "too small, 25 GiB are needed", USED: "holds something",
    }  # fmt: skip
    assert "secret" not in str(told)


@pytest.mark.feature("storage_devices")
def test_kinds_without_luns_say_so(site):
    shutil.rmtree(site.host.folder / "modules")
    site.use({"address": "nas.example.com", "path": "/exports/engine"})

    with pytest.raises(SaltInvocationError, match="nfs has no targets"):
        site.minion("hosted_engine.storage_devices")
