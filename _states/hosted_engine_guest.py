"""The engine's guest, while it is the bootstrap VM."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("engine:fqdn")
def set_up(name: str) -> state.Goal:
    """
    Ensure that engine-setup is complete in the bootstrap VM, and that the engine is healthy.

    .. code-block:: yaml

        Engine is set up in the bootstrap VM:
          hosted_engine_guest.set_up:
            - name: engine.example.com
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now and now["setup"] == "done":
            return ("hosted_engine_guest.complete",)
        if now and now["setup"] == "complete":
            return ("hosted_engine_guest.wait_for_health",)
        # Open, or unknown: the wait covers both.
        return ("hosted_engine_guest.wait_for_setup",)

    return state.Goal(
        {"setup": "complete", "health": "ok"}, read=__salt__["hosted_engine_guest.get"], step=step
    )


@state.converging_own("engine:fqdn")
def prepared(name: str) -> state.Goal:
    """
    Ensure that the guest completes its configuration at its first boot on shared storage.

    .. code-block:: yaml

        Guest is prepared to run on shared storage:
          hosted_engine_guest.prepared:
            - name: engine.example.com
    """

    ids = __salt__["hosted_engine_deployment.ids"]()
    disk = str(ids["disks"]["configuration"]["image"])

    return state.Goal(
        {"handover": "enabled", "network": "final", "configuration_disk": "set"},
        read=lambda: __salt__["hosted_engine_guest.prepared"](disk),
        step=("hosted_engine_guest.prepare", disk),
    )
