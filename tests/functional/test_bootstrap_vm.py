"""hosted_engine_bootstrap with libvirt's test driver: when a disk is trusted, and when not."""

from __future__ import annotations

import json
import subprocess
from xml.etree import ElementTree

import libvirt
import pytest
from ovirt_he.bootstrap import definitions, vm
from ovirt_he.pillar import settings

from functional.bootstrap_vm import ABSENT, NAME, RUNNING, made, running, written

__all__ = ["made", "running"]


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_vm_is_made_from_nothing(made, hypervisor, test):
    ret = made.minion.state(RUNNING, NAME, test=test)

    if test:
        assert ret["result"] is None
        assert "make_overlay" in ret["comment"]
        assert not (made.directory / "disk.qcow2").exists()
        return
    assert ret["result"] is True, ret
    domain = hypervisor.lookupByName(NAME)
    assert domain.isActive()
    assert domain.UUIDString() == made.minion("hosted_engine.settings")["bootstrap"]["uuid"]
    info = subprocess.check_output(
        ["qemu-img", "info", "--output=json", made.directory / "disk.qcow2"]
    )
    assert json.loads(info)["full-backing-filename"] == str(made.directory / "appliance.qcow2")
    assert (made.directory / "disk.qcow2").stat().st_mode & 0o777 == 0o600
    again = made.minion.state(RUNNING, NAME)
    assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("firmware")
@pytest.mark.parametrize(
    ("vm", "seen"),
    [
        ({"firmware": "bios"}, {}),
        ({"firmware": "uefi"}, {"secure-boot": "no"}),
        ({"secure_boot": True}, {"secure-boot": "yes", "enrolled-keys": "yes"}),
    ],
    ids=["bios", "uefi", "secure_boot"],
)
def test_the_firmware_is_the_one_that_was_asked_for(made, hypervisor, vm, seen):
    known = settings.load({"hosted_engine": made.pillar | {"vm": vm}}, {})
    text = definitions.domain(known, "qemu")

    domain = hypervisor.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)

    tree = ElementTree.fromstring(domain.XMLDesc())
    features = tree.iterfind("os/firmware/feature")
    assert {one.get("name"): one.get("enabled") for one in features} == seen
    assert tree.find("os").get("firmware") == ("efi" if seen else None)
    assert (tree.find("features/smm") is not None) is ("enrolled-keys" in seen)


@pytest.mark.feature("machine")
def test_the_machine_is_the_one_that_was_asked_for(made):
    vm = {"machine": "pc-q35-7.2"}
    known = settings.load({"hosted_engine": made.pillar | {"vm": vm}}, {})

    tree = ElementTree.fromstring(definitions.domain(known, "qemu"))

    assert tree.find("os/type").get("machine") == "pc-q35-7.2"


def test_one_that_runs_since_its_only_start_may_go_on(made, running):
    before = written(made)

    made.minion.state(RUNNING, NAME)

    assert written(made) == before


def test_one_that_was_cut_off_is_built_anew_and_not_booted_again(made, running):
    before = written(made)
    running.destroy()

    ret = made.minion.state(RUNNING, NAME)

    assert ret["changes"]["done"][0] == "hosted_engine_bootstrap.rebuild"
    assert ret["result"] is True
    assert written(made) != before


def test_a_paused_one_goes_on_where_it_was(made, running):
    before = written(made)
    running.suspend()

    ret = made.minion.state(RUNNING, NAME)

    assert ret["changes"]["done"] == ["hosted_engine_bootstrap.start"]
    assert ret["changes"]["state"] == {"old": "paused", "new": "running"}
    assert written(made) == before


@pytest.mark.parametrize("state", ["crashed", "shutoff", None])
def test_an_incomplete_one_that_stopped_is_not_trusted(made, running, hypervisor, state):
    found = vm.disk_state(hypervisor, made.minion("hosted_engine.settings"), state)

    assert found == "interrupted before its setup was complete"


def test_a_rebuild_leaves_no_record_of_the_disk(made, running):
    made.minion("hosted_engine_bootstrap.rebuild", NAME)

    assert not (made.records / "bootstrap.json").exists()
    assert not (made.directory / "disk.qcow2").exists()


def test_a_kill_between_disk_and_record_is_built_anew(made, running):
    (made.records / "bootstrap.json").unlink()

    ret = made.minion.state(RUNNING, NAME)

    assert ret["changes"]["done"][0] == "hosted_engine_bootstrap.rebuild"
    assert ret["result"] is True


def test_a_kill_before_the_first_start_goes_on(made, hypervisor):
    made.minion("hosted_engine_bootstrap.make_overlay", NAME)
    before = written(made)

    ret = made.minion.state(RUNNING, NAME)

    assert ret["changes"]["done"] == [
        "hosted_engine_bootstrap.define",
        "hosted_engine_bootstrap.start",
    ]
    assert written(made) == before


def test_a_new_disk_has_had_no_hooks(made, running):
    for name in ("hooks-guest", "hooks-host"):
        (made.records / f"{name}.json").write_text("{}")
    made.minion("hosted_engine_bootstrap.rebuild", NAME)

    made.minion("hosted_engine_bootstrap.make_overlay", NAME)

    assert not (made.records / "hooks-guest.json").exists()
    assert (made.records / "hooks-host.json").exists()


def test_a_failed_setup_is_built_anew(made, running):
    made.minion("hosted_engine_bootstrap.fail", "engine-setup: failed")

    tested = made.minion.state(RUNNING, NAME, test=True)
    ret = made.minion.state(RUNNING, NAME)

    assert tested["changes"]["disk"]["old"] == "failed: engine-setup: failed"
    assert ret["changes"]["done"][0] == "hosted_engine_bootstrap.rebuild"


@pytest.mark.parametrize("change", ["seed", "appliance", "definition"])
def test_what_it_is_made_from_changed(made, running, change):
    if change == "definition":
        made.with_pillar(vm={"memory_mib": 2048})
    else:
        path = next(made.directory.glob(f"{change}.*"))
        path.write_bytes(path.read_bytes() + b"x")

    tested = made.minion.state(RUNNING, NAME, test=True)

    assert tested["changes"]["disk"]["old"] == f"outdated: {change} changed"


def test_a_complete_one_is_started_whatever_changed(made, running):
    made.complete()
    running.destroy()
    (made.directory / "seed.iso").write_bytes(b"another")
    before = written(made)

    ret = made.minion.state(RUNNING, NAME)

    assert ret["changes"]["done"] == ["hosted_engine_bootstrap.start"]
    assert written(made) == before


def test_a_lost_disk_takes_the_record_of_its_setup_with_it(made, running):
    made.complete()
    (made.directory / "disk.qcow2").unlink()

    ret = made.minion.state(RUNNING, NAME)

    assert ret["result"] is True, ret
    # The VM that runs is the lost disk's.
    assert ret["changes"]["done"][0] == "hosted_engine_bootstrap.rebuild"
    assert not (made.records / "setup.json").exists()
    assert made.minion("hosted_engine_bootstrap.get", NAME)["setup"] == "open"


def test_a_complete_one_is_never_thrown_away(made, running):
    made.complete()

    with pytest.raises(Exception, match="never discarded"):
        made.minion("hosted_engine_bootstrap.rebuild", NAME)

    assert running.isActive()


def test_without_virtualisation_emulation_must_be_asked_for(made, hypervisor):
    ret = made.with_pillar(host={"address": "127.0.0.1"}).state(RUNNING, NAME)

    assert ret["result"] is False
    assert "host:emulation" in ret["comment"]


def test_a_vm_of_someone_elses_is_left_alone(made, hypervisor):
    hypervisor.defineXML(
        f"<domain type='test'><name>{NAME}</name><memory>1024</memory>"
        "<os><type>hvm</type></os></domain>"
    )

    for function in (RUNNING, ABSENT):
        ret = made.minion.state(function, NAME)
        assert ret["result"] is False
        assert "belongs to something else" in ret["comment"]
    assert hypervisor.lookupByName(NAME).isPersistent()
    hypervisor.lookupByName(NAME).undefine()


def test_a_deployed_host_gets_no_second_bootstrap(made, hypervisor):
    made.deploy()

    ret = made.minion.state(RUNNING, NAME)

    assert ret["result"] is False
    assert "deployed hosted engine" in ret["comment"]
    assert not (made.directory / "disk.qcow2").exists()
