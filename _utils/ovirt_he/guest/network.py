"""The guest's network, during the bootstrap and afterwards, and lines of its hosts file."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.bootstrap import definitions
from ovirt_he.host import address_family
from ovirt_he.host.address_family import IPV4, IPV6

# Ends each line of the formula in a hosts file, on the host and in the guest.
HOSTS_MARKER = "# hosted-engine bootstrap"
KEYFILE = "/var/lib/hosted-engine/final.nmconnection"
FINAL_HOSTS = "/var/lib/hosted-engine/final.hosts"
CONNECTION = "hosted-engine"
# The final keyfile takes its place when the guest moves.
BOOTSTRAP_KEYFILE = f"/etc/NetworkManager/system-connections/{CONNECTION}.nmconnection"
# The address follows from the MAC address, and so does the client id that a DHCPv6 server sees.
PREDICTABLE = ["addr-gen-mode=eui64", "ip6-privacy=0", "dhcp-duid=ll"]


def keyfile(settings: dict[str, Any], gateway: str, family: str) -> str:
    """
    NetworkManager's connection on shared storage, for the card with the pillar's MAC address.

    ``gateway`` is for a static address; DHCP and router advertisements name their own. The other
    family is disabled where the pillar asks for this one only, otherwise the network decides.
    """
    sections = {each: _automatic(each) for each in (IPV4, IPV6)}
    if address_family.is_forced(settings):
        sections[IPV6 if family == IPV4 else IPV4] = ["method=disabled"]
    vm = settings["vm"]
    if vm["address"]:
        static = ",".join(filter(None, (vm["address"], gateway)))
        sections[family] = ["method=manual", f"address1={static}"]
    # NetworkManager reports the guest as online only once this family has its address.
    sections[family].append("may-fail=false")
    for kind, lines in sections.items():
        if "method=disabled" not in lines:
            lines.extend(_resolver(vm, kind))
    return _text(vm["mac"], settings["network"]["mtu"], sections)


def bootstrap_keyfile(settings: dict[str, Any], guest: str) -> str:
    """
    The bootstrap VM's connection in its IPv6 network, where its address is static.

    A DHCPv6 lease can't be bound to a MAC address, and a rebuilt guest is a new client.
    """
    host = ipaddress.ip_network(f"{guest}/64", strict=False)[definitions.HOST]
    sections = {
        IPV4: ["method=disabled"],
        IPV6: ["method=manual", f"address1={guest}/64,{host}", f"dns={host};"],
    }
    return _text(settings["vm"]["mac"], 0, sections)


def final_files(
    settings: dict[str, Any], grains: Mapping[str, Any], gateway: str
) -> dict[str, str]:
    """The files that configure the guest's network on shared storage."""
    family = address_family.of(settings)
    return {
        KEYFILE: keyfile(settings, gateway, family),
        FINAL_HOSTS: final_hosts(settings, grains, family),
    }


def files(
    settings: dict[str, Any], grains: Mapping[str, Any], gateway: str, guest: str
) -> dict[str, str]:
    """All of the guest's files for its network; ``guest``: the bootstrap VM's address."""
    texts = final_files(settings, grains, gateway)
    if address_family.of_address(guest) == IPV6:
        texts[BOOTSTRAP_KEYFILE] = bootstrap_keyfile(settings, guest)
    return texts


def commands(files_: Mapping[str, str]) -> list[list[str]]:
    """Commands that bring the bootstrap VM's address up; with IPv4, DHCP does."""
    if BOOTSTRAP_KEYFILE not in files_:
        return []
    # By then NetworkManager runs, with a connection of its own.
    return [
        ["nmcli", "connection", "load", BOOTSTRAP_KEYFILE],
        ["nmcli", "connection", "up", "id", CONNECTION],
    ]


def _text(mac: str, mtu: int, sections: dict[str, list[str]]) -> str:
    ethernet = [f"mac-address={mac}", *([f"mtu={mtu}"] if mtu else [])]
    connection = [f"id={CONNECTION}", "type=ethernet", "autoconnect-priority=100"]
    parts = {"connection": connection, "ethernet": ethernet} | sections
    return "\n".join(
        "".join(f"{line}\n" for line in (f"[{name}]", *lines)) for name, lines in parts.items()
    )


def _automatic(kind: str) -> list[str]:
    return ["method=auto", *(PREDICTABLE if kind == IPV6 else [])]


def _resolver(vm: dict[str, Any], kind: str) -> list[str]:
    """The pillar's name servers, each in its family's section; the network's are then ignored."""
    servers = "".join(f"{one};" for one in vm["dns"] if address_family.of_address(one) == kind)
    return [
        *([f"dns={servers}"] if servers else []),
        *(["ignore-auto-dns=true"] if vm["dns"] else []),
        *([f"dns-search={vm['search_domain']};"] if vm["search_domain"] else []),
    ]


def hosts(
    settings: dict[str, Any],
    grains: Mapping[str, Any],
    family: str,
    engine: str,
    marker: str = HOSTS_MARKER,
) -> str:
    """
    Lines of the guest's hosts file: the engine at the address ``engine``, and this host.

    Raises CommandExecutionError where this host has no address of the family.
    """
    fqdn, host = settings["engine"]["fqdn"], settings["host"]
    found = address_family.addresses(host["address"], family)
    if not found:
        raise CommandExecutionError(
            f"host:address: {host['address']} has no {address_family.NAMES[family]} address here. "
            "The guest must reach it: fix DNS or /etc/hosts, or see network:family"
        )
    named = [] if address_family.of_address(host["address"]) else [host["address"]]
    names = [*named, *filter(None, [grains.get("fqdn")]), host["name"]]
    lines = hosts_line(engine, fqdn, fqdn.partition(".")[0], marker=marker) if engine else ""
    return lines + hosts_line(found[0], *names, marker=marker)


def final_hosts(settings: dict[str, Any], grains: Mapping[str, Any], family: str) -> str:
    """
    Lines that stay in the guest, where vm:hosts_entries is set; "": none.

    The address that DHCP will assign to the engine isn't known, so it has no line then.
    """
    if not settings["vm"]["hosts_entries"]:
        return ""
    return hosts(
        settings,
        grains,
        family,
        address_family.without_prefix(settings["vm"]["address"]),
        marker="",
    )


def hosts_line(target: str, *names: str, marker: str = HOSTS_MARKER) -> str:
    """A line of a hosts file, marked as the formula's unless it is to stay."""
    return f"{target} {' '.join(dict.fromkeys(names))} {marker}".rstrip() + "\n"
