"""The seed from which the bootstrap VM sets itself up."""

from __future__ import annotations

from ovirt_he.core import state
from salt.exceptions import CommandExecutionError


@state.converging
def present(name: str) -> state.Goal:
    """
    Ensure that the seed CD matches the pillar, and that only root can read it.

    .. code-block:: yaml

        Bootstrap VM has a seed:
          hosted_engine_seed.present:
            - name: /var/lib/hosted-engine/bootstrap/seed.iso

    Its network must be there: the guest's address is part of it. Once the guest's setup is
    complete, changed settings are refused: the guest wouldn't see them any more.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now and now["setup"] == "complete" and now["content"] != "current":
            raise CommandExecutionError(
                "The pillar (engine, vm, host or secrets) or the seed changed after the guest had "
                "been set up with it. Restore it, or start over: "
                "salt-call --local state.apply hosted_engine.clean"
            )
        return "hosted_engine_seed.make", name

    return state.Goal(
        {"content": "current", "mode": "0600"},
        read=lambda: __salt__["hosted_engine_seed.get"](name),
        step=step,
    )
