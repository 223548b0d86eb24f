"""Whether a deployment may be taken down, and what of it goes beside its storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from minion import Minion
from ovirt_he.core import records
from ovirt_he.ha import conf, status
from ovirt_he.host import authorized_keys, routes
from salt.exceptions import CommandExecutionError
from unit.configured import DOMAIN, OTHER

from functional.clean_host import ALLOWED, PLACE, looked, mount, removed
from functional.storage_host import StorageHost, host, minions, wants_root

__all__ = ["host", "looked", "minions", "mount"]
pytestmark = wants_root

NAMES = {
    "engine_stopped": "HostedEngine", "storage_recorded": "hosted_storage",
    "storage_removed": "hosted_storage", "key_removed": "engine.example.com",
}  # fmt: skip


def test_a_failed_deployment_may_be_taken_down(host: StorageHost) -> None:
    for test in (True, False):
        ret = host.state(ALLOWED, test=test)
        assert (ret["result"], ret["changes"]) == (True, {})


def test_one_that_never_became_healthy_may_be_taken_down(host: StorageHost) -> None:
    host.deploy()
    for name in ("setup", "copied"):
        records.write(name, {})

    assert host.state(ALLOWED)["result"] is True


@pytest.mark.parametrize("ha", ["silent", "stale", "unknown"])
def test_what_ha_cannot_tell_keeps_an_engine_from_being_taken_down(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch, ha: str
) -> None:
    """A broker that is down, an agent that died, a vdsm that can't say: they prove no failure."""
    host.deploy()
    for name in ("setup", "copied"):
        records.write(name, {})
    up = {"name": "node2", "alive": False, "vm": "up", "health": "good"}
    host.ha["hosts"][2] = up
    if ha == "unknown":
        up |= {"alive": True, "vm": "unknown", "health": "unknown"}
    if ha == "silent":

        def refuse() -> None:
            raise CommandExecutionError("HA doesn't report its status: its broker doesn't answer")

        monkeypatch.setattr(status, "read", refuse)

    ret = host.state(ALLOWED)

    assert ret["result"] is False
    assert "hosted_engine:clean" in ret["comment"]


@pytest.mark.parametrize("why", ["deployed", "was deployed", "another engine", "is healthy"])
def test_a_deployed_one_must_be_named(host: StorageHost, mount: Path, why: str) -> None:
    records.write("deployment", {"made": DOMAIN, "healthy": why == "was deployed"})
    if why in ("deployed", "is healthy"):
        host.deploy()
    if why == "is healthy":
        for name in ("setup", "copied"):
            records.write(name, {})
        up = {"name": "node1", "alive": True, "vm": "up", "health": "good"}
        host.ha["hosts"][1] = up
    if why == "another engine":
        conf.CONFIGURATION.parent.mkdir()
        conf.CONFIGURATION.write_text("fqdn=other.example.com\n")

    for ret in (host.state(ALLOWED), removed(host)):
        assert ret["result"] is False
        assert "other.example.com" in ret["comment"] or "hosted_engine:clean" in ret["comment"]
    assert (mount / DOMAIN).exists()


def test_a_deployed_one_is_removed_once_the_pillar_names_it(host: StorageHost) -> None:
    records.write("deployment", {"made": DOMAIN, "healthy": True})
    name = "engine.example.com"
    pillar = {"hosted_engine": host.pillar["hosted_engine"] | {"clean": name}}
    minion = Minion(host.folder / "named", pillar, module_dirs=host.module_dirs)

    assert host.state(ALLOWED)["result"] is False
    assert minion.states[ALLOWED](name=name)["result"] is True


@pytest.mark.parametrize("verb", ["stop_engine_vm", "remove_key", "remove_storage"])
def test_no_verb_removes_anything_of_a_deployed_one(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """By hand too, without the state that asks first."""
    key = f"ssh-rsa {'A' * 80} ovirt-engine"
    path = host.folder / "authorized_keys"
    path.write_text(f"{key}\n")
    monkeypatch.setattr(authorized_keys, "FILE", path)
    records.write("deployment", {"made": DOMAIN, "key": key, "healthy": True})
    host.run("HostedEngine")

    with pytest.raises(CommandExecutionError, match="Not removed: this host runs the deployed"):
        host.minions[False](f"hosted_engine_clean.{verb}")

    assert path.read_text() == f"{key}\n"


@pytest.mark.parametrize(
    ("state", "result", "verb"),
    [
        (routes.ROLLED_BACK, True, "in the wanted state"),
        (routes.LOST, None, "ovirt_host.restore_routes"),
        (routes.UNSAVED, None, "vdsm.save_network"),
    ],
)
def test_routes_that_a_boot_brought_back_need_no_saving(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch, state: str, result: Any, verb: str
) -> None:
    """The host's network is as it was before the engine came."""
    monkeypatch.setattr(routes, "state", lambda: state)
    name = host.settings["host"]["name"]

    ret = host.state("hosted_engine_clean.routes_kept", test=True, name=name)

    assert ret["result"] is result
    assert verb in ret["comment"]


@pytest.mark.parametrize("there", [[], [OTHER]])
def test_a_vm_that_alone_knows_what_was_made_is_not_removed_before_it_was_asked(
    host: StorageHost, looked: dict[str, Any], there: list[str]
) -> None:
    """Its engine doesn't answer: what it made can't be known once it is gone."""
    records.write("deployment", {"storage": PLACE})
    looked["domains"] = [{"id": each} for each in there]
    host.run("HostedEngineLocal")

    for test in (True, False):
        ret = host.state("hosted_engine_clean.storage_recorded", test=test, name="hosted_storage")
        if there:
            assert "can't be asked which storage domain it made" in ret["comment"]
        assert ret["result"] is (not there)


def test_the_engines_key_goes_and_all_others_stay(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = host.folder / "authorized_keys"
    monkeypatch.setattr(authorized_keys, "FILE", path)
    key = f"ssh-rsa {'A' * 80} ovirt-engine"
    others = f'# mine\nssh-rsa {"B" * 80} me\nfrom="::1" ssh-rsa {"A" * 80} restricted\n'
    path.write_text(f"{others}{key}\n")
    path.chmod(0o600)
    records.write("deployment", {"key": key})

    ret = host.state("hosted_engine_clean.key_removed")

    assert ret["result"] is True, ret["comment"]
    assert path.read_text() == others
    assert path.stat().st_mode & 0o777 == 0o600
    assert host.state("hosted_engine_clean.key_removed")["changes"] == {}


def test_on_a_bare_host_there_is_nothing_to_do(host: StorageHost) -> None:
    functions = host.minions[False].functions
    assert functions["hosted_engine_clean.in_libvirt"]() is False
    assert functions["hosted_engine_clean.unrecorded"]() is None
    for state, name in NAMES.items():
        ret = host.state(f"hosted_engine_clean.{state}", name=name)
        assert (ret["result"], ret["changes"]) == (True, {}), ret


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("state", [*NAMES, "allowed"])
def test_another_name_is_not_taken_for_this_deployment(
    host: StorageHost, mount: Path, state: str, test: bool
) -> None:
    """``storage_removed: other_storage`` would remove the pillar's."""
    records.write("deployment", {"made": DOMAIN})

    ret = host.state(f"hosted_engine_clean.{state}", test=test, name="another")

    assert (ret["result"], ret["changes"]) == (False, {})
    assert "another isn't this deployment's: hosted_engine:" in ret["comment"]
    assert (mount / DOMAIN).exists()
