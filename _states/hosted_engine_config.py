"""The hosted engine's configuration is where the HA agent and broker look for it."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def present(name: str) -> dict[str, Any]:
    """
    Ensure that hosted-engine.conf and the configuration archive hold what is ours in them.

    .. code-block:: yaml

        Configuration of the hosted engine is written:
          hosted_engine_config.present:
            - name: engine.example.com

    ``name`` is for people. What an operator set by ``hosted-engine --set-shared-config`` stays:
    ``hosted_engine_config.wanted`` tells which keys are ours. On the way to a deployment the VM's
    fallback definition below /run belongs to it too.
    """
    wanted: state.Facts = {}

    def expect() -> state.Facts:
        wanted.update(__salt__["hosted_engine_config.wanted"]())
        return wanted

    def step(now: state.Facts | None) -> state.Step:
        file = next(iter(state.drift(now, wanted))).partition(":")[0]
        if file.startswith("archive "):
            return ("hosted_engine_config.write_archive",)
        return "hosted_engine_config.write_file", file

    return state.converge(
        name,
        expect,
        read=__salt__["hosted_engine_config.get"],
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
