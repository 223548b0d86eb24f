"""Hooks of a site's own."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def ran(name: str) -> dict[str, Any]:
    """
    Ensure that the hooks of the moment ``name`` have run in this deployment, one after the other.

    .. code-block:: yaml

        Hooks guest_after_setup have run:
          hosted_engine_hook.ran:
            - name: guest_after_setup

    One that fails stops the run; the next run starts at it again.
    """

    def read() -> state.Facts:
        return dict(__salt__["hosted_engine_hook.get"](name))

    def step(now: state.Facts | None) -> state.Step:
        due = next(item for item, seen in (now or {}).items() if seen != "done")
        return "hosted_engine_hook.run", name, due

    return state.converge(
        name,
        lambda: dict.fromkeys(read(), "done"),
        read=read,
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
