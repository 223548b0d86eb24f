"""The disks that are written once, during a deployment."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging_own("vm:name")
def copied(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM's disk is copied completely to the shared storage.

    .. code-block:: yaml

        Engine disk is copied to shared storage:
          hosted_engine_disk.copied:
            - name: HostedEngine
            - unless:
              - fun: hosted_engine.deployed

    ``name`` is the VM whose disk is written. Only during a deployment: the module refuses on a
    deployed host, and where either VM may run.
    """
    return _once("vm", {"copied": True}, "hosted_engine_disk.copy")


@state.converging
def cleared(name: str) -> state.Goal:
    """
    Ensure that HA's metadata hold nothing that would stop the broker.

    .. code-block:: yaml

        HA metadata is empty:
          hosted_engine_disk.cleared:
            - name: metadata
            - unless:
              - fun: hosted_engine.deployed

    All 8,196,096 bytes that the broker reads are zeroed and read back.
    """
    state.refuse_other(name, "metadata", "the disk to be cleared")
    return _once("metadata", {"zeroed": True}, "hosted_engine_disk.clear_metadata")


def _once(disk: str, wanted: state.Facts, verb: str) -> state.Goal:
    return state.Goal(wanted, read=lambda: __salt__["hosted_engine_disk.get"](disk), step=(verb,))
