"""
Test mode is green at every stage of a deployment: before it, after each phase, after each kill.

What an earlier state would make, a later one must not miss: that isn't an error, but "not yet".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ovirt_he.bootstrap import image
from ovirt_he.host import hypervisor

from functional.staged_host import NOWHERE, StagedHost
from functional.storage_host import wants_root

pytestmark = wants_root

PILLARS = {
    "plain": {},
    "all that a site may ask for": {
        "restore": {"backup": "/nowhere/backup.tar"},
        "hooks": {
            "host_before_setup": ["site.hook"],
            "guest_before_setup": ["true"],
            "guest_after_setup": ["true"],
            "host_after_deployment": ["site.hook"],
        },
        "pause_before": ["bootstrap", "handover", "ha"],
        "datacenter": {"name": "North"},
        "cluster": {"name": "North-1"},
    },
}


@pytest.fixture(params=PILLARS.values(), ids=PILLARS)
def host(request, tmp_path, engine, monkeypatch) -> Iterator[StagedHost]:
    engine.stop()
    staged = StagedHost(tmp_path / "staged", engine, monkeypatch, **request.param)
    held = staged.libvirt()
    yield staged
    for domain in held.listAllDomains():
        if domain.name() == "HostedEngineLocal":
            if domain.isActive():
                domain.destroy()
            domain.undefine()
    held.close()


def stages(host: StagedHost) -> Iterator[str]:
    """Each stage that a run may end at, or be killed at, one after the other."""
    yield "bare host"
    host.install_packages()
    yield "after appliance"
    host.start_network()
    yield "network up"
    host.state("Bootstrap seed is written")
    yield "seed written"
    host.state("Bootstrap VM is running")
    yield "bootstrap VM runs"
    host.set_up_engine()
    yield "engine-setup done, nobody saw it"
    host.state("engine-setup is complete")
    yield "after bootstrap"
    for identifier in phase(host, "engine"):
        host.state(identifier)
        yield identifier
    for identifier in (
        "HA configuration is written",
        "Guest is prepared to run on shared storage",
    ):
        host.state(identifier)
        yield identifier
    host.shut_down()
    yield "bootstrap VM off"
    host.record_copy()
    yield "after handover"
    host.ha_status = {"global_maintenance": False}
    yield "broker runs"
    host.start_ha()
    yield "agent enabled"
    host.arrive()
    yield "engine healthy"
    host.tidy_up()
    yield "after ha"


def phase(host: StagedHost, name: str) -> list[str]:
    chunks = [one for one in host.low["ha"] if one["__sls__"] == f"hosted_engine.{name}"]
    return [one["__id__"] for one in chunks if one["state"].startswith("ovirt_")]


def red(host: StagedHost, *slses: str) -> list[str]:
    tried: dict[str, Any] = {}
    for sls in slses or ("ha", "clean"):
        tried |= host.tried(sls)
    return [f"{name}: {one['comment']}" for name, one in tried.items() if one["result"] is False]


def deviations(host: StagedHost) -> Iterator[str]:
    """What may lack at any stage, and what an earlier state, or HA, would bring."""
    yield ""
    with host.power_cut():
        yield ", power cut"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hypervisor, "LOCAL", NOWHERE)
        yield ", libvirtd down"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "PACKAGES", host.folder / "none")
        yield ", appliance's package removed"
    # As after an upgrade of Salt that brought another Python.
    with pytest.MonkeyPatch.context() as patch:
        for library in ("libvirt", "ovirtsdk4", "pycdlib"):
            patch.setitem(sys.modules, library, None)
        yield ", libraries gone"


def test_green_at_every_stage_and_after_what_may_go_wrong_in_it(host):
    found, reached = {}, 0
    for stage in stages(host):
        reached += 1
        # A deployed host is taken down only when it is named: that is told in red.
        slses = ("ha",) if (host.records / "deployment.json").exists() else ("ha", "clean")
        for deviation in deviations(host):
            found[stage + deviation] = red(host, *slses)
    assert not any(found.values()), {key: value for key, value in found.items() if value}
    assert reached > 20


@pytest.mark.parametrize("end", ["bootstrap VM runs", "bootstrap VM off", "after ha"])
def test_green_after_clean(host, end):
    next(stage for stage in stages(host) if stage == end)
    host.clean()

    found = {deviation: red(host) for deviation in deviations(host)}

    assert not any(found.values()), {key: value for key, value in found.items() if value}
