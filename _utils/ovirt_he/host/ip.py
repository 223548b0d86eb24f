"""
Output of iproute2 in JSON, parsed in one place: links, addresses, routes in every form, rules.

A route's next hops stand beside its destination, in a list of their own, or in an object that the
route only names by its number; ``hops`` reads all three.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command

Entry = dict[str, Any]
# The type of each field that somebody reads, wherever it stands.
TYPES: dict[str, Any] = {
    **dict.fromkeys(("ifname", "link_type", "master", "dst", "dev", "gateway", "prefsrc"), str),
    **dict.fromkeys(("local", "lladdr", "host", "info_kind", "src", "type"), str),
    **dict.fromkeys(("prefixlen", "max_mtu", "metric", "weight", "priority", "nhid"), int),
    **dict.fromkeys(("addr_info", "nexthops", "flags", "metrics"), list),
    **dict.fromkeys(("linkinfo", "info_data", "via"), dict),
}
OF_OBJECTS = {"addr_info", "nexthops", "metrics"}


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


def read(*arguments: str, needs: str) -> list[Entry]:
    """
    The objects that ``ip`` lists with these arguments, each with the field ``needs``.

    Raises CommandExecutionError where it fails, or answers in another form than iproute2's.
    """
    said = command.run("ip", *arguments).stdout
    what = f"ip {' '.join(arguments)}"
    try:
        # Without a line to show, ip prints nothing or [].
        entries = json.loads(said or "[]")
        if not isinstance(entries, list):
            raise TypeError("no list")
        # What ip was told to leave out, it lists as an empty object.
        entries = [entry for entry in entries if entry != {}]
        for entry in entries:
            _check(entry, needs)
    except (ValueError, TypeError, RecursionError) as error:
        raise CommandExecutionError(
            f"{what} answered in another form than iproute2's JSON: {error}: {said[:200]!r}. "
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


def links() -> list[Entry]:
    """All links with their kinds and addresses."""
    return read("-d", "-json", "address", needs="ifname")


def addresses(link: Entry) -> Iterator[Entry]:
    """A link's addresses: local, prefixlen and more."""
    return (each for each in link.get("addr_info", []) if "local" in each and "prefixlen" in each)


def routes(*arguments: str) -> list[Entry]:
    """The routes that ``ip … route show …`` lists; a next hop object's hops are filled in."""
    found = read(*arguments, needs="dst")
    if any(_is_bare(route) for route in found):
        objects = {one["id"]: one for one in read("-json", "nexthop", "show", needs="id")}
        found = [route | _of_object(route, objects) for route in found]
    return found


def _is_bare(route: Entry) -> bool:
    """Whether its number is all that is said of its next hops (nexthop_compat_mode 0)."""
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
