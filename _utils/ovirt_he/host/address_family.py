"""
The address family that host and engine use for each other: decided once, here.

Everybody who needs an address of either asks for the family's; nobody takes the first of a list.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from typing import Any

IPV4, IPV6 = "ipv4", "ipv6"
# As iproute2 and people write them.
OPTIONS = {IPV4: "-4", IPV6: "-6"}
NAMES = {IPV4: "IPv4", IPV6: "IPv6"}


def of_address(text: str) -> str:
    """The family of an address, with or without its prefix length; "": it is none."""
    try:
        return f"ipv{ipaddress.ip_interface(text).version}"
    except ValueError:
        return ""


def decide(settings: dict[str, Any], host_addresses: Iterable[str]) -> str:
    """
    The family that the pillar sets, else that of ``vm:address``, else that of the host's addresses.

    A host that has both, or none that is known, means IPv4.
    """
    given: str = settings["network"]["family"]
    if given != "auto":
        return given
    static = of_address(settings["vm"]["address"])
    return static or (IPV6 if {of_address(one) for one in host_addresses} == {IPV6} else IPV4)


def of(settings: dict[str, Any]) -> str:
    """The family of this deployment; the host's name is only asked where the pillar leaves it."""
    settled = settings["network"]["family"] != "auto" or of_address(settings["vm"]["address"])
    return decide(settings, () if settled else addresses(settings["host"]["address"]))


def is_forced(settings: dict[str, Any]) -> bool:
    """Whether the pillar wants this family and no other."""
    return bool(settings["network"]["family"] != "auto")


def addresses(name: str, family: str = "") -> list[str]:
    """
    The addresses of a name as every program of this host gets them, or those of one family.

    Empty where it doesn't resolve; link-local ones lead nowhere without an interface, so they don't
    count.
    """
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    found = [str(answer[4][0]).partition("%")[0] for answer in answers]
    return [
        address
        for address in dict.fromkeys(found)
        if family in ("", of_address(address)) and not ipaddress.ip_address(address).is_link_local
    ]


def without_prefix(address: str) -> str:
    """An address without its prefix length, as everybody else writes it; "": it is none."""
    return str(ipaddress.ip_interface(address).ip) if of_address(address) else ""


def in_url(address: str) -> str:
    """A name or an address as it stands in a URL."""
    return f"[{address}]" if of_address(address) == IPV6 else address


def contradictions(
    settings: dict[str, Any], host_addresses: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """What in the pillar is of another family than the one decided: key, and what it is."""
    family = decide(settings, host_addresses)
    network, vm = settings["network"], settings["vm"]
    wanted = {"vm:address": vm["address"], "network:gateway": network["gateway"]}
    if of_address(settings["host"]["address"]):
        wanted["host:address"] = settings["host"]["address"]
    # A guest without the other family can't ask a server there.
    if is_forced(settings):
        wanted |= {f"vm:dns:{number}": server for number, server in enumerate(vm["dns"])}
    for key, value in wanted.items():
        if of_address(value) not in ("", family):
            yield key, f"{value} isn't {NAMES[family]}, which {_reason(settings)}"


def _reason(settings: dict[str, Any]) -> str:
    if is_forced(settings):
        return f"network:family: {settings['network']['family']} demands"
    if settings["vm"]["address"]:
        return "follows from vm:address"
    return "follows from the host's address"
