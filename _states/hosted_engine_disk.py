"""The disks that are filled once, on the way to a deployment."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state


def copied(name: str) -> dict[str, Any]:
    """
    Ensure that the bootstrap VM's disk lies whole on the shared storage.

    .. code-block:: yaml

        Bootstrap VM's disk is copied:
          hosted_engine_disk.copied:
            - name: HostedEngine
            - unless:
              - fun: hosted_engine.deployed

    ``name`` is the VM whose disk is written. Only on the way: the module refuses on a deployed
    host, and where either VM may run.
    """
    return _once(name, "vm", {"copied": True}, "hosted_engine_disk.copy")


def cleared(name: str) -> dict[str, Any]:
    """
    Ensure that HA's metadata hold nothing that stops the broker.

    .. code-block:: yaml

        Metadata of HA are empty:
          hosted_engine_disk.cleared:
            - name: metadata
            - unless:
              - fun: hosted_engine.deployed

    All 8,196,096 bytes that the broker reads are zeroed and read back.
    """
    return _once(name, "metadata", {"zeroed": True}, "hosted_engine_disk.clear_metadata")


def _once(name: str, disk: str, wanted: state.Facts, verb: str) -> dict[str, Any]:
    return state.converge(
        name,
        wanted,
        read=lambda: __salt__["hosted_engine_disk.get"](disk),
        step=lambda now: (verb,),
        test=__opts__["test"],
        run=__salt__,
    )
