"""The host's default routes and its default gateway, which is also the engine's VM's."""

from __future__ import annotations

from typing import Any

from ovirt_he.core import records
from ovirt_he.host import address, ip


def default_routes(family: str) -> list[ip.Entry]:
    """
    The family's default routes, the preferred one first.

    Those that the kernel has count. Only where it has none, because the engine's installation of
    the host has cost it its routes, do those that were recorded before.
    """
    live = ip.routes("-j", address.OPTIONS[family], "route", "show", "default")
    before = [
        route
        for route in (records.read("routes") or {}).get("routes", [])
        if route.get("family", address.IPV4) == family
    ]
    for routes in (live, before):
        found = [route for route in routes if ip.is_default(route) and alive(route)]
        if found:
            return sorted(found, key=lambda route: int(route.get("metric", 0)))
    return []


def alive(route: ip.Entry) -> list[ip.Hop]:
    """A route's hops that the kernel uses."""
    return [hop for hop in ip.hops(route) if not hop.is_dead]


def of(settings: dict[str, Any]) -> str:
    """
    The gateway that the pillar names, else the host's default gateway; "": there is none.

    Of several, the first on the management interface counts, where the pillar names that. A gateway
    of the other family (RFC 5549) doesn't count: the engine's VM couldn't use it.
    """
    if named := settings["network"]["gateway"]:
        return str(named)
    family = address.of(settings)
    found = [
        hop
        for route in default_routes(family)
        for hop in alive(route)
        if address.of_address(hop.gateway) == family
    ]
    wanted = (settings["network"]["name"], settings["host"]["interface"])
    found.sort(key=lambda hop: hop.device not in wanted)
    return found[0].gateway if found else ""
