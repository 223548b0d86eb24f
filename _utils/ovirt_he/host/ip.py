"""
Output of iproute2 in JSON, parsed in one place: links, addresses, neighbours, routes, rules.

Routes and rules stay in iproute2's own form: they are recorded in it. A route's next hops stand
beside its destination, in a list of their own, or in an object that the route only names by its
number; ``hops`` reads all three.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.host.address_family import OPTIONS

Entry = dict[str, Any]
# The type of each field that somebody reads, wherever it stands.
TYPES: dict[str, Any] = {
    **dict.fromkeys(("ifname", "link_type", "master", "dst", "dev", "gateway", "prefsrc"), str),
    "address": str,
    **dict.fromkeys(("local", "lladdr", "host", "info_kind", "src", "type"), str),
    **dict.fromkeys(("prefixlen", "max_mtu", "metric", "weight", "priority", "nhid"), int),
    **dict.fromkeys(("addr_info", "nexthops", "flags", "metrics"), list),
    **dict.fromkeys(("linkinfo", "info_data", "via"), dict),
}
OF_OBJECTS = {"addr_info", "nexthops", "metrics"}


class Address(NamedTuple):
    """An address of a link, with the length of its network's prefix."""

    address: str
    length: int


class Link(NamedTuple):
    """
    A link: ``kind`` is "" for a card, ``data`` the kernel's details of that kind, ``parent`` the
    link below a VLAN, ``master`` the bridge or bond above it, ``max_mtu`` 0 where it isn't known.
    """

    name: str
    kind: str
    data: dict[str, Any]
    medium: str
    mac: str
    parent: str
    master: str
    max_mtu: int
    addresses: tuple[Address, ...]


class Neighbour(NamedTuple):
    """Who answers at an address on a link."""

    address: str
    mac: str
    device: str


class Hop(NamedTuple):
    """A next hop; ``gateway`` is "" where the destination is on the link itself."""

    gateway: str
    device: str
    weight: int
    flags: tuple[str, ...]

    @property
    def is_dead(self) -> bool:
        """The kernel keeps the hop in its route and doesn't use it."""
        return "dead" in self.flags


def _read(*arguments: str, needs: str) -> list[Entry]:
    """
    The objects that ``ip -json`` lists with these arguments, each with the field ``needs``.

    Raises CommandExecutionError where it fails, or answers in another form than iproute2's.
    """
    line = ("ip", "-json", *arguments)
    output = command.run(*line).stdout
    try:
        # Without a line to show, ip prints nothing or [].
        entries = json.loads(output or "[]")
        if not isinstance(entries, list):
            raise TypeError("no list")
        # What the arguments leave out is listed as an empty object.
        entries = [entry for entry in entries if entry != {}]
        for entry in entries:
            _check(entry, needs)
    except (ValueError, TypeError, RecursionError) as error:
        raise CommandExecutionError(
            f"{' '.join(line)} answered in another form than iproute2's JSON: {error}: "
            f"{output[:200]!r}. "
            "Install iproute2 (EL: iproute) of the distribution"
        ) from error
    return entries


def _check(entry: Any, needs: str) -> None:
    if not isinstance(entry, dict):
        raise TypeError(f"no object: {entry!r:.80}")
    if needs and needs not in entry:
        raise TypeError(f"no {needs}")
    for field, value in entry.items():
        wanted = TYPES.get(field)
        if wanted and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise TypeError(f"{field} is {value!r:.80}")
        if field in OF_OBJECTS:
            for one in value:
                _check(one, "")
        elif isinstance(value, dict):
            _check(value, "")


def links() -> list[Link]:
    """All links with their kinds and addresses."""
    found = []
    for entry in _read("-d", "address", "show", needs="ifname"):
        details = entry.get("linkinfo", {})
        found.append(
            Link(
                name=entry["ifname"],
                kind=details.get("info_kind", ""),
                data=details.get("info_data", {}),
                medium=entry.get("link_type", "ether"),
                mac=entry.get("address", "").lower(),
                # null for a tunnel that isn't bound to a link.
                parent=str(entry.get("link") or ""),
                master=entry.get("master", ""),
                max_mtu=entry.get("max_mtu", 0),
                addresses=tuple(
                    Address(each["local"], each["prefixlen"])
                    for each in entry.get("addr_info", [])
                    if "local" in each and "prefixlen" in each
                ),
            )
        )
    return found


def neighbours(family: str, *selector: str) -> list[Neighbour]:
    """The neighbours of a family that answered, all or those that ``selector`` names."""
    return [
        Neighbour(entry["dst"], entry["lladdr"].lower(), entry.get("dev", ""))
        for entry in _read(OPTIONS[family], "neigh", "show", *selector, needs="dst")
        if "lladdr" in entry
    ]


def rules(family: str) -> list[Entry]:
    """The routing rules of a family, which each names."""
    found = _read(OPTIONS[family], "rule", "show", needs="priority")
    return [entry | {"family": family} for entry in found]


def routes(family: str, *selector: str) -> list[Entry]:
    """
    The routes of a family, which each names, as ``ip route show SELECTOR`` lists them; a next hop
    object's hops are filled in.
    """
    found = _read(OPTIONS[family], "route", "show", *selector, needs="dst")
    objects: dict[int, Entry] = {}
    if any(_is_bare(route) for route in found):
        objects = {one["id"]: one for one in _read("nexthop", "show", needs="id")}
    return [route | _of_object(route, objects) | {"family": family} for route in found]


def _is_bare(route: Entry) -> bool:
    """Whether its next hops are given by their number alone (nexthop_compat_mode 0)."""
    return "nhid" in route and not {"dev", "gateway", "via", "nexthops"} & set(route)


def _of_object(route: Entry, objects: dict[int, Entry]) -> Entry:
    if not _is_bare(route):
        return {}
    seen = objects.get(route["nhid"], {})
    if "group" not in seen:
        return {key: seen[key] for key in ("gateway", "via", "dev", "flags") if key in seen}
    return {
        "nexthops": [
            objects.get(member.get("id"), {}) | {"weight": member.get("weight", 1)}
            for member in seen["group"]
        ]
    }


def hops(route: Entry) -> list[Hop]:
    """Where a route leads: one hop, or several that share its traffic."""
    return [
        Hop(
            gateway=str(each.get("gateway") or each.get("via", {}).get("host", "")),
            device=str(each.get("dev", "")),
            weight=each.get("weight", 1),
            flags=tuple(each.get("flags", [])),
        )
        for each in route.get("nexthops") or [route]
    ]


def is_default(route: Entry) -> bool:
    """Whether it leads everywhere; an unreachable or a blackhole one leads nowhere."""
    return bool(route["dst"] == "default" and route.get("type", "unicast") == "unicast")


def alive(route: Entry) -> list[Hop]:
    """A route's hops that the kernel uses."""
    return [hop for hop in hops(route) if not hop.is_dead]
