"""Checks of preflight: names, addresses, routes."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovirt_he.core import command
from ovirt_he.guest import hosts_file
from ovirt_he.host import address_family, ip, subnet
from ovirt_he.preflight.check import Check, Host, Problem, problem

BOOTSTRAP_NETWORK = Path("/etc/libvirt/qemu/networks/hosted-engine.xml")
PROBE_SECONDS = 1.0
PROBE_PORT = 443


def engine_name(host: Host) -> Iterator[Problem]:
    """The engine's name resolves to its final address, and to no address of this host."""
    fqdn = host.settings["engine"]["fqdn"]
    static = address_family.without_prefix(host.settings["vm"]["address"])
    if not fqdn:
        return  # reported by the schema
    found = resolve_finally(fqdn)
    if found is None:
        return
    key = "engine:fqdn"
    if not found:
        wanted = static or "the address that DHCP gives its MAC address"
        yield problem(key, f"{fqdn} doesn't resolve", f"Let DNS say {wanted}")
    elif not any(address_family.of_address(address) == host.family for address in found):
        wanted = address_family.NAMES[host.family]
        what = f"{fqdn} has no {wanted} address, only {', '.join(sorted(found))}"
        yield problem(key, what, "Let DNS say it, or see network:family")
    for address in sorted(found):
        if ipaddress.ip_address(address).is_loopback:
            yield problem(key, f"{fqdn} resolves to loopback, {address}", "Fix DNS or /etc/hosts")
        elif address in host.addresses():
            yield problem(
                key,
                f"{fqdn} resolves to this host's own address {address}",
                "The engine's VM has a name and an address of its own",
            )
        elif static and address_family.of_address(address) == host.family and address != static:
            yield problem(
                key,
                f"{fqdn} resolves to {address}, but vm:address is {static}",
                "Fix DNS, /etc/hosts, or vm:address: health is asked at the name",
            )


def resolve_finally(name: str) -> set[str] | None:
    """
    The addresses that a name has without our own line for the bootstrap; empty: none.

    None: only that line was seen: a deployment is in progress, and this was checked at its start.
    """
    ours = in_hosts_file(name, ours=True)
    if not ours:
        return resolve(name)
    # Past the hosts file; but a caching resolver on this host may read that file as well.
    asked = command.run(
        "getent", "-s", "dns", "ahosts", name, codes=(0, 2), advice="Look at /etc/resolv.conf"
    )
    seen = {line.split()[0] for line in asked.stdout.splitlines() if line.strip()}
    return seen - ours or None


def resolve(name: str) -> set[str]:
    """The addresses of a name, as every program of this host gets them; empty: none."""
    return set(address_family.addresses(name))


def in_hosts_file(name: str, ours: bool = False) -> set[str]:
    """Addresses that the hosts file's lines give a name: our line, or all others."""
    entries = [
        line.partition(b"#")[0].decode(errors="replace").lower().split()
        for line in hosts_file.lines()
        if hosts_file.is_ours(line) is ours
    ]
    return {words[0] for words in entries if name.lower() in words[1:]}


def hosts_file_is_free(host: Host) -> Iterator[Problem]:
    """
    The hosts file has no line for the engine's name: it must first resolve to the bootstrap VM.
    """
    fqdn = host.settings["engine"]["fqdn"]
    for address in sorted(in_hosts_file(fqdn) if fqdn else ()):
        yield problem(
            "engine:fqdn",
            f"a line of {hosts_file.HOSTS} says that {fqdn} is {address}",
            "Take it out and let DNS say it, or comment it out until the engine is deployed",
        )


def host_name(host: Host) -> Iterator[Problem]:
    """The host's name resolves to addresses of the management interface, and to no others."""
    name = host.settings["host"]["address"]
    key = "host:address"
    interface = host.interface
    found = resolve(name) if name else set()
    if not found:
        yield problem(
            key,
            f"{name or 'the host name'} doesn't resolve",
            "Give this host a name that DNS or /etc/hosts knows, or name an address here",
        )
    elif not any(address_family.of_address(address) == host.family for address in found):
        wanted = address_family.NAMES[host.family]
        what = f"{name} has no {wanted} address, only {', '.join(sorted(found))}"
        yield problem(key, what, "Fix DNS or /etc/hosts, or see network:family")
    for address in sorted(found - set(host.addresses(interface)) if interface else ()):
        loopback = ipaddress.ip_address(address).is_loopback
        yield problem(
            key,
            f"{name} resolves to {address}, "
            + ("loopback" if loopback else f"which isn't on {interface}"),
            "Fix DNS or /etc/hosts, or set host:address or host:interface",
        )


def management_interface(host: Host) -> Iterator[Problem]:
    """It exists, has an address of the family, and has the default route."""
    interface, key = host.interface, "host:interface"
    family = address_family.NAMES[host.family]
    known = [link.name for link in host.links]
    if not interface:
        what = f"no default route of {family} leads to one"
        yield problem(key, what, "Name the management interface")
    elif interface not in known:
        yield problem(key, f"{interface} doesn't exist", f"There are {', '.join(known)}")
    elif not any(
        address_family.of_address(address) == host.family
        and not ipaddress.ip_address(address).is_link_local
        for address in host.addresses(interface)
    ):
        what = f"{interface} has no {family} address"
        yield problem(key, what, "Configure it, name another, or see network:family")
    # Once vdsm made its bridge, a lost default route is what the formula itself restores.
    elif interface != host.settings["network"]["name"] and interface not in {
        hop.device for hop in host.hops
    }:
        what = f"no default route of {family} leads over {interface}"
        yield problem(key, what, "Add one, or name another")


def static_address(host: Host) -> Iterator[Problem]:
    """The static address is in the network of its gateway, and not in use."""
    value = host.settings["vm"]["address"]
    try:
        static = ipaddress.ip_interface(value)
    except ValueError:
        return  # DHCP, or reported as a problem of the pillar
    if not host.gateway:
        yield problem("network:gateway", no_gateway(host), "Name the engine's gateway")
    elif not _reaches(static, host.gateway):
        yield problem(
            "vm:address",
            f"{value} isn't in the network of the gateway {host.gateway}",
            "Fix one of them",
        )
    owner = _neighbour(str(static.ip))
    if owner and owner != host.settings["vm"]["mac"]:
        yield problem("vm:address", f"{static.ip} is in use, by {owner}", "Choose a free address")


def no_gateway(host: Host) -> str:
    """Why there is no default gateway: no route, or one by an address of the other family."""
    others = [hop.gateway for hop in host.hops if hop.gateway]
    if others:
        kind = address_family.NAMES[host.family]
        return f"the default route leads by {others[0]}, which isn't an {kind} address"
    return "no default gateway found"


def _reaches(static: Any, gateway: str) -> bool:
    """Whether a guest with this address has the gateway beside it."""
    address = ipaddress.ip_address(gateway)
    # One of another family is a contradiction of the pillar, reported as such.
    return address.is_link_local or address.version != static.version or address in static.network


def _neighbour(address: str) -> str:
    """Who has an address on the link: a knock at a port makes the kernel ask."""
    with contextlib.suppress(OSError):
        socket.create_connection((address, PROBE_PORT), PROBE_SECONDS).close()
    return next((one.mac for one in ip.neighbours(address_family.of_address(address), address)), "")


def mac_is_free(host: Host) -> Iterator[Problem]:
    """No interface of this host has the VM's MAC address."""
    mac = host.settings["vm"]["mac"]
    for link in host.links:
        if link.mac == mac:
            yield problem("vm:mac", f"{mac} is that of {link.name} on this host", "Choose another")


def subnet_is_free(host: Host) -> Iterator[Problem]:
    """One of the candidates for the NAT network collides with nothing."""
    if BOOTSTRAP_NETWORK.exists():
        return  # chosen by a deployment in progress
    free, tried = subnet.first_free(host.settings)
    if not free:
        yield problem(
            f"bootstrap:{subnet.KEYS[host.family]}",
            f"each collides with what this host has or must reach: {'; '.join(tried)}",
            f"Name a /{subnet.LENGTHS[host.family]} network that is free here",
        )


CHECKS: list[Check] = [
    engine_name,
    hosts_file_is_free,
    host_name,
    management_interface,
    static_address,
    mac_is_free,
    subnet_is_free,
]
