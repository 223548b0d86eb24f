"""The engine's guest, while it is the bootstrap VM."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def set_up(name: str) -> dict[str, Any]:
    """
    Ensure that engine-setup was seen complete in the bootstrap VM, and that the engine is healthy.

    .. code-block:: yaml

        Engine is set up in the bootstrap VM:
          hosted_engine_guest.set_up:
            - name: engine.example.com
    """

    def step(now: state.Facts | None) -> state.Step:
        if now and now["setup"] == "done":
            return ("hosted_engine_guest.complete",)
        if now and now["setup"] == "complete":
            return ("hosted_engine_guest.wait_for_health",)
        # Open, or unknown: that waits for an answer, too.
        return ("hosted_engine_guest.wait_for_setup",)

    return state.converge(
        name,
        {"setup": "complete", "health": "ok"},
        read=__salt__["hosted_engine_guest.get"],
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )


def prepared(name: str) -> dict[str, Any]:
    """
    Ensure that the guest makes itself final at its first boot in its final place.

    .. code-block:: yaml

        Guest is prepared for its final place:
          hosted_engine_guest.prepared:
            - name: engine.example.com
    """

    def disk() -> str:
        ids = __salt__["hosted_engine_deployment.ids"]()
        return str(ids["disks"]["configuration"]["image"])

    return state.converge(
        name,
        {"handover": "enabled", "network": "final", "configuration_disk": "told"},
        read=lambda: __salt__["hosted_engine_guest.prepared"](disk()),
        step=lambda _: ("hosted_engine_guest.prepare", disk()),
        test=__opts__["test"],
        run=__salt__,
    )
