"""The engine's name in the host's hosts file, while the engine is in the bootstrap VM."""

from __future__ import annotations

from ovirt_he.core import state
from salt.exceptions import CommandExecutionError


@state.converging
def present(name: str, address: str = "") -> state.Goal:
    """
    Ensure that the host finds the engine in the bootstrap VM.

    .. code-block:: yaml

        Host finds the engine in the bootstrap VM:
          hosted_engine_hosts.present:
            - name: engine.example.com

    Without an ``address`` it is the guest's on its NAT network. Another line for this name
    isn't changed; if its address differs, that is an error.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        wanted = facts(now)["address"]
        if now and not now["ours"]:
            raise CommandExecutionError(
                f"/etc/hosts has {name} at {now['address']}, the bootstrap VM is at {wanted}."
                " The line isn't the formula's: remove it (DNS has the engine), or comment it out "
                "until the engine is deployed"
            )
        return "hosted_engine_hosts.add", name, wanted

    def facts(_: state.Facts | None) -> state.Facts:
        return {"address": address or __salt__["hosted_engine_network.address"]()}

    return state.Goal(facts, read=lambda: __salt__["hosted_engine_hosts.get"](name), step=step)


@state.converging_own("engine:fqdn")
def absent(name: str) -> state.Goal:
    """
    Ensure that no line of the formula is left in the host's hosts file.

    .. code-block:: yaml

        Engine name no longer resolves to the bootstrap VM:
          hosted_engine_hosts.absent:
            - name: engine.example.com
    """
    return state.Goal(
        None, read=__salt__["hosted_engine_hosts.ours"], step=("hosted_engine_hosts.remove",)
    )
