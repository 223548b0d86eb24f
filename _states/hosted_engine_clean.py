"""Removal of a failed or unwanted deployment; of a healthy one only if the pillar asks for it."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from ovirt_he.host import routes
from salt.exceptions import CommandExecutionError


@state.converging_own("engine:fqdn")
def allowed(name: str) -> state.Goal:
    """
    Ensure that this host's deployment may be taken down.

    .. code-block:: yaml

        Removal of the deployment is allowed:
          hosted_engine_clean.allowed:
            - name: engine.example.com

    Fails on a deployed host, unless the pillar key ``clean`` names its engine.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        raise CommandExecutionError((now or {})["refusal"])

    return state.Goal(
        {"refusal": None},
        read=lambda: {"refusal": __salt__["hosted_engine_clean.refusal"]()},
        step=step,
    )


@state.converging_own("vm:name")
def engine_stopped(name: str) -> state.Goal:
    """
    Ensure that the engine's VM on shared storage is gone from this host.

    .. code-block:: yaml

        Hosted engine VM is stopped:
          hosted_engine_clean.engine_stopped:
            - name: HostedEngine
    """

    def read() -> state.Facts | None:
        found = __salt__["hosted_engine_clean.engine_vm"]()
        return None if found is None else {"state": found}

    return _gone(read, "hosted_engine_clean.stop_engine_vm")


@state.converging_own("storage:name")
def storage_recorded(name: str) -> state.Goal:
    """
    Ensure that what the engine made on the storage is on record, before its VM is removed.

    .. code-block:: yaml

        Deployment storage is recorded:
          hosted_engine_clean.storage_recorded:
            - name: hosted_storage
    """

    def read() -> state.Facts | None:
        found = __salt__["hosted_engine_clean.unrecorded"]()
        return None if found is None else {"unrecorded": found}

    return _gone(read, "hosted_engine_clean.record_storage")


@state.converging_own("storage:name")
def storage_removed(name: str) -> state.Goal:
    """
    Ensure that nothing of this deployment is left on the storage.

    .. code-block:: yaml

        Deployment storage domain is removed:
          hosted_engine_clean.storage_removed:
            - name: hosted_storage
    """
    read = __salt__["hosted_engine_clean.storage"]
    return _gone(read, "hosted_engine_clean.remove_storage")


@state.converging_own("engine:fqdn")
def key_removed(name: str) -> state.Goal:
    """
    Ensure that the engine can't sign in to this host any more.

    .. code-block:: yaml

        Engine SSH key is removed:
          hosted_engine_clean.key_removed:
            - name: engine.example.com
    """

    def read() -> state.Facts | None:
        found = __salt__["hosted_engine_clean.key"]()
        return None if found is None else {"key": found}

    return _gone(read, "hosted_engine_clean.remove_key")


@state.converging_own("host:name")
def routes_kept(name: str) -> state.Goal:
    """
    Ensure that the host has the routes it had before it was added to the engine.

    .. code-block:: yaml

        Host routes are restored:
          hosted_engine_clean.routes_kept:
            - name: node1.example.com

    The management bridge stays: it has the host's address, and the next deployment uses it.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        lost = (now or {})["routes"] == routes.LOST
        return ("ovirt_host.restore_routes" if lost else "vdsm.save_network",)

    def read() -> state.Facts:
        now = __salt__["ovirt_host.routes"]()
        # The network as it was before the engine's is as good.
        return {"routes": routes.THERE if now == routes.ROLLED_BACK else now}

    return state.Goal({"routes": routes.THERE}, read=read, step=step)


def _gone(read: Any, verb: str) -> state.Goal:
    return state.Goal(None, read, (verb,))
