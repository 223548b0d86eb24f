"""HA's states with the real loader; its commands answer as hosted-engine and systemctl do."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.core import records
from ovirt_he.guest import address
from ovirt_he.ha import conf, modes, status
from unit.configured import DOMAIN, VM

from functional.ha_host import MAC, Ha, ha
from functional.storage_host import StorageHost, host, minions, wants_root

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root
LOCKSPACE, OFF = "hosted_engine_ha.lockspace_initialised", "hosted_engine_ha.maintenance_off"
HEALTHY, ENABLED = "hosted_engine_ha.healthy", "hosted_engine_ha.agent_enabled"


def test_a_broker_that_failed_its_start_is_restarted_once(ha: Ha) -> None:
    ha.broker_answers, ha.maintenance = False, True
    conf.RUN_VM_CONF.parent.mkdir()
    conf.RUN_VM_CONF.write_text(f"vmId={VM}\n")

    ret = ha.host.state(OFF)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == [
        "hosted_engine_ha.restart_broker",
        "hosted_engine_ha.set_maintenance",
    ]
    assert ha.maintenance is False
    assert conf.RUN_VM_CONF.read_text() == f"vmId={VM}\n", "it goes with the broker's directory"
    again = ha.host.state(OFF)
    assert (again["result"], again["changes"]) == (True, {})


def test_vm_conf_that_went_with_a_failed_broker_is_made_again(ha: Ha) -> None:
    """systemd takes the broker's directory below /run away when it fails: no status without it."""
    ha.broker_answers = False

    assert ha.host.state(OFF)["result"] is True

    assert f"vmId={VM}\n" in conf.RUN_VM_CONF.read_text()
    assert conf.RUN_VM_CONF.stat().st_uid == conf.RUN_VM_CONF.parent.stat().st_uid == 36


def test_local_maintenance_of_earlier_days_is_ended_before_the_agent_starts(ha: Ha) -> None:
    """An agent that finds it in ha.conf waits for ever, and the engine never comes up."""
    modes.HA_CONF.write_text("local_maintenance=True\nlocal_maintenance_manual=True\n")
    ha.locked = False

    ret = ha.host.state(OFF)

    assert ret["changes"].get("local_maintenance") == {"old": True, "new": False}, ret["comment"]


def test_enabling_the_agent_doesnt_start_it(ha: Ha) -> None:
    assert ha.host.state(ENABLED, test=True)["result"] is None
    assert ha.agent == "disabled"

    ret = ha.host.state(ENABLED)

    assert ret["changes"]["agent"] == {"old": "disabled", "new": "enabled"}
    assert ("systemctl", "enable", "ovirt-ha-agent.service") in ha.ran
    assert ha.host.state(ENABLED)["changes"] == {}


def test_health_is_waited_for_and_recorded(ha: Ha, monkeypatch: pytest.MonkeyPatch) -> None:
    ha.page = "no route to host"
    left = iter(range(3))

    def look(self: Any = None) -> dict[str, Any]:
        if next(left, None) is None:
            ha.page = ""
        return ha.read()

    monkeypatch.setattr(status, "read", look)

    ret = ha.host.state(HEALTHY)

    assert ret["result"] is True, ret["comment"]
    assert ret["changes"]["done"] == [
        "hosted_engine_ha.wait_for_health",
        "hosted_engine_ha.record_deployment",
    ]
    assert records.read("deployment") == {
        "fqdn": "engine.example.com", "vm_id": VM, "storage_domain": DOMAIN, "host_id": 1,
        "healthy": True,
    }  # fmt: skip
    again = ha.host.state(HEALTHY)
    assert (again["result"], again["changes"]) == (True, {})


def test_bad_health_is_explained(ha: Ha, monkeypatch: pytest.MonkeyPatch) -> None:
    ha.health = {"vm": "up", "health": "bad", "detail": "Up", "reason": "failed liveliness check"}
    ha.page = "The engine doesn't answer at https://engine.example.com"
    (ha.host.folder / "agent.log").write_text("old\n" * 9 + "\x1b[31mlast words\x1b[0m\n")
    neighbour = {**ha.host.settings["vm"], "mac": MAC}
    monkeypatch.setitem(ha.host.settings, "vm", neighbour)

    assert "resolves to 192.0.2.10, but the VM" in address.compared(ha.host.settings)[1]
    assert "has 192.0.2.77: correct the name in DNS" in address.compared(ha.host.settings)[1]
    tail = status.logs(ha.host.settings)
    assert tail.endswith("\nold\nlast words")
    assert tail.count("old") == 5
    assert ha.host.state(HEALTHY, test=True)["result"] is None
    ret = ha.host.state(HEALTHY)
    assert (ret["result"], ret["changes"].get("health")) == (False, None)
    for told in ("failed liveliness check", "engine.example.com resolves to", "last words"):
        assert told in ret["comment"]


@pytest.mark.feature("dhcp")
def test_a_healthy_engine_at_another_address_than_its_name_s_is_told(ha: Ha) -> None:
    ha.neighbour = str(ha.host.settings["vm"]["mac"])

    for test in (True, False):
        ret = ha.host.state(HEALTHY, test=test)
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "resolves to 192.0.2.10, but the VM" in ret["comment"]
        assert "has 192.0.2.77: correct the name in DNS" in ret["comment"]
    assert records.read("deployment") is None


def test_global_maintenance_of_an_engine_that_is_down_is_told(ha: Ha) -> None:
    ha.maintenance, ha.health, ha.page = True, {"vm": "down", "health": "bad"}, "refused"

    ret = ha.host.state(HEALTHY)

    assert (ret["result"], ret["changes"]) == (True, {})
    assert "--set-maintenance --mode=none" in ret["comment"]
    assert ha.maintenance is True, "an operator's intent"


def test_before_the_configuration_nothing_is_asked(host: StorageHost) -> None:
    for state in (LOCKSPACE, OFF, ENABLED, HEALTHY):
        ret = host.state(state, test=True)
        assert ret["result"] is None, ret
        assert host.state(state)["result"] is False


def test_global_maintenance_is_known_only_where_ha_answers(ha: Ha) -> None:
    def asked() -> Any:
        return ha.host.minions[False]("hosted_engine_ha.under_global_maintenance")

    assert asked() is False
    ha.maintenance = True
    assert asked() is True
    ha.broker_answers = False
    assert asked() is False
