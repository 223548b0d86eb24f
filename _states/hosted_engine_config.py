"""Configuration of the HA agent and broker."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("engine:fqdn")
def present(name: str) -> state.Goal:
    """
    Ensure that hosted-engine.conf and the configuration archive hold the formula's values.

    .. code-block:: yaml

        HA configuration is written:
          hosted_engine_config.present:
            - name: engine.example.com

    What an operator set by ``hosted-engine --set-shared-config`` stays:
    ``hosted_engine_config.wanted`` returns the keys that are the formula's. During a deployment the
    VM's fallback definition below /run belongs to it too.
    """
    wanted: state.Facts = __salt__["hosted_engine_config.wanted"]()

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        file = next(iter(state.drift(now, wanted))).partition(":")[0]
        if file.startswith("archive "):
            return ("hosted_engine_config.write_archive",)
        return "hosted_engine_config.write_file", file

    return state.Goal(wanted, read=__salt__["hosted_engine_config.get"], step=step)
