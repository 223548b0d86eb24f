"""Pauses before a phase."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def passed(name: str) -> state.Goal:
    """
    Ensure that one run has stopped before the phase ``name``.

    .. code-block:: yaml

        Pause before handover is over:
          hosted_engine_pause.passed:
            - name: handover

    The first run ends here, with the result False and a comment that says PAUSE; what
    requires this state doesn't run. The next run continues. Test mode doesn't count as a run.
    """
    return state.Goal(
        {"passed": True},
        read=lambda: __salt__["hosted_engine_pause.get"](name),
        step=("hosted_engine_pause.stop", name),
    )
