"""A deployment from a backup of an engine."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def sent(name: str) -> dict[str, Any]:
    """
    Ensure that the backup is in the guest, whole, before its setup begins.

    .. code-block:: yaml

        Backup is in the bootstrap VM:
          hosted_engine_restore.sent:
            - name: engine.example.com

    The guest restores it by itself, before engine-setup.
    """
    return state.converge(
        name,
        {"backup": "sent"},
        read=__salt__["hosted_engine_restore.get"],
        step=lambda _: ("hosted_engine_restore.send",),
        test=__opts__["test"],
        run=__salt__,
    )


def fencing_given_back(name: str) -> dict[str, Any]:
    """
    Ensure that the restored engine fences again, once it has started in its final place.

    .. code-block:: yaml

        Fencing is given back:
          hosted_engine_restore.fencing_given_back:
            - name: engine.example.com
    """

    def read() -> state.Facts:
        return {"seconds": __salt__["hosted_engine_restore.fencing"]()["now"]}

    return state.converge(
        name,
        lambda: {"seconds": __salt__["hosted_engine_restore.fencing"]()["before"]},
        read=read,
        step=lambda _: ("hosted_engine_restore.give_fencing_back",),
        test=__opts__["test"],
        run=__salt__,
    )
