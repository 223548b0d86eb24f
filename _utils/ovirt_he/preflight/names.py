"""
Checks of preflight: names as the engine's VM will resolve them on the shared storage.

There it asks DNS: this host's hosts file isn't its own, and the lines that it has during the
bootstrap are gone. The storage's names aren't asked: hosts mount it, the engine never does.
"""

from __future__ import annotations

from collections.abc import Iterator

from salt.exceptions import CommandExecutionError

from ovirt_he.guest import hosts_file
from ovirt_he.host import address_family
from ovirt_he.preflight import network
from ovirt_he.preflight.check import Check, Host, Problem, problem

OTHERWISE = "or give an address in host:address"


def engine_name_in_dns(host: Host) -> Iterator[Problem]:
    """
    DNS gives the engine's name its future address, when asked as the engine VM will ask it
    (vm:dns, else this host's servers). Not needed with vm:hosts_entries and a static address,
    which add a line to the VM's hosts file.
    """
    vm, name = host.settings["vm"], host.settings["engine"]["fqdn"]
    static = address_family.without_prefix(vm["address"])
    if not name or (vm["hosts_entries"] and static):
        return
    # A name that doesn't resolve here either is reported already.
    here = network.resolve_finally(name)
    if here:
        wanted = {static} if static and address_family.of_address(static) == host.family else here
        yield from _compared(host, "engine:fqdn", name, wanted, "Put it right in DNS")


def host_name_in_dns(host: Host) -> Iterator[Problem]:
    """
    DNS gives the host's name an address of this host, when asked as the engine VM will ask it
    (vm:dns, else this host's servers). Not needed with vm:hosts_entries, which adds a line for
    the first host to the VM's hosts file.
    """
    name, joins = host.settings["host"]["address"], host.settings["host"]["joins"]
    if (
        not name
        or address_family.of_address(name)
        or (host.settings["vm"]["hosts_entries"] and not joins)
    ):
        return
    if here := network.resolve(name):
        lines = "" if joins else "set vm:hosts_entries: true, "
        yield from _compared(
            host, "host:address", name, here, f"Put it right in DNS, {lines}{OTHERWISE}"
        )


def _compared(host: Host, key: str, name: str, here: set[str], advice: str) -> Iterator[Problem]:
    """What this host knows of a name, against what the engine's VM will get."""
    kind = address_family.NAMES[host.family]
    wanted = {address for address in here if address_family.of_address(address) == host.family}
    servers = ", ".join(host.resolver.servers)
    only = f"this host's {hosts_file.HOSTS}" if network.in_hosts_file(name) else "this host"
    known, asks = f"{name} is known to {only}", "the engine's VM will ask DNS"
    try:
        answer = set(_asked(host, name))
    except CommandExecutionError as error:
        yield problem(key, f"{known}; {asks}, which can't be asked from here: {error}", advice)
        return
    if not answer:
        what = f"{known} only: {asks} ({servers}), which has no {kind} address for it"
        yield problem(key, what, advice)
    elif wanted and not answer & wanted:
        what = f"{name} is {_listed(wanted)}, but DNS ({servers}) says {_listed(answer)}"
        yield problem(key, f"{what}: {asks}", advice)


def _asked(host: Host, name: str) -> list[str]:
    """What DNS says, of a name without a domain in the guest's domains."""
    domains = [] if "." in name else host.search_domains
    for each in [f"{name}.{domain}" for domain in domains] or [name]:
        if found := host.resolver.addresses(each, host.family):
            return found
    return []


def _listed(addresses: set[str]) -> str:
    return ", ".join(sorted(addresses))


CHECKS: list[Check] = [engine_name_in_dns, host_name_in_dns]
