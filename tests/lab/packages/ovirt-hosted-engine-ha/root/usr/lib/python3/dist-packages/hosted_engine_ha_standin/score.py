"""A host's score: base and penalties have the real agent's values."""

from __future__ import annotations

from dataclasses import dataclass

BASE = 3400
NETWORK_PENALTY = 1600
CPU_LOAD_PENALTY = 1000
BRIDGE_PENALTY = 600
FREE_MEMORY_PENALTY = 400
# For each failed start; after more of them than that the score is 0, until so long after the last.
FAILED_START_PENALTY, MOST_FAILED_STARTS, FAILED_START_SECONDS = 50, 3, 600
NO_SCORE = ("LocalMaintenance", "EngineUnexpectedlyDown", "ReinitializeFSM", "AgentStopped")
# The penalty for CPU load grows from nothing at the first to all of it at the second.
CPU_LOAD_MIN, CPU_LOAD_MAX = 0.4, 0.9


@dataclass(frozen=True)
class Measured:
    """What the monitors found; ``None``: vdsm didn't answer."""

    # Share of the network tests that passed, and of all CPUs' time without the engine's VM.
    network: float = 1.0
    cpu_load: float = 0.0
    bridge: bool = True
    free_memory_mib: int | None = None


def penalties(
    measured: Measured, state: str, vm_memory_mib: int, failed_starts: int = 0
) -> dict[str, int]:
    """What is taken off, by reason."""
    busy = (measured.cpu_load - CPU_LOAD_MIN) / (CPU_LOAD_MAX - CPU_LOAD_MIN)
    # Where the VM has its memory already, or isn't to be started, free memory doesn't count.
    counts = state not in ("EngineUp", "EngineUpBadHealth", "GlobalMaintenance")
    short = counts and (measured.free_memory_mib or 0) < vm_memory_mib
    hopeful = failed_starts <= MOST_FAILED_STARTS
    found = {
        "network status": int((1 - measured.network) * NETWORK_PENALTY),
        "mgmt bridge status": 0 if measured.bridge else BRIDGE_PENALTY,
        "cpu load": int(max(0.0, min(1.0, busy)) * CPU_LOAD_PENALTY),
        "free memory": FREE_MEMORY_PENALTY if short else 0,
        "failed starts": failed_starts * FAILED_START_PENALTY if hopeful else BASE,
    }
    return {reason: penalty for reason, penalty in found.items() if penalty}


def score(taken: dict[str, int], state: str) -> int:
    """Never below 0; 0 in the states in which this host is to have no VM."""
    if state in NO_SCORE:
        return 0
    return max(0, BASE - sum(taken.values()))
