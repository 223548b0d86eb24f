"""What operators do to HA's storage by hand, against the stand-ins' own commands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ovirt_he.ha import status
from salt.exceptions import CommandExecutionError, SaltInvocationError
from unit.configured import IDS

from functional.ha_standin import DOWN, UP, StandinHa, ha, verb
from functional.storage_host import host, minions, wants_root

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root


@pytest.mark.feature("lockspace")
def test_lockspace_is_made_anew_once_nobody_uses_it(ha: StandinHa) -> None:
    before = verb(ha, "hosted_engine_ha.lockspace")
    verb(ha, "hosted_engine_ha.set_maintenance", "global")
    ha.report(1, DOWN, alive=False, stopped=True)

    verb(ha, "hosted_engine_repair.reinitialise_lockspace")

    assert before == {"lockspace": None}
    assert ha.host.start("lockspace")[56:69] == b"hosted-engine"
    assert ("--reinitialize-lockspace",) in ha.ran, "the command's own checks hold too"


@pytest.mark.feature("lockspace")
def test_a_lockspace_in_use_is_refused_with_all_reasons(ha: StandinHa) -> None:
    ha.report(1)
    ha.report(2, UP, alive=False)

    with pytest.raises(CommandExecutionError) as told:
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")

    for words in (
        "no global maintenance",
        "agent of hv1.lab.test (host 1) runs",
        "clean_metadata 2",
    ):
        assert words in str(told.value)
    assert not any(ha.host.start("lockspace"))
    assert ("--reinitialize-lockspace",) not in ha.ran


@pytest.mark.feature("metadata")
def test_a_dead_hosts_metadata_are_cleaned_and_a_living_ones_never(ha: StandinHa) -> None:
    ha.report(1, UP)
    ha.report(2, UP, alive=False)

    verb(ha, "hosted_engine_repair.clean_metadata", 2)

    assert sorted(ha.broker.get_stats()["hosts"]) == ["1"]
    with pytest.raises(
        CommandExecutionError, match=r"(?s)\(host 1\) is alive.*ovirt_hosted_engine\.undeployed"
    ):
        verb(ha, "hosted_engine_repair.clean_metadata", 1)
    with pytest.raises(CommandExecutionError, match=r"no host 2. It has: 1 \(hv1.lab.test\)"):
        verb(ha, "hosted_engine_repair.clean_metadata", 2)
    cleaned = [ran for ran in ha.ran if ran[0] == "--clean-metadata"]
    assert cleaned == [("--clean-metadata", "--host-id=2", "--force-cleanup")], "no abbreviation"


def test_cleaning_that_does_nothing_is_told(ha: StandinHa, monkeypatch: Any) -> None:
    """The real command's code is 0 even where it only logs that it didn't clean."""
    ha.report(2, DOWN, alive=False)
    monkeypatch.setattr(ha.broker, "clean_host", lambda host_id: None)
    monkeypatch.setitem(
        ha.host.minions[False].functions["hosted_engine_repair.clean_metadata"].__globals__,
        "SHOWN_SECONDS",
        0.1,
    )

    with pytest.raises(CommandExecutionError, match="HA to forget host 2"):
        verb(ha, "hosted_engine_repair.clean_metadata", 2)


@pytest.mark.parametrize("wrong", [0, -1, True, "2", "--force", None])
def test_only_a_number_is_a_host(ha: StandinHa, wrong: Any) -> None:
    with pytest.raises(SaltInvocationError, match="isn't a host id"):
        verb(ha, "hosted_engine_repair.clean_metadata", wrong)
    assert ha.ran == []


@pytest.mark.feature("connect_storage")
def test_connected_storage_shows_its_disks(ha: StandinHa) -> None:
    verb(ha, "hosted_engine_repair.connect_storage")
    assert ha.ran == [("--connect-storage",)]

    host = ha.host
    answers = json.loads(host.answers.read_text())
    del answers["paths"][IDS["disks"]["lockspace"]["image"]]
    host.answers.write_text(json.dumps(answers))

    with pytest.raises(CommandExecutionError, match=r"not all of its disks are there: lockspace"):
        verb(ha, "hosted_engine_repair.connect_storage")


def test_a_living_host_is_seen_without_an_agent_of_this_host(ha: StandinHa) -> None:
    """live-data is only what this host's own agent said: without it the timestamp tells."""
    verb(ha, "hosted_engine_ha.set_maintenance", "global")
    ha.report(2)
    assert verb(ha, "hosted_engine_ha.status")["hosts"][2]["alive"] is False

    with pytest.raises(CommandExecutionError, match=r"\(host 2\) is alive"):
        verb(ha, "hosted_engine_repair.clean_metadata", 2)
    with pytest.raises(CommandExecutionError, match=r"agent of hv2.lab.test \(host 2\) runs"):
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")
    assert not any(ha.host.start("lockspace"))


def test_a_stale_entry_of_the_same_name_is_cleaned_and_the_living_one_is_not(ha: StandinHa) -> None:
    ha.report(1, UP)
    ha.report(3, DOWN, alive=False, hostname="hv1.lab.test", stopped=True)
    verb(ha, "hosted_engine_ha.set_maintenance", "global")

    with pytest.raises(CommandExecutionError) as refused:
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")
    assert "agent of hv1.lab.test (host 1) runs" in str(refused.value)
    assert "VM was up on hv1.lab.test (host 1)" in str(refused.value)
    with pytest.raises(CommandExecutionError, match=r"\(host 1\) is alive"):
        verb(ha, "hosted_engine_repair.clean_metadata", 1)
    verb(ha, "hosted_engine_repair.clean_metadata", 3)

    assert sorted(ha.broker.get_stats()["hosts"]) == ["1"]


def test_a_vm_that_vdsm_could_not_see_may_be_up_beside_the_lockspace(ha: StandinHa) -> None:
    ha.report(1, DOWN)
    ha.report(2, DOWN | {"vm": "unknown", "health": "unknown"}, alive=False, stopped=True)
    verb(ha, "hosted_engine_ha.set_maintenance", "global")

    with pytest.raises(CommandExecutionError, match=r"VM may be up on hv2.lab.test \(host 2\)"):
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")


def test_a_crashed_host_is_cleaned_before_the_lockspace(ha: StandinHa) -> None:
    """The real command takes any host that never said goodbye for an active agent."""
    verb(ha, "hosted_engine_ha.set_maintenance", "global")
    ha.report(2, DOWN, alive=False)

    with pytest.raises(CommandExecutionError, match=r"without reporting that.*clean_metadata 2"):
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")
    verb(ha, "hosted_engine_repair.clean_metadata", 2)
    verb(ha, "hosted_engine_repair.reinitialise_lockspace")

    assert ha.host.start("lockspace")[56:69] == b"hosted-engine"


def test_the_command_s_refusal_is_told_without_its_traceback(
    ha: StandinHa, monkeypatch: Any
) -> None:
    verb(ha, "hosted_engine_ha.set_maintenance", "global")
    ha.report(2, DOWN, alive=False)
    seen = status.read()
    seen["hosts"].clear()
    monkeypatch.setattr(status, "living", lambda: (seen, set()))

    with pytest.raises(CommandExecutionError) as told:
        verb(ha, "hosted_engine_repair.reinitialise_lockspace")

    assert "Lockfile reset cannot be performed with an active agent" in str(told.value)
    assert "Traceback" not in str(told.value)
    assert not any(ha.host.start("lockspace"))
