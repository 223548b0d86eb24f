"""A deployment from a backup of an engine."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("restore:backup")
def sent(name: str) -> state.Goal:
    """
    Ensure that the complete backup is in the guest before its setup begins.

    .. code-block:: yaml

        Backup is copied to the bootstrap VM:
          hosted_engine_restore.sent:
            - name: /root/engine-backup.tar

    The guest restores it by itself, before engine-setup.
    """
    return state.Goal(
        {"backup": "sent"},
        read=__salt__["hosted_engine_restore.get"],
        step=("hosted_engine_restore.send",),
    )


@state.converging_own("engine:fqdn")
def fencing_restored(name: str) -> state.Goal:
    """
    Ensure that the restored engine fences again once it has started on shared storage.

    .. code-block:: yaml

        Fencing is restored:
          hosted_engine_restore.fencing_restored:
            - name: engine.example.com
    """

    fencing = __salt__["hosted_engine_restore.fencing"]
    return state.Goal(
        lambda _: {"seconds": fencing()["before"]},
        read=lambda: {"seconds": fencing()["now"]},
        step=("hosted_engine_restore.restore_fencing",),
    )
