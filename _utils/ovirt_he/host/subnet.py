"""Which of the candidates for the bootstrap VM's NAT network collides with nothing."""

from __future__ import annotations

import contextlib
import ipaddress
from pathlib import Path
from typing import Any

from ovirt_he.host import address_family, ip, routes

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
RESOLVERS = Path("/etc/resolv.conf")
# systemd-resolved's own address, and the file with the servers that it asks.
STUB = "127.0.0.53"
UPSTREAM = Path("/run/systemd/resolve/resolv.conf")
# The pillar's key that lists the candidates, and the length that each has.
KEYS = {address_family.IPV4: "subnets", address_family.IPV6: "subnets_ipv6"}
LENGTHS = {address_family.IPV4: 24, address_family.IPV6: 64}


def first_free(settings: dict[str, Any]) -> tuple[str, list[str]]:
    """The first candidate that collides with nothing, or ""; and what those before it hit."""
    family = address_family.of(settings)
    taken = _taken(settings, family)
    tried: list[str] = []
    for candidate in settings["bootstrap"][KEYS[family]]:
        with contextlib.suppress(ValueError):
            subnet = ipaddress.ip_network(candidate, strict=False)
            hit = sorted({str(one) for one in taken if _overlap(one, subnet)})
            if not hit:
                return str(subnet), tried
            tried.append(f"{subnet} (with {', '.join(hit)})")
    return "", tried


def _overlap(one: Network, other: Network) -> bool:
    # Typed apart by the library, though it compares any two of a version.
    return one.version == other.version and one.overlaps(other)  # type: ignore[arg-type]


def _taken(settings: dict[str, Any], family: str) -> set[Network]:
    """What this host has or routes to, and whom host and engine are to reach."""
    found = {str(route["dst"]) for route in ip.routes(family, "table", "all")}
    found |= {f"{each.address}/{each.length}" for link in ip.links() for each in link.addresses}
    found |= {
        settings["vm"]["address"],
        routes.default_gateway(settings),
        *settings["vm"]["dns"],
        *resolvers(),
    }
    for name in _servers(settings):
        found |= set(address_family.addresses(name, family))
    networks = set()
    for text in found:
        # default, and an address of a link that is down, are no networks.
        with contextlib.suppress(ValueError):
            network = ipaddress.ip_network(text, strict=False)
            if network.prefixlen and address_family.of_address(text) == family:
                networks.add(network)
    return networks


def _servers(settings: dict[str, Any]) -> list[str]:
    """Names of the storage servers, without their ports."""
    storage = settings["storage"]
    names = [storage["address"].strip("[]")]
    for portal in storage["portals"]:
        bare, _, port = portal.rpartition(":")
        known = address_family.of_address(portal) or not port.isdigit()
        names.append((portal if known else bare).strip("[]"))
    return [name for name in names if name]


def resolvers() -> list[str]:
    """The DNS servers of this host; where it asks systemd-resolved, those that that one asks."""
    servers = _nameservers(RESOLVERS)
    return (_nameservers(UPSTREAM) if servers == [STUB] else []) or servers


def search_domains() -> list[str]:
    """The domains in which this host looks up a name without one; the last line counts."""
    lines = [words[1:] for words in _lines(RESOLVERS) if words[0] in ("search", "domain")]
    return lines[-1] if lines else []


def _nameservers(path: Path) -> list[str]:
    return [words[1] for words in _lines(path) if words[0] == "nameserver" and len(words) > 1]


def _lines(path: Path) -> list[list[str]]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [words for line in lines if (words := line.split())]
