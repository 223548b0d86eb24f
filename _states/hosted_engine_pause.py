"""Pauses before a phase."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def passed(name: str) -> dict[str, Any]:
    """
    Ensure that a run was held up before the phase ``name``, once.

    .. code-block:: yaml

        Pause before handover is over:
          hosted_engine_pause.passed:
            - name: handover

    The run that finds it open ends here, with the result False and a comment that says PAUSE; what
    requires this state doesn't run. The next run goes on. Test mode uses no pause up.
    """
    return state.converge(
        name,
        {"passed": True},
        read=lambda: __salt__["hosted_engine_pause.get"](name),
        step=lambda _: ("hosted_engine_pause.stop", name),
        test=__opts__["test"],
        run=__salt__,
    )
