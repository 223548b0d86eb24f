"""The gate before engine-setup in the guest."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("engine:fqdn")
def reached(name: str) -> state.Goal:
    """
    Ensure that the guest answers and waits for its setup to begin.

    .. code-block:: yaml

        Bootstrap VM is ready for engine-setup:
          hosted_engine_gate.reached:
            - name: engine.example.com
    """

    def read() -> state.Facts:
        return {"reached": __salt__["hosted_engine_gate.get"]()["gate"] in ("waiting", "open")}

    return state.Goal({"reached": True}, read=read, step=("hosted_engine_gate.wait",))


@state.converging_own("engine:fqdn")
def opened(name: str) -> state.Goal:
    """
    Ensure that engine-setup is allowed to start.

    .. code-block:: yaml

        engine-setup is allowed to start:
          hosted_engine_gate.opened:
            - name: engine.example.com
    """
    return state.Goal(
        {"gate": "open"},
        read=__salt__["hosted_engine_gate.get"],
        step=("hosted_engine_gate.release",),
    )
