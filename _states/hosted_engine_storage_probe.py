"""The hosted engine's storage can be used, looked at with this host's own tools."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.core.errors import NotYet
from ovirt_he.preflight import check
from salt.exceptions import CommandExecutionError


@state.converging_own("storage:name")
def usable(name: str) -> state.Goal:
    """
    Ensure that the pillar's storage can hold a hosted engine, before an engine is there to try it.

    .. code-block:: yaml

        Hosted engine storage is usable:
          hosted_engine_storage_probe.usable:
            - name: hosted_storage
            - unless:
              - fun: hosted_engine.deployed

    Preflight looks as well, on a bare host without the tools for it. Fails with every problem at
    once, in test mode too. Those of checks that ``preflight:ignore`` names are in the comment, and
    what couldn't be looked at from this host.
    """

    def read() -> state.Facts:
        if __opts__["test"] and not __salt__["hosted_engine.stage"]()["packages"]:
            raise NotYet("The packages that bring the tools for it aren't installed yet")
        return dict(__salt__["hosted_engine_storage_probe.examine"]())

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        raise CommandExecutionError(check.as_text(now["problems"] if now else []))

    return state.Goal({"problems": []}, read, step, remark=check.remark)
