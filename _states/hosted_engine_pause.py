"""Pauses before a phase."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def passed(name: str) -> state.Goal:
    """
    Ensure that a run was held up before the phase ``name``, once.

    .. code-block:: yaml

        Pause before handover is over:
          hosted_engine_pause.passed:
            - name: handover

    The run that finds it open ends here, with the result False and a comment that says PAUSE; what
    requires this state doesn't run. The next run goes on. Test mode uses no pause up.
    """
    return state.Goal(
        {"passed": True},
        read=lambda: __salt__["hosted_engine_pause.get"](name),
        step=("hosted_engine_pause.stop", name),
    )
