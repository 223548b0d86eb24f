"""The bootstrap VM's NAT network."""

from __future__ import annotations

from typing import Any

import hosted_engine_state as state


def up(name: str) -> dict[str, Any]:
    """
    Ensure that the bootstrap VM's network is up, reachable, and open towards the host.

    .. code-block:: yaml

        Bootstrap network is up:
          hosted_engine_network.up:
            - name: hosted-engine

    Subnet and MAC come from the pillar; libvirt's network ``default`` isn't touched.
    """

    def step(now: state.Facts | None) -> state.Step:
        if now is None or now["mac"] != mac:
            return "hosted_engine_network.define", name
        if not now["active"]:
            return "hosted_engine_network.start", name
        if not now["rule"]:
            return "hosted_engine_network.add_rule", name
        return "hosted_engine_network.open_firewall", name

    mac = __salt__["hosted_engine.settings"]()["vm"]["mac"]
    return state.converge(
        name,
        {"mac": mac, "active": True, "rule": True, "firewall": "open"},
        read=lambda: __salt__["hosted_engine_network.get"](name),
        step=step,
        test=__opts__["test"],
        run=__salt__,
    )


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
