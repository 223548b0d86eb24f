"""
The host's routes and rules before the engine installs it, and those that were lost meanwhile.

The installation moves the management address onto a bridge. That may cost main's default route
(design page, issue 1), and at the next boot the bridge itself, unless vdsm saves the configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records
from ovirt_he.host import address_family, ip
from ovirt_he.host.address_family import IPV4, OPTIONS, of_address

Route = dict[str, Any]
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

THERE, LOST, UNSAVED, ROLLED_BACK = "there", "lost", "unsaved", "rolled back"


def remember(addresses: list[str], bridge: str) -> None:
    """
    Record routes, rules, and the device that holds one of ``addresses``, the host's own.

    What an earlier try recorded stays where its routes are missing now: they are still to be
    restored. Raises CommandExecutionError when no device holds any of the addresses.
    """
    known = records.read("routes")
    if known is not None and state() in (LOST, UNSAVED):
        return
    for own in addresses:
        if device := _device(own):
            break
    else:
        raise CommandExecutionError(
            f"No interface of this host holds {' or '.join(addresses) or 'its address'}: "
            "check hosted_engine:host:address and what it resolves to"
        )
    records.write(
        "routes",
        {
            "address": own,
            "device": device,
            "bridge": bridge,
            "boot": _boot(),
            "routes": [route for route in _routes() if route.get("protocol") != "kernel"],
            "rules": [rule for rule in _rules() if _is_ours_to_restore(rule)],
            "restored": False,
            "saved": False,
        },
    )


def state() -> str:
    """
    ``there``: nothing is lost; ``lost``: recorded routes or rules are; ``unsaved``: we restored
    them, vdsm hasn't saved it; ``rolled back``: a boot undid the engine's network configuration.
    """
    before = records.read("routes")
    if before is None:
        return THERE
    if (
        before["boot"] != _boot()
        and not before["saved"]
        and _device(before["address"]) == before["device"] != before["bridge"]
    ):
        return ROLLED_BACK
    if _lost_routes(before) or _lost_rules(before):
        return LOST
    return UNSAVED if before["restored"] and not before["saved"] else THERE


def restore() -> None:
    """
    Add the recorded routes and rules that are missing, on the device that holds the address now.

    Raises CommandExecutionError when nothing was recorded, or ``ip`` refuses.
    """
    before = records.read("routes")
    if before is None:
        raise CommandExecutionError(
            "No routes were recorded before the host was added: add its default route by hand "
            "(ip route add default via GATEWAY dev BRIDGE)"
        )
    for rule in _lost_rules(before):
        command.run("ip", OPTIONS[_family(rule)], "rule", "add", *_selector(rule))
    # A route by a gateway needs the one to that gateway first.
    for verb, route in sorted(_lost_routes(before), key=lambda lost: _has_gateway(lost[1])):
        command.run("ip", OPTIONS[_family(route)], "route", verb, *_destination(route))
    records.write("routes", before | {"restored": True, "saved": False})


def default_routes(family: str) -> list[Route]:
    """
    The family's default routes, the preferred one first.

    Those that the kernel has count. Only where it has none, because the engine's installation of
    the host has cost it its routes, do those that were recorded before.
    """
    recorded = (records.read("routes") or {}).get("routes", [])
    before = [route for route in recorded if _family(route) == family]
    for routes in (ip.routes(family, "default"), before):
        found = [route for route in routes if ip.is_default(route) and ip.alive(route)]
        if found:
            return sorted(found, key=lambda route: int(route.get("metric", 0)))
    return []


def default_gateway(settings: dict[str, Any]) -> str:
    """
    The gateway that the pillar names, else the host's default gateway; "": there is none. It's also
    that of the engine's VM.

    Of several, the first on the management interface counts, where the pillar names that. A gateway
    of the other family (RFC 5549) doesn't count: the engine's VM couldn't use it.
    """
    if named := settings["network"]["gateway"]:
        return str(named)
    family = address_family.of(settings)
    hops = [hop for route in default_routes(family) for hop in ip.alive(route)]
    found = [hop for hop in hops if of_address(hop.gateway) == family]
    preferred = (settings["network"]["name"], settings["host"]["interface"])
    found.sort(key=lambda hop: hop.device not in preferred)
    return found[0].gateway if found else ""


def _lost_routes(before: dict[str, Any]) -> list[tuple[str, Route]]:
    """
    The recorded routes that main lacks, with the device on which they belong now, and how they
    come back: ``append``, since several of one destination may differ in their gateways alone, or
    ``replace`` where the kernel kept some of a route's hops.
    """
    now = _routes()
    # While the address moves no device holds it: the routes are missing all the same.
    device = _device(before["address"]) or before["bridge"]
    lost: list[tuple[str, Route]] = []
    for route in before["routes"]:
        if before["device"] not in {hop.device for hop in ip.hops(route)}:
            continue
        moved = _moved(route, before["device"], device)
        same = [each for each in now if _destination_of(each) == _destination_of(route)]
        if any(_leads(moved) <= _leads(each) for each in same):
            continue
        rest = any(_is_rest(each, route) for each in same)
        # Another default route is an operator's, or DHCP's: not ours to double.
        if not rest and any(ip.is_default(each) and ip.alive(each) for each in same):
            continue
        entry = ("replace" if rest else "append", moved)
        # Who set a route is a difference to the kernel, and none once it's ours.
        if _destination(moved) not in [_destination(other) for _, other in lost]:
            lost.append(entry)
    return lost


def _destination_of(route: Route) -> tuple[str, str]:
    return _family(route), route["dst"]


def _leads(route: Route) -> set[tuple[str, str]]:
    """By which gateways over which devices a route leads, as far as the kernel uses them."""
    return {(hop.gateway, hop.device) for hop in ip.alive(route)}


def _is_rest(now: Route, before: Route) -> bool:
    """Whether it is what the kernel left of the recorded route: fewer hops, or the old device."""
    return now.get("metric") == before.get("metric") and _leads(now) <= _leads(before)


def _has_gateway(route: Route) -> bool:
    return any(hop.gateway for hop in ip.hops(route))


def _moved(route: Route, old: str, new: str) -> Route:
    """The route with its hops on ``old`` on the device ``new``."""
    moved = route | ({"dev": new} if route.get("dev") == old else {})
    if "nexthops" in route:
        moved["nexthops"] = [
            hop | ({"dev": new} if hop.get("dev") == old else {}) for hop in route["nexthops"]
        ]
    return moved


def _lost_rules(before: dict[str, Any]) -> list[dict[str, Any]]:
    now = [(_family(rule), _selector(rule)) for rule in _rules()]
    return [rule for rule in before["rules"] if (_family(rule), _selector(rule)) not in now]


def _is_ours_to_restore(rule: dict[str, Any]) -> bool:
    """Rules by address that lead to main; the kernel's own and vdsm's are others' business."""
    known = {"priority", "src", "srclen", "dst", "dstlen", "table", "family"}
    return rule.get("table") == "main" and rule["priority"] < 32766 and set(rule) <= known


def _selector(rule: dict[str, Any]) -> list[str]:
    words = ["priority", str(rule["priority"])]
    for word, key in (("from", "src"), ("to", "dst")):
        if (network := rule.get(key, "all")) != "all":
            length = f"/{rule[f'{key}len']}" if f"{key}len" in rule else ""
            words += [word, f"{network}{length}"]
    return [*words, "table", str(rule.get("table", "main"))]


def _destination(route: Route) -> list[str]:
    """A route as ``ip route add`` reads it, with all of its next hops."""
    words = [route["dst"]]
    hops = ip.hops(route)
    if len(hops) == 1:
        words += _hop(hops[0], _family(route))
    for word, key in (("src", "prefsrc"), ("metric", "metric")):
        if key in route:
            words += [word, str(route[key])]
    for metrics in route.get("metrics", []):
        words += [str(word) for metric in metrics.items() for word in metric]
    if len(hops) > 1:
        for hop in hops:
            words += ["nexthop", *_hop(hop, _family(route)), "weight", str(hop.weight)]
    return words


def _hop(hop: ip.Hop, family: str) -> list[str]:
    words = []
    if hop.gateway:
        other = of_address(hop.gateway) != family
        words += ["via", *(["inet6" if family == IPV4 else "inet"] if other else []), hop.gateway]
    if hop.device:
        words += ["dev", hop.device]
    return words + (["onlink"] if "onlink" in hop.flags else [])


def _routes() -> list[Route]:
    return [route for family in OPTIONS for route in ip.routes(family, "table", "main")]


def _rules() -> list[dict[str, Any]]:
    return [rule for family in OPTIONS for rule in ip.rules(family)]


def _family(entry: dict[str, Any]) -> str:
    # What an older version of the formula recorded was all IPv4.
    return str(entry.get("family", IPV4))


def _device(own: str) -> str | None:
    return next(
        (link.name for link in ip.links() for each in link.addresses if each.address == own), None
    )


def _boot() -> str:
    return BOOT_ID.read_text().strip()
