"""The hosted engine's storage can be used, looked at with this host's own tools."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from ovirt_he.preflight import check as checks
from salt.exceptions import CommandExecutionError


def usable(name: str) -> dict[str, Any]:
    """
    Ensure that the pillar's storage can hold a hosted engine, before an engine is there to try it.

    .. code-block:: yaml

        Hosted engine storage can be used:
          hosted_engine_storage_probe.usable:
            - name: hosted_storage
            - unless:
              - fun: hosted_engine.deployed

    Preflight looks as well, on a bare host without the tools for it. Fails with every problem at
    once, in test mode too. Those of checks that ``preflight:ignore`` names are in the comment, and
    what couldn't be looked at from this host.
    """
    more: list[str] = []

    def read() -> state.Facts:
        if __opts__["test"] and not __salt__["hosted_engine.stage"]()["packages"]:
            raise state.NotYet("The packages that bring the tools for it aren't installed yet")
        found = __salt__["hosted_engine_storage_probe.examine"]()
        more[:] = filter(None, [checks.as_text(found["ignored"], checks.IGNORED), *found["notes"]])
        return {"problems": found["problems"]}

    def step(now: state.Facts | None) -> state.Step:
        raise CommandExecutionError(checks.as_text(now["problems"] if now else []))

    result = state.converge(
        name, {"problems": []}, read=read, step=step, test=__opts__["test"], run=__salt__
    )
    result["comment"] = "\n".join([result["comment"], *more])
    return result
