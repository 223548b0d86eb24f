"""The bootstrap VM's NAT network."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import state
from ovirt_he.host import firewall


def up(name: str) -> dict[str, Any]:
    """
    Ensure that the bootstrap VM's network is up, reachable, and open towards the host.

    .. code-block:: yaml

        Bootstrap network is up:
          hosted_engine_network.up:
            - name: hosted-engine

    Subnet, its family and the MAC address come from the pillar; libvirt's network ``default`` isn't
    touched. Where no firewalld runs, the comment says so.
    """

    seen: state.Facts | None = None

    def step(now: state.Facts | None) -> state.Step:
        if now is None or now["mac"] != mac or now["family"] != family:
            return "hosted_engine_network.define", name
        if not now["active"]:
            return "hosted_engine_network.start", name
        if not now["rule"]:
            return "hosted_engine_network.add_rule", name
        return "hosted_engine_network.open_firewall", name

    def read() -> state.Facts | None:
        nonlocal seen
        seen = __salt__["hosted_engine_network.get"](name)
        return seen

    mac = __salt__["hosted_engine.settings"]()["vm"]["mac"]
    family = __salt__["hosted_engine_network.family"]()
    result = state.converge(
        name,
        {"mac": mac, "family": family, "active": True, "rule": True, "firewall": "open"},
        read=read,
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )
    if seen and not seen["firewalld"]:
        result["comment"] += f"; {firewall.ABSENT}"
    return result


def absent(name: str) -> dict[str, Any]:
    """
    Ensure that the bootstrap VM's network and its routing rules are gone.

    .. code-block:: yaml

        Bootstrap network is gone:
          hosted_engine_network.absent:
            - name: hosted-engine
    """
    return state.converge(
        name,
        None,
        read=lambda: __salt__["hosted_engine_network.get"](name),
        step=lambda _: ("hosted_engine_network.remove", name),
        test=__opts__["test"],
        run=__salt__,
    )
