"""What the agent does next: a function of what it sees, with the real agent's state names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Seconds (the real ones: 600, 600 and 600). A guest without acceleration boots slowly.
STARTING_SECONDS = 300
BAD_HEALTH_SECONDS = 180
STOPPING_SECONDS = 60
# After a VM that went away, before the next try.
RETRY_SECONDS = 3
# A host that is so much better has the VM that runs here.
BETTER_SCORE = 800


@dataclass(frozen=True)
class View:
    """What one look at the world gave."""

    host_id: int
    score: int
    vm_here: bool
    healthy: bool
    others: dict[int, dict[str, Any]]
    global_maintenance: bool = False
    local_maintenance: bool = False
    # How long the state has lasted.
    seconds: float = 0.0
    # What is published of the engine.
    engine: dict[str, str] = field(default_factory=dict)
    # What CPU load took off the score.
    load_penalty: int = 0


def _alive(facts: dict[str, Any]) -> bool:
    return facts["live-data"] and not facts["stopped"]


def _runs_elsewhere(view: View) -> bool:
    return any(
        _alive(facts) and (facts["engine-status"] or {}).get("vm") == "up"
        for facts in view.others.values()
    )


def _best(view: View) -> bool:
    """Whether no living host has a better score. Of equal ones all try: the lease decides."""
    return view.score >= max((at["score"] for at in view.others.values() if _alive(at)), default=0)


def _much_better_elsewhere(view: View) -> bool:
    # Hosts of the lab share the machine's CPU: what its load takes off tells none from another.
    enough = view.score + view.load_penalty + BETTER_SCORE
    return any(_alive(at) and at["score"] >= enough for at in view.others.values())


def next_state(state: str, view: View) -> str:
    """The state after this look."""
    if view.global_maintenance:
        return "GlobalMaintenance"
    if view.engine.get("vm") == "unknown":
        return "UnknownLocalVmState"
    if view.vm_here:
        return _with_vm(state, view)
    if view.local_maintenance:
        return "LocalMaintenance"
    return _without_vm(state, view)


def _with_vm(state: str, view: View) -> str:
    if state in ("EngineStop", "EngineForceStop"):
        return "EngineForceStop" if view.seconds > STOPPING_SECONDS else state
    was_up = state in ("EngineUp", "EngineUpBadHealth")
    if was_up and _much_better_elsewhere(view):
        return "EngineStop"
    if view.healthy:
        return "EngineUp"
    if was_up:
        late = state == "EngineUpBadHealth" and view.seconds > BAD_HEALTH_SECONDS
        return "EngineStop" if late else "EngineUpBadHealth"
    if state == "EngineStarting" and view.seconds > STARTING_SECONDS:
        return "EngineStop"
    return "EngineStarting"


def _without_vm(state: str, view: View) -> str:
    match state:
        case "StartState":
            return "ReinitializeFSM"
        case "EngineUp" | "EngineUpBadHealth" | "EngineStarting":
            return "EngineUnexpectedlyDown"
        case "EngineUnexpectedlyDown" | "ReinitializeFSM":
            return state if view.seconds < RETRY_SECONDS else "EngineDown"
        case "EngineDown" if _best(view) and not _runs_elsewhere(view):
            return "EngineStart"
    return "EngineDown"
