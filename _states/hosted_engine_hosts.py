"""The engine's name in the host's hosts file, while the engine is in the bootstrap VM."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from salt.exceptions import CommandExecutionError


def present(name: str, address: str = "") -> dict[str, Any]:
    """
    Ensure that the host finds the engine in the bootstrap VM.

    .. code-block:: yaml

        Host finds the engine in the bootstrap VM:
          hosted_engine_hosts.present:
            - name: engine.example.com

    Without an ``address`` it's the guest's on its NAT network. A line of someone else's for this
    name is left alone; where it leads elsewhere, that is an error.
    """

    def step(now: state.Facts | None) -> state.Step:
        wanted = facts()["address"]
        if now and not now["ours"]:
            raise CommandExecutionError(
                f"/etc/hosts says that {name} is {now['address']}, the bootstrap VM is at {wanted}."
                " The line isn't ours: take it out (DNS knows the engine), or comment it out until "
                "the engine is deployed"
            )
        return "hosted_engine_hosts.add", name, wanted

    def facts() -> state.Facts:
        return {"address": address or __salt__["hosted_engine_network.address"]()}

    return state.converge(
        name,
        facts,
        read=lambda: __salt__["hosted_engine_hosts.get"](name),
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )


def absent(name: str) -> dict[str, Any]:
    """
    Ensure that no line of ours is left in the host's hosts file.

    .. code-block:: yaml

        Host finds the engine in its final place:
          hosted_engine_hosts.absent:
            - name: engine.example.com
    """
    return state.converge(
        name,
        None,
        read=lambda: (
            {"lines": lines} if (lines := __salt__["hosted_engine_hosts.ours"]()) else None
        ),
        step=lambda _: ("hosted_engine_hosts.remove",),
        test=__opts__["test"],
        run=__salt__,
    )
