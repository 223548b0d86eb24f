"""A site's hooks."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def ran(name: str) -> state.Goal:
    """
    Ensure that the hooks of the moment ``name`` have run in this deployment, one after the other.

    .. code-block:: yaml

        Hooks guest_after_setup have run:
          hosted_engine_hook.ran:
            - name: guest_after_setup

    One that fails stops the run; the next run starts with it.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        due = next(item for item, status in (now or {}).items() if status != "done")
        return "hosted_engine_hook.run", name, due

    return state.Goal(
        lambda now: dict.fromkeys(now or {}, "done"),
        read=lambda: dict(__salt__["hosted_engine_hook.get"](name)),
        step=step,
    )
