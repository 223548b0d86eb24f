"""
Checks of preflight: what the management interface is made of, as ``ip -d -j`` tells it.

Kinds, bond modes and VLAN ids are read from there; a name says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hosted_engine_preflight import Check, Host, Problem, problem

Link = dict[str, Any]
KEY = "host:interface"
# Those under a bridge of VMs: the others give packets another MAC address, or another order.
BOND_MODES = ("active-backup", "balance-xor", "broadcast", "802.3ad")
# The engine can't put its bridge on these: what is wrong, what to do.
REFUSED = {
    "team": ("a team, which vdsm doesn't know", "Make it a bond: nmcli connection add type bond"),
    "bridge": (
        "a bridge of this host's own, and the engine makes one itself",
        "Take the bridge away: its address belongs on the interface below it",
    ),
    "openvswitch": ("a port of Open vSwitch", "Give the address to the interface below it"),
    "macvlan": ("a macvlan", "Give the address to the interface below it"),
    "ipvlan": ("an ipvlan", "Give the address to the interface below it"),
    "tun": ("a tunnel", "Name an interface of the local network"),
    "wireguard": ("a tunnel", "Name an interface of the local network"),
}


def kind_of_interface(host: Host) -> Iterator[Problem]:
    """A plain interface, a bond in one of four modes, or a VLAN on either."""
    link = _link(host, host.interface)
    # Once vdsm made its bridge, it has judged what is below that.
    if link is None or link["ifname"] == host.settings["network"]["name"]:
        return
    for each in (link, _below(host, link)):
        if each is not None:
            yield from _refused(each)
            yield from _bond(host, each)


def vlan(host: Host) -> Iterator[Problem]:
    """The VLAN that the address is in, and that of the engine's network, are the same."""
    link = _link(host, host.interface)
    if link is None or link["ifname"] == host.settings["network"]["name"]:
        return
    name, wanted = link["ifname"], host.settings["network"]["vlan"]
    seen = int(_data(link).get("id", 0)) if _kind(link) == "vlan" else 0
    if seen == wanted:
        return
    if not seen:
        what = f"{wanted}, but {name} carries no VLAN: its packets have no tag"
        advice = f"Make a VLAN interface with the id {wanted} on {name}, or take network:vlan out"
    elif not wanted:
        what = f"not set, but {name} is in the VLAN {seen}: the engine's network would have no tag"
        advice = f"Set network:vlan: {seen}"
    else:
        what = f"{wanted}, but {name} is in the VLAN {seen}"
        advice = "Mend one of them, or name another host:interface"
    yield problem("network:vlan", what, advice)


def mtu(host: Host) -> Iterator[Problem]:
    """vdsm sets the interface's MTU to the network's, as far as that can be."""
    link = _link(host, host.interface)
    wanted = host.settings["network"]["mtu"]
    # 0: the driver names no limit.
    largest = int(link.get("max_mtu", 0)) if link is not None else 0
    if link is not None and wanted > largest > 0:
        what = f"{wanted}, but {link['ifname']} carries {largest} at most"
        yield problem("network:mtu", what, "Ask for less; the switch has a limit of its own too")


def _refused(link: Link) -> Iterator[Problem]:
    if said := REFUSED.get(_kind(link)):
        yield problem(KEY, f"{link['ifname']} is {said[0]}", said[1])


def _bond(host: Host, link: Link) -> Iterator[Problem]:
    if _kind(link) != "bond":
        return
    name, mode = link["ifname"], str(_data(link).get("mode", "unknown"))
    if mode not in BOND_MODES:
        yield problem(
            KEY,
            f"{name} is a bond in mode {mode}, which doesn't carry a bridge of VMs",
            f"Give it one of {', '.join(BOND_MODES)}",
        )
    if not any(each.get("master") == name for each in host.links):
        yield problem(KEY, f"{name} is a bond without slaves", "Add its interfaces to it")


def _link(host: Host, name: str) -> Link | None:
    return next((link for link in host.links if name and link.get("ifname") == name), None)


def _below(host: Host, link: Link) -> Link | None:
    """What a VLAN lies on."""
    return _link(host, str(link.get("link", ""))) if _kind(link) == "vlan" else None


def _kind(link: Link) -> str:
    """vlan, bond …; "": a plain interface, which has none."""
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def _data(link: Link) -> dict[str, Any]:
    return dict(link.get("linkinfo", {}).get("info_data", {}))


CHECKS: list[Check] = [kind_of_interface, vlan, mtu]
