"""The stand-ins' shared metadata, status, and the agent's next state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .standins import facts, standin

metadata = standin("hosted_engine_ha_standin.metadata")
states = standin("hosted_engine_ha_standin.states")
status = standin("hosted_engine_setup_standin.status")


def view(**changes: Any) -> Any:
    seen = {"host_id": 1, "score": 3400, "vm_here": False, "healthy": False}
    return states.View(**(seen | {"others": {}} | changes))


def other(**changes: Any) -> dict[int, dict[str, Any]]:
    return {2: facts(2, **({"live-data": True, "engine-status": {"vm": "down"}} | changes))}


def test_zeroed_metadata_is_empty() -> None:
    blocks = metadata.decode(bytes(metadata.READ_BYTES))

    assert metadata.parse_global(blocks[0]) == {}
    assert metadata.parse_host(1, blocks[1]) is None


def test_left_over_bytes_at_3_mib_are_no_utf8() -> None:
    data = bytearray(metadata.READ_BYTES)
    data[3 * 1024 * 1024] = 0xFF

    with pytest.raises(UnicodeDecodeError):
        metadata.decode(bytes(data))


def test_last_host_that_fits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    path.write_bytes(bytes(metadata.READ_BYTES))

    metadata.write(str(path), 2000, metadata.pack_host(facts(2000)))

    assert (
        metadata.parse_host(2000, metadata.read(str(path))[2000])["hostname"] == "hv2000.lab.test"
    )


def test_bytes_behind_what_the_broker_reads_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    path.write_bytes(bytes(metadata.READ_BYTES) + b"\xff" * 4096)

    assert not "".join(metadata.read(str(path))).strip("\0")


def test_host_block_lies_at_its_place_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    path.write_bytes(bytes(metadata.READ_BYTES))

    metadata.write(str(path), 3, metadata.pack_host(facts(3)))

    read = metadata.parse_host(3, metadata.read(str(path))[3])
    assert {key: read[key] for key in facts()} == facts(3)
    assert path.read_bytes()[: 3 * 4096].strip(b"\0") == b""
    assert path.read_bytes()[3 * 4096 :].startswith(b"1|1|17|3|3400|")


def test_damaged_host_block_is_told() -> None:
    block = metadata.pack_host(facts()).decode().ljust(4096, "\0").replace("3400", "3401")

    with pytest.raises(metadata.MetadataError, match="checksum"):
        metadata.parse_host(1, block)


def test_status_as_json_has_hosts_by_id_and_the_global_flag() -> None:
    stats = {"hosts": {"1": facts() | {"live-data": True}}, "global": {"maintenance": True}}

    shown = json.loads(status.as_json(stats))

    assert shown["global_maintenance"] is True
    assert shown["1"]["engine-status"]["health"] == "good"
    assert json.loads(status.as_json({"hosts": {}, "global": {}})) == {"global_maintenance": False}


def test_status_for_people_says_global_maintenance_and_stale_data() -> None:
    stats = {"hosts": {"1": facts() | {"live-data": False}}, "global": {"maintenance": True}}

    text = status.as_text(stats)

    assert text.count("GLOBAL MAINTENANCE") == 2
    assert "unknown stale-data" in text


@pytest.mark.parametrize(
    ("score", "others", "state"),
    [
        (3400, {}, "EngineStart"),
        (3400, other(), "EngineStart"),
        (3400, other(score=1800), "EngineStart"),
        (3350, other(), "EngineDown"),
        # Alone a host tries again and again, whatever failed before.
        (0, {}, "EngineStart"),
        (0, other(score=0), "EngineStart"),
    ],
)
def test_vm_is_started_where_nobody_is_better_and_of_equals_by_all(
    score: int, others: dict[int, dict[str, Any]], state: str
) -> None:
    """The lease lets one of them."""
    for host_id in (1, 3):
        seen = view(host_id=host_id, score=score, others=others)
        assert states.next_state("EngineDown", seen) == state


@pytest.mark.parametrize("before", ["EngineUp", "EngineUpBadHealth"])
@pytest.mark.parametrize(
    ("score", "rival", "stops"),
    [
        (2600, {}, True),
        (2601, {}, False),
        (1800, {"live-data": False}, False),
        (1800, {"stopped": True}, False),
    ],
)
def test_vm_is_stopped_for_a_host_that_is_800_better(
    before: str, score: int, rival: dict[str, Any], stops: bool
) -> None:
    seen = {"vm_here": True, "healthy": True, "score": score, "others": other(**rival)}

    assert (states.next_state(before, view(**seen)) == "EngineStop") is stops
    # The lab's hosts share the machine's CPU.
    assert states.next_state(before, view(**seen, load_penalty=1)) != "EngineStop"
    assert states.next_state("EngineStarting", view(**seen)) == "EngineUp"


def test_a_start_that_failed_ends_in_engine_down() -> None:
    assert states.next_state("EngineStart", view()) == "EngineDown"


def test_vm_that_runs_elsewhere_is_not_started_again() -> None:
    running = {"engine-status": {"vm": "up"}, "score": 1800}

    assert states.next_state("EngineDown", view(others=other(**running))) == "EngineDown"
    gone = other(**running, **{"live-data": False})
    assert states.next_state("EngineDown", view(others=gone)) == "EngineStart"


def test_maintenance_keeps_the_agent_still() -> None:
    assert states.next_state("EngineDown", view(global_maintenance=True)) == "GlobalMaintenance"
    assert (
        states.next_state("EngineDown", view(local_maintenance=True, score=0)) == "LocalMaintenance"
    )
    assert states.next_state("LocalMaintenance", view()) == "EngineDown"


def test_vm_is_up_once_its_engine_answers() -> None:
    here = {"vm_here": True}

    assert states.next_state("EngineStart", view(**here)) == "EngineStarting"
    assert states.next_state("EngineStarting", view(**here, healthy=True)) == "EngineUp"
    assert states.next_state("EngineUp", view(**here)) == "EngineUpBadHealth"
    assert states.next_state("EngineUpBadHealth", view(**here, seconds=1000)) == "EngineStop"
    assert states.next_state("EngineUp", view()) == "EngineUnexpectedlyDown"
