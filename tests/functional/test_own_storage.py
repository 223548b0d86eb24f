"""The hosted engine's storage domain: only what this deployment certainly made is ever its own."""

from __future__ import annotations

from typing import Any

import hosted_engine_record as record
import pytest
from salt.exceptions import CommandExecutionError

from functional.ovirt import Host, host
from functional.test_ovirt_storage import GIB, NODE, STORAGE, active, up

__all__ = ["host", "up"]

PATH = "nas.example.com:/exports/engine"
EMPTY: list[Any] = []


def storage(host: Host) -> dict[str, Any]:
    """What lies on the export, as the simulator's host has it."""
    return dict(host.engine.state()["memory"].get("storage", {}).get(PATH) or {})


def domains(host: Host) -> list[str | None]:
    return [each.get("id") for each in host.engine.curl("/storagedomains")]


def test_a_domain_that_lies_on_the_export_is_never_taken(up: Host) -> None:
    """The engine would import it and say that it made it."""
    foreign = up.storage.put(PATH, name="somebody")
    before = storage(up)

    result = active(up)

    assert result["result"] is False
    assert foreign in result["comment"] and "empty directory" in result["comment"]
    assert (domains(up), storage(up)) == (EMPTY, before)
    assert "made" not in (record.read("deployment") or {})


def test_a_domain_of_our_name_is_somebody_elses_as_well(up: Host) -> None:
    up.storage.put(PATH, name="hosted_storage")

    assert active(up)["result"] is False
    assert domains(up) == EMPTY


@pytest.mark.parametrize("room", [500 * GIB, 12 * GIB], ids=["room", "too little room"])
def test_one_that_appears_after_the_look_is_forgotten_and_not_formatted(
    up: Host, room: int
) -> None:
    """With too little room the old code had the engine format it: somebody's data was gone."""
    up.engine.faults(storage_available=room)
    up.storage.after_look = lambda: up.storage.put(PATH, name="somebody")

    result = active(up)

    assert result["result"] is False
    assert "which appeared on" in result["comment"]
    assert domains(up) == EMPTY, "the engine forgot it"
    assert storage(up)["name"] == "somebody", "nothing was formatted"
    assert "made" not in (record.read("deployment") or {})


def test_an_export_that_cannot_be_looked_at_gets_no_domain(up: Host) -> None:
    up.storage.looked = False

    result = active(up)

    assert result["result"] is False
    assert "can't be known: mount.nfs isn't installed yet" in result["comment"]
    assert domains(up) == EMPTY


def test_what_is_made_is_recorded_with_its_place(up: Host) -> None:
    assert active(up)["result"] is True

    recorded = record.read("deployment") or {}
    assert [recorded["made"]] == domains(up)
    assert recorded["storage"]["path"] == "/exports/engine"


def test_killed_between_the_engines_answer_and_the_record(up: Host) -> None:
    """The next run records it, since the export was seen empty before the engine was asked."""
    active(up)
    recorded = record.read("deployment") or {}
    made = recorded.pop("made")
    record.write("deployment", recorded)

    assert active(up, test=True)["result"] is None
    result = active(up)

    assert result["result"] is True, result["comment"]
    assert "hosted_engine_storage_domain.record" in result["changes"]["done"]
    assert (record.read("deployment") or {})["made"] == made
    again = active(up)
    assert (again["result"], again["changes"]) == (True, {})


def test_a_domain_that_no_run_began_is_not_recorded(up: Host) -> None:
    """Of the right name in the engine, by hand: it's used as it is, and never ours to remove."""
    up.minion("ovirt_storage_domain.add", "hosted_storage", NODE, STORAGE)
    record.remove("deployment")

    assert active(up)["result"] is True
    assert "made" not in (record.read("deployment") or {})
    with pytest.raises(CommandExecutionError, match="wasn't made by this deployment"):
        up.minion("ovirt_storage_domain.remove", "hosted_storage", NODE)


def test_storage_that_a_boot_lost_is_connected_again(up: Host) -> None:
    """The engine still says: host up, domain active."""
    active(up)
    with up.engine.changed_memory() as memory:
        memory["mounted"] = {}
    assert active(up, test=True)["changes"]["connected"] == {"old": False, "new": True}

    result = active(up)

    assert result["result"] is True, result["comment"]
    assert result["changes"]["connected"] == {"old": False, "new": True}
    (asked,) = up.storage.connected
    assert asked["connectionParams"][0]["connection"] == PATH
    again = active(up)
    assert (again["result"], again["changes"]) == (True, {})


def test_one_look_that_vdsm_does_not_answer_is_no_verdict(up: Host) -> None:
    active(up)
    up.storage.unanswered = 1

    again = active(up)

    assert (again["result"], again["changes"]) == (True, {})
