"""The bootstrap VM's NAT network."""

from __future__ import annotations

from ovirt_he.core import state
from ovirt_he.host import firewalld


@state.converging
def up(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM's network is up, reachable, and open towards the host.

    .. code-block:: yaml

        Bootstrap network is up:
          hosted_engine_network.up:
            - name: hosted-engine

    Subnet, its family and the MAC address come from the pillar; libvirt's network ``default`` isn't
    touched. Where no firewalld runs, the comment reports it.
    """

    def step(now: state.Facts | None, _: list[str]) -> state.Step:
        if now is None or now["mac"] != mac or now["family"] != family:
            return "hosted_engine_network.define", name
        if not now["active"]:
            return "hosted_engine_network.start", name
        if not now["rule"]:
            return "hosted_engine_network.add_rule", name
        return "hosted_engine_network.open_firewall", name

    mac = __salt__["hosted_engine.settings"]()["vm"]["mac"]
    family = __salt__["hosted_engine_network.family"]()
    return state.Goal(
        {"mac": mac, "family": family, "active": True, "rule": True, "firewall": "open"},
        read=lambda: __salt__["hosted_engine_network.get"](name),
        step=step,
        remark=lambda now: "" if now["firewalld"] else firewalld.ABSENT,
    )


@state.converging
def absent(name: str) -> state.Goal:
    """
    Ensure that the bootstrap VM's network and its routing rules are gone.

    .. code-block:: yaml

        Bootstrap network is removed:
          hosted_engine_network.absent:
            - name: hosted-engine
    """
    return state.Goal(
        None,
        read=lambda: __salt__["hosted_engine_network.get"](name),
        step=("hosted_engine_network.remove", name),
    )
