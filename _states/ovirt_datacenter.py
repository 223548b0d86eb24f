"""Data centers of the engine, as they should be."""

from __future__ import annotations

from typing import Any

import hosted_engine_state as state
from salt.exceptions import CommandExecutionError


def present(name: str) -> dict[str, Any]:
    """
    Ensure that a data center for shared storage exists.

    .. code-block:: yaml

        Data center of the hosted engine is there:
          ovirt_datacenter.present:
            - name: Default

    One that exists is used as it is.
    """

    def step(now: state.Facts | None) -> state.Step:
        if now is not None:
            raise CommandExecutionError(
                f"The data center {name} is for local storage, which can't hold a hosted engine: "
                "choose another in hosted_engine:datacenter:name"
            )
        return "ovirt_datacenter.add", name

    return state.converge(
        name,
        {"name": name, "local": False},
        read=lambda: __salt__["ovirt_datacenter.get"](name),
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
