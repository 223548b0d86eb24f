"""What operators do with a deployed hosted engine, against the stand-ins' own commands."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.ha import conf, modes
from salt.exceptions import CommandExecutionError, SaltInvocationError
from unit.configured import VM

from functional.ha_standin import DOWN, UP, StandinHa, ha, main, state, verb
from functional.storage_host import host, minions, wants_root

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root


def maintenance(ha: StandinHa, mode: str, test: bool = False) -> Any:
    return state(ha, "hosted_engine_ha.maintenance", "engine.example.com", test, mode=mode)


@pytest.mark.feature("status")
def test_status_tells_of_all_hosts(ha: StandinHa) -> None:
    ha.report(1, UP)
    ha.report(2)

    seen = verb(ha, "hosted_engine_ha.status")

    assert {number: (at["name"], at["vm"]) for number, at in seen["hosts"].items()} == {
        1: ("hv1.lab.test", "up"),
        2: ("hv2.lab.test", "down"),
    }


@pytest.mark.feature("maintenance")
@pytest.mark.parametrize("mode", ["global", "local"])
def test_maintenance_is_set_once_and_ended(ha: StandinHa, mode: str) -> None:
    ha.report(1)
    before = maintenance(ha, mode, test=True)
    assert (before["result"], len(before["changes"])) == (None, 1)
    assert ("--set-maintenance", f"--mode={mode}") not in ha.ran

    ret = maintenance(ha, mode)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"][f"{mode}_maintenance"] == {"old": False, "new": True}
    shown = ha.broker.local_stats()
    assert (shown["globalMaintenance"], shown["localMaintenance"]) == (
        mode == "global",
        mode == "local",
    )
    again = maintenance(ha, mode)
    assert (again["result"], again["changes"]) == (True, {})
    assert maintenance(ha, "none")["result"] is True
    assert not any(v for k, v in ha.broker.local_stats().items() if k.endswith("Maintenance"))


@pytest.mark.feature("maintenance")
def test_local_maintenance_is_refused_where_the_engine_runs(ha: StandinHa) -> None:
    ha.report(1, UP)
    ha.vms = [{"vmId": VM}]

    for test in (True, False):
        ret = maintenance(ha, "local", test=test)
        assert ret["result"] is False
        assert "migrate it first" in ret["comment"]
    with pytest.raises(CommandExecutionError, match=r"(?s)Unable to enter local.*migrate it first"):
        verb(ha, "hosted_engine_ha.set_maintenance", "local")
    assert maintenance(ha, "none")["changes"] == {}


def test_an_unknown_mode_is_told_before_anything_runs(ha: StandinHa) -> None:
    with pytest.raises(SaltInvocationError, match="global, local, none"):
        verb(ha, "hosted_engine_ha.set_maintenance", "total")
    assert maintenance(ha, "total", test=True)["result"] is False
    assert ha.ran == []


@pytest.mark.feature("shared_config")
@pytest.mark.parametrize(
    ("key", "kind", "value", "member"),
    [
        ("email.smtp-server", "broker", "relay.example.com", "broker.conf"),
        ("notify.state_transition", "broker", "maintenance", "broker.conf"),
        ("gateway", "he_shared", "192.0.2.9", "hosted-engine.conf"),
        ("gateway", "he_local", "192.0.2.8", None),
    ],
)
def test_shared_configuration_is_set_once(
    ha: StandinHa, key: str, kind: str, value: str, member: str | None
) -> None:
    wanted = {"value": value, "type": kind}
    old = verb(ha, "hosted_engine_shared_config.get", key, kind)
    assert state(ha, "hosted_engine_shared_config.present", key, True, **wanted)["result"] is None
    assert verb(ha, "hosted_engine_shared_config.get", key, kind) == old

    ret = state(ha, "hosted_engine_shared_config.present", key, **wanted)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["value"] == {"old": old, "new": value}
    text = ha.host.member(member) if member else conf.CONFIGURATION.read_text()
    assert value in text
    assert "host_id=1\n" in conf.CONFIGURATION.read_text()
    for test in (True, False):
        again = state(ha, "hosted_engine_shared_config.present", key, test, **wanted)
        assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.feature("shared_config")
@pytest.mark.parametrize(
    ("key", "value", "kind", "words"),
    [
        ("--help", "x", "broker", "letters, digits"),
        ("gateway", "x", "--type=ha", "one of these is expected"),
        ("password", "x", "he_local", "is a secret"),
        ("vmid", "x", "he_shared", "identifies the deployment"),
        ("local_maintenance", "True", "ha", "set_maintenance"),
        ("gateway", "", "he_local", "empty values"),
        ("gateway", "a\nhost_id=2", "he_local", "control characters"),
        ("gateway", "a$(id)b", "he_local", "read differently"),
        ("email.smtp-server", "%x", "broker", "interpolates %"),
        ("email..smtp-server", "x", "broker", "letters, digits"),
    ],
)
def test_what_would_be_misread_is_refused(
    ha: StandinHa, key: str, value: str, kind: str, words: str
) -> None:
    with pytest.raises(SaltInvocationError, match=words):
        verb(ha, "hosted_engine_shared_config.set", key, value, kind)
    assert ha.ran == []


def test_a_value_that_did_not_arrive_is_reported(ha: StandinHa, monkeypatch: Any) -> None:
    """A command that ends with 0 and leaves the archive as it was."""
    monkeypatch.setitem(main.COMMANDS, "set-shared-config", lambda *_: 0)

    with pytest.raises(CommandExecutionError, match=r"reads '192.0.2.1' after it was set to '192"):
        verb(ha, "hosted_engine_shared_config.set", "gateway", "192.0.2.9", "he_shared")


def test_an_unknown_key_is_told_with_those_there_are(ha: StandinHa) -> None:
    with pytest.raises(CommandExecutionError, match=r"(?s)Invalid configuration key.*smtp-server"):
        verb(ha, "hosted_engine_shared_config.get", "no-such-key", "broker")


@pytest.mark.feature("maintenance")
def test_local_maintenance_lasts_though_no_metadata_says_so(ha: StandinHa) -> None:
    """After a boot the agent waits in local maintenance and publishes nothing."""
    ha_conf = modes.HA_CONF
    ha_conf.write_text("local_maintenance=True\nlocal_maintenance_manual=True\n")
    ha.report(1, DOWN, alive=False, maintenance=False, stopped=True)
    ha.locked = False

    ret = maintenance(ha, "local")

    assert (ret["result"], ret["changes"]) == (True, {})
    ended = maintenance(ha, "none")
    assert ended["result"] is True, ended["comment"]
    assert "True" not in ha_conf.read_text(), "the agent waits while either flag is set"
    assert ha.killed == [], "the broker ends itself when it's asked without a host id"


@pytest.mark.feature("maintenance")
@pytest.mark.parametrize("mode", ["global", "local"])
def test_without_a_host_id_maintenance_is_not_set(ha: StandinHa, mode: str) -> None:
    ha.report(1, DOWN, alive=False, stopped=True)
    ha.locked = False

    ret = maintenance(ha, mode)

    assert ret["result"] is False
    assert "holds no host id" in ret["comment"]
    assert ha.killed == []


@pytest.mark.feature("shared_config")
def test_a_value_that_is_there_is_not_written_again(ha: StandinHa) -> None:
    """The real command appends a second line for the value that is there."""
    old = verb(ha, "hosted_engine_shared_config.get", "gateway", "he_shared")

    verb(ha, "hosted_engine_shared_config.set", "gateway", old, "he_shared")

    assert ha.host.member("hosted-engine.conf").count("gateway=") == 1
    assert verb(ha, "hosted_engine_shared_config.get", "iscsi_paths_blacklist", "he_local") is None


@pytest.mark.feature("maintenance")
@pytest.mark.parametrize("flag", ["local_maintenance", "local_maintenance_manual"])
def test_after_a_boot_in_local_maintenance_no_status_is_needed(ha: StandinHa, flag: str) -> None:
    """The agent waits for either flag, and without vm.conf below /run no status is shown."""
    modes.HA_CONF.write_text(
        f"local_maintenance=False\nlocal_maintenance_manual=False\n{flag}=True\n"
    )
    conf.RUN_VM_CONF.unlink()
    ha.locked = False
    with pytest.raises(CommandExecutionError, match="ovirt-ha-agent service is running"):
        verb(ha, "hosted_engine_ha.status")

    for test in (True, False):
        ret = maintenance(ha, "local", test=test)
        assert (ret["result"], ret["changes"]) == (True, {})
    assert all(ran[0] == "--vm-status" for ran in ha.ran)
