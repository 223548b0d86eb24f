"""The gate before engine-setup in the guest."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def reached(name: str) -> dict[str, Any]:
    """
    Ensure that the guest answers and waits for its setup to begin.

    .. code-block:: yaml

        Bootstrap VM waits for its setup:
          hosted_engine_gate.reached:
            - name: engine.example.com
    """

    def read() -> state.Facts:
        return {"reached": __salt__["hosted_engine_gate.get"]()["gate"] in ("waiting", "open")}

    return state.converge(
        name,
        {"reached": True},
        read=read,
        step=lambda _: ("hosted_engine_gate.wait",),
        test=__opts__["test"],
        run=__salt__,
    )


def opened(name: str) -> dict[str, Any]:
    """
    Ensure that engine-setup may begin.

    .. code-block:: yaml

        engine-setup may begin:
          hosted_engine_gate.opened:
            - name: engine.example.com
    """
    return state.converge(
        name,
        {"gate": "open"},
        read=__salt__["hosted_engine_gate.get"],
        step=lambda _: ("hosted_engine_gate.release",),
        test=__opts__["test"],
        run=__salt__,
    )
