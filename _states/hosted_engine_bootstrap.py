"""The bootstrap VM."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.core.errors import NotYet


@state.converging
def running(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM runs on a disk that can be trusted.

    .. code-block:: yaml

        Bootstrap VM is running:
          hosted_engine_bootstrap.running:
            - name: HostedEngineLocal

    A VM whose setup wasn't seen complete, and that was interrupted, failed, or is made from other
    settings, is rebuilt without being booted again. One whose setup is complete is started.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None or now["disk"] == "absent":
            # Defined, but its disk is gone: the definition may be another disk's.
            if now and now["defined"]:
                return "hosted_engine_bootstrap.rebuild", name
            return "hosted_engine_bootstrap.make_overlay", name
        if now["disk"] != "trusted":
            return "hosted_engine_bootstrap.rebuild", name
        if not now["defined"]:
            return "hosted_engine_bootstrap.define", name
        return "hosted_engine_bootstrap.start", name

    return state.Goal(
        {"disk": "trusted", "defined": True, "state": "running"},
        read=lambda: __salt__["hosted_engine_bootstrap.get"](name),
        step=step,
    )


@state.converging
def off(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM is shut down, in good order, for its disk to be copied.

    .. code-block:: yaml

        Bootstrap VM is shut down:
          hosted_engine_bootstrap.off:
            - name: HostedEngineLocal
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None or now["setup"] != "complete":
            raise NotYet(
                f"{name} isn't there, or its setup isn't complete: nothing to shut down. "
                "salt-call --local state.apply hosted_engine.bootstrap sets it up"
            )
        return "hosted_engine_bootstrap.shut_down", name

    return state.Goal(
        {"state": "shutoff"}, read=lambda: __salt__["hosted_engine_bootstrap.get"](name), step=step
    )


@state.converging
def absent(name: str) -> state.Goal:
    """
    Ensure that libvirt doesn't know the bootstrap VM any more; its files are ``cleared``'s.

    .. code-block:: yaml

        Bootstrap VM is removed:
          hosted_engine_bootstrap.absent:
            - name: HostedEngineLocal
    """

    def read() -> state.Facts | None:
        seen = __salt__["hosted_engine_bootstrap.state"](name)
        return None if seen is None else {"state": seen}

    return state.Goal(None, read=read, step=("hosted_engine_bootstrap.undefine", name))


@state.converging
def cleared(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM's directory is gone, with image, disk, seed and keys.

    .. code-block:: yaml

        Bootstrap directory is removed:
          hosted_engine_bootstrap.cleared:
            - name: /var/lib/hosted-engine/bootstrap

    Files that aren't the formula's are left there and reported.
    """
    return state.Goal(
        None,
        read=lambda: __salt__["hosted_engine_bootstrap.left"](name),
        step=("hosted_engine_bootstrap.clear", name),
    )
