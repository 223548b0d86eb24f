"""
Checks of preflight: what the management interface is made of, as ``ip -d -j`` shows it.

Kinds, bond modes and VLAN ids are read from there; names mean nothing.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.host.ip import Link
from ovirt_he.preflight.check import Check, Host, Problem, problem

KEY = "host:interface"
VDSM = Path("/etc/vdsm/vdsm.conf")
# Those under a bridge of VMs: the others give packets another MAC address, or another order.
BOND_MODES = ("active-backup", "balance-xor", "broadcast", "802.3ad")
# Ethernet that vdsm calls a NIC. A card's own driver names no kind; veth and dummy are those of
# containers and tests, which vdsm takes where its option fake_nics names them.
NICS = ("", "veth", "dummy")
NAMED = "Name a plain Ethernet interface, a bond of such, or a VLAN on either"
BELOW = "Give the address to the interface below it"
# All other kinds are refused. Of these it's known what else to say: what it is, what to do.
REFUSED = {
    "team": ("a team, which vdsm doesn't know", "Make it a bond: nmcli connection add type bond"),
    "bridge": (
        "a bridge of this host's own, and the engine makes one itself",
        "Take the bridge away: its address belongs on the interface below it",
    ),
    "openvswitch": ("a port of Open vSwitch", BELOW),
    **{kind: (f"a {kind}", BELOW) for kind in ("macvlan", "macvtap")},
    **{kind: (f"an {kind}", BELOW) for kind in ("ipvlan", "ipvtap")},
    "vrf": ("a VRF, which carries no frames", NAMED),
    "ifb": ("an ifb, which only queues frames", NAMED),
    "vlan": ("a VLAN below another interface: vdsm makes its bridge on one tag alone", NAMED),
    "bond": ("a bond below another bond", NAMED),
    **{
        kind: (f"a tunnel ({kind})", "Name an interface of the local network")
        for kind in (
            *("tun", "wireguard", "vxlan", "geneve", "gre", "gretap", "erspan", "ipip", "sit"),
            *("ip6tnl", "ip6gre", "ip6gretap", "ip6erspan", "vti", "vti6", "xfrm", "ppp"),
        )
    },
}
MEDIA = {"infiniband": "InfiniBand", "loopback": "loopback"}


def kind_of_interface(host: Host) -> Iterator[Problem]:
    """
    The management interface is plain Ethernet, a bond of such in one of four modes, or an
    802.1Q VLAN on either; so is each interface below it. No other interface supports a bridge
    for VMs.
    """
    link = _link(host, host.interface)
    # Once vdsm made its bridge, it has judged what is below that.
    if link is not None and link.name != host.settings["network"]["name"]:
        yield from _refused(host, link, above="")


def _refused(host: Host, link: Link, above: str) -> Iterator[Problem]:
    """What is wrong with a link below one of the kind ``above``, and with those that it lies on."""
    name, kind, medium = link.name, link.kind, link.medium
    if medium != "ether":
        what = f"{name} is {MEDIA.get(medium, medium)} (link_type {medium}, which isn't ether)"
        yield problem(KEY, f"{what}: it carries no bridge of VMs", "Name an Ethernet interface")
    elif kind == "vlan" and not above:
        yield from _vlan(host, link)
    elif kind == "bond" and above != "bond":
        yield from _bond(host, link)
    elif kind not in NICS:
        what, advice = REFUSED.get(kind, (f"of the kind {kind}: it carries no bridge", NAMED))
        yield problem(KEY, f"{name} is {what}", advice)


def _vlan(host: Host, link: Link) -> Iterator[Problem]:
    name, protocol = link.name, str(link.data.get("protocol", "802.1Q"))
    parents = _below(host, link)
    if protocol != "802.1Q":
        what = f"{name} is a VLAN of {protocol}, and the engine's tags are 802.1Q"
        yield problem(KEY, what, "Make it with protocol 802.1Q, or name another interface")
    elif not parents:
        yield problem(KEY, f"{name} lies on an interface that isn't on this host", NAMED)
    for parent in parents:
        yield from _refused(host, parent, above="vlan")


def _bond(host: Host, link: Link) -> Iterator[Problem]:
    name, mode = link.name, str(link.data.get("mode", "unknown"))
    slaves = _below(host, link)
    if mode not in BOND_MODES:
        yield problem(
            KEY,
            f"{name} is a bond in mode {mode}, which doesn't carry a bridge of VMs",
            f"Give it one of {', '.join(BOND_MODES)}",
        )
    if not slaves:
        yield problem(KEY, f"{name} is a bond without slaves", "Add its interfaces to it")
    for slave in slaves:
        yield from _refused(host, slave, above="bond")


def visible_to_vdsm(host: Host) -> Iterator[Problem]:
    """vdsm doesn't hide the NIC's name from the engine: w… and usb…, or its hidden_nics."""
    link = _link(host, host.interface)
    for each in (link, *_below(host, link)) if link is not None and link.kind != "bond" else ():
        hidden = _hidden() if each.kind in NICS else []
        if pattern := next((one for one in hidden if fnmatch(each.name, one)), ""):
            what = f"vdsm hides {each.name} from the engine (its option hidden_nics: {pattern})"
            advice = f"Rename the interface, or set hidden_nics below [vars] in {VDSM}"
            yield problem(KEY, what, advice)


def _hidden() -> list[str]:
    """Patterns of names, by vdsm.conf or as vdsm has them itself."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(VDSM)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise CommandExecutionError(f"{VDSM} can't be read: {error}") from error
    return parser.get("vars", "hidden_nics", fallback="w*,usb*").split(",")


def vlan(host: Host) -> Iterator[Problem]:
    """The VLAN of the management interface is that of the engine's network."""
    link = _link(host, host.interface)
    if link is None or link.name == host.settings["network"]["name"]:
        return
    name, wanted = link.name, host.settings["network"]["vlan"]
    seen = int(link.data.get("id", 0)) if link.kind == "vlan" else 0
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
        advice = "Fix one of them, or name another host:interface"
    yield problem("network:vlan", what, advice)


def mtu(host: Host) -> Iterator[Problem]:
    """
    The interface and all interfaces below it support the network's MTU, which vdsm sets on
    each.
    """
    link = _link(host, host.interface)
    wanted = host.settings["network"]["mtu"]
    # A VLAN and a bond name a limit far above that of the cards below; 0: the driver names none.
    limits = [
        (each.max_mtu, each.name)
        for each in (_stack(host, link) if link is not None else ())
        if each.max_mtu > 0
    ]
    if limits and wanted > min(limits)[0]:
        largest, name = min(limits)
        below = "" if name == host.interface else f" below {host.interface}"
        what = f"{wanted}, but {name}{below} carries {largest} at most"
        yield problem("network:mtu", what, "Ask for less; the switch has a limit of its own too")


def _link(host: Host, name: str) -> Link | None:
    return next((link for link in host.links if name and link.name == name), None)


def _below(host: Host, link: Link) -> list[Link]:
    """What a link lies on: a VLAN's parent, the slaves of a bond, the ports of a bridge."""
    if link.kind == "vlan":
        parent = _link(host, link.parent)
        return [parent] if parent is not None else []
    return [each for each in host.links if each.master == link.name]


def _stack(host: Host, link: Link) -> list[Link]:
    """A link and everything that it lies on."""
    found = [link]
    for each in found:
        found += [below for below in _below(host, each) if below not in found]
    return found


CHECKS: list[Check] = [kind_of_interface, visible_to_vdsm, vlan, mtu]
