"""libvirt's daemon on this host."""

from __future__ import annotations

from ovirt_he.core import state


@state.converging
def monolithic(name: str) -> state.Goal:
    """
    Ensure that libvirtd is running, and none of the daemons that would take its place.

    .. code-block:: yaml

        libvirtd is running:
          hosted_engine_libvirt.monolithic
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now and now["modular"]:
            return ("hosted_engine_libvirt.mask_modular",)
        if now and now["answers"] == "login wanted":
            return "hosted_engine_libvirt.enable_tls", address
        return ("hosted_engine_libvirt.start",)

    address = __salt__["hosted_engine.settings"]()["host"]["address"]
    return state.Goal(
        {"modular": [], "answers": True}, read=__salt__["hosted_engine_libvirt.get"], step=step
    )


@state.converging
def reachable(name: str) -> state.Goal:
    """
    Ensure that libvirt answers on TLS, at the address that the engine added the host with.

    .. code-block:: yaml

        libvirt answers on TLS:
          hosted_engine_libvirt.reachable:
            - name: node1.example.com

    Where vdsm left it so, nothing is done. Otherwise the daemon is restarted with its TLS socket.
    """
    return state.Goal(
        {"tls": True},
        read=lambda: {"tls": __salt__["hosted_engine_libvirt.tls"](name)},
        step=("hosted_engine_libvirt.enable_tls", name, True),
    )
