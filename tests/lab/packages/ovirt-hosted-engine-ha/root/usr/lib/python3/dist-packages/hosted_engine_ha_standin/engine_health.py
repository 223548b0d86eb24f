"""What a host publishes of the engine: the VM, its health, and why."""

from __future__ import annotations

UNKNOWN = {
    "vm": "unknown",
    "health": "unknown",
    "detail": "unknown",
    "reason": "failed to getVmStats",
}
# Where vdsm knows no such VM; any other word of vdsm is a failure to find out.
MISSING = "missing"


class EngineHealth:
    """
    Remembers what the VM was: one that was never up here is ``down``, one that vdsm forgot
    ``down_missing``, one that vdsm shows as down after it was up ``down_unexpected``.
    """

    def __init__(self) -> None:
        self.vm = "down"

    def report(self, vm_status: str | None, healthy: bool) -> dict[str, str]:
        """The engine's status, from vdsm's of the VM (``missing``, or None: vdsm can't say)."""
        if vm_status is None:
            return dict(UNKNOWN)
        if vm_status == MISSING:
            self.vm = "down_missing" if self.vm == "up" else self.vm
            return self._bad("vm not running on this host", "unknown")
        if vm_status == "Down":
            self.vm = "down_unexpected" if self.vm != "down" else self.vm
            return self._bad("bad vm status", vm_status)
        self.vm = "up"
        if vm_status in ("Paused", "WaitForLaunch"):
            return self._bad("bad vm status", vm_status)
        if not healthy:
            return self._bad("failed liveliness check", vm_status)
        return {"vm": self.vm, "health": "good", "detail": vm_status}

    def _bad(self, reason: str, detail: str) -> dict[str, str]:
        return {"reason": reason, "health": "bad", "vm": self.vm, "detail": detail}
