"""
Everything that would stop a deployment, found before anything is changed, all of it at once.

Needs no library that a later phase installs. A check is a small generator of problems; one that
fails is reported as a problem of its own, and the others go on.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from salt.exceptions import CommandExecutionError, SaltException

from ovirt_he.ha import conf
from ovirt_he.host import address_family, dns, ip, routes, storage_probe, subnet
from ovirt_he.pillar import schema_types, storage, validate
from ovirt_he.pillar.schema import SCHEMA

Problem = dict[str, str]
# The check of what is wrong with the pillar by itself.
PILLAR = "pillar"
IGNORED = "Ignored, since preflight:ignore names its check: {}"
# Characters that the engine's table has for a storage connection; Linux for a file's name.
CONNECTION, FILE_NAME = 250, 255
ORGANIZATION = "OVESETUP_PKI/organization"
# Candidates for the NAT network, as they are to be written.
EXAMPLES = {"subnets": "192.168.222.0/24", "subnets_ipv6": "fd00:1234:5678:900::/64"}


def problem(key: str, what: str, advice: str) -> Problem:
    """A problem: the pillar's key below ``hosted_engine``, what is wrong, what to do."""
    return OrderedDict(key=f"hosted_engine:{key}", problem=what, advice=advice)


def as_text(found: list[Problem], head: str = "{} to fix:") -> str:
    """Problems as an operator reads them, one a line, each with its check's name; "": none."""
    lines = [
        f"- {one['key']}: {one['problem']}. {one['advice']}".rstrip(". ")
        + f" (check: {one.get('check', PILLAR)})"
        for one in found
    ]
    return "\n".join([head.format(len(lines)), *lines]) if lines else ""


def remark(found: dict[str, Any]) -> str:
    """What an examination found beside its problems: those that are ignored, and notes."""
    return "\n".join(filter(None, [as_text(found["ignored"], IGNORED), *found["notes"]]))


class Host:
    """The settings and this host, as the checks look at them. ``salt``: ``__salt__``."""

    def __init__(
        self,
        settings: dict[str, Any],
        grains: Mapping[str, Any],
        salt: Mapping[str, Callable[..., Any]],
        pillar: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings, self.grains, self.salt, self.pillar = settings, grains, salt, pillar or {}

    @cached_property
    def links(self) -> list[ip.Link]:
        """Interfaces with their addresses and kinds."""
        return ip.links()

    @cached_property
    def notes(self) -> list[str]:
        """What couldn't be checked from here, or is worth knowing, but is no problem by itself."""
        return []

    @cached_property
    def export(self) -> dict[str, Any]:
        """The storage's export as the probe sees it; ``refused``: why it can't be mounted."""
        place = self.settings["storage"]
        try:
            whole = place["type"] in storage.MOUNT and place["address"] and place["path"]
            return storage_probe.inspect(place) if whole else {}
        except CommandExecutionError as error:
            return {"refused": str(error)}

    @cached_property
    def family(self) -> str:
        """The family of the deployment's addresses."""
        return address_family.of(self.settings)

    @cached_property
    def default_routes(self) -> list[dict[str, Any]]:
        """The family's default routes, preferred one first; where lost, what was recorded."""
        return routes.default_routes(self.family)

    @cached_property
    def hops(self) -> list[ip.Hop]:
        """Where the default routes lead, the preferred one's hops first."""
        return [hop for route in self.default_routes for hop in ip.alive(route)]

    @cached_property
    def interface(self) -> str:
        """Management interface: the network's bridge once vdsm made it, else the pillar's."""
        bridge: str = self.settings["network"]["name"]
        if self.addresses(bridge):
            return bridge
        named: str = self.settings["host"]["interface"]
        return named or next((hop.device for hop in self.hops), "")

    @cached_property
    def gateway(self) -> str:
        """What HA will ping, and the default gateway of a static engine."""
        return routes.default_gateway(self.settings)

    @cached_property
    def resolver(self) -> dns.Resolver:
        """The DNS servers that the engine's VM will ask, as far as that is known here."""
        vm, joins = self.settings["vm"], self.settings["host"]["joins"]
        by_dhcp = joins or not vm["address"]
        return dns.Resolver(vm["dns"] or (subnet.resolvers() if by_dhcp else []))

    @property
    def search_domains(self) -> list[str]:
        """The domains in which the engine's VM will look up a name without one."""
        named: str = self.settings["vm"]["search_domain"]
        return [named] if named else subnet.search_domains()

    def addresses(self, interface: str | None = None) -> dict[str, int]:
        """Addresses with their prefix lengths, of one interface or of all."""
        return {
            address.address: address.length
            for link in self.links
            if interface in (None, link.name)
            for address in link.addresses
        }


Check = Callable[[Host], Iterator[Problem]]


def found(checks: list[Check], host: Host) -> list[Problem]:
    """All problems, each with its check's name; a check that fails itself is one of them."""
    problems: list[Problem] = []
    for check in checks:
        name = check.__name__
        try:
            seen = list(check(host))
        except (OSError, SaltException) as error:
            what = f"{name.replace('_', ' ')}: {error}"
            seen = [problem("preflight", what, "It couldn't be checked")]
        problems += [one | {"check": name} for one in seen]
    return problems


def pillar_problems(pillar: Mapping[str, Any], host: Host) -> list[Problem]:
    """What is wrong with the pillar by itself: by the schema, and between its keys."""
    sentences = sorted(validate.problems(pillar.get("hosted_engine", {}), SCHEMA))
    sentences += conf.unreadable_settings(host.settings)
    by_schema = []
    for sentence in sentences:
        key, _, text = sentence.partition(": ")
        what, _, advice = text.partition(". ")
        by_schema.append(problem(key.removeprefix("hosted_engine:"), what, advice))
    checks: list[Check] = [
        mac_is_unicast,
        network_test_is_whole,
        checksum_has_a_source,
        addresses_are_whole,
        family_is_one,
        names_have_room,
    ]
    return by_schema + found(checks, host)


def mac_is_unicast(host: Host) -> Iterator[Problem]:
    mac = host.settings["vm"]["mac"]
    if int(mac[:2], 16) & 1 or set(mac) <= set("0:"):
        yield problem(
            "vm:mac", f"{mac} isn't a unicast address", "Choose one such as 00:16:3e:12:34:56"
        )


def network_test_is_whole(host: Host) -> Iterator[Problem]:
    network = host.settings["network"]
    for key in ("tcp_address", "tcp_port"):
        if network["test"] == "tcp" and not network[key]:
            yield problem(
                f"network:{key}", "missing for network:test: tcp", "Name what HA shall connect to"
            )
        elif network["test"] != "tcp" and network[key]:
            yield problem(
                f"network:{key}",
                f"means nothing for network:test: {network['test']}",
                "Leave it out, or set network:test to tcp",
            )


def checksum_has_a_source(host: Host) -> Iterator[Problem]:
    if host.settings["appliance"]["sha1"] and not host.settings["appliance"]["source"]:
        what = "there is no appliance:source whose checksum it would be"
        yield problem("appliance:sha1", what, "Leave it out, or name the image")


def addresses_are_whole(host: Host) -> Iterator[Problem]:
    vm, network = host.settings["vm"], host.settings["network"]
    for number, server in enumerate(vm["dns"]):
        yield from _unreadable(f"vm:dns:{number}", server, ipaddress.ip_address)
    if len(vm["dns"]) > 3:
        yield problem("vm:dns", f"{len(vm['dns'])} servers", "A resolver asks three at most")
    if network["gateway"]:
        yield from _unreadable("network:gateway", network["gateway"], ipaddress.ip_address)
    if vm["address"]:
        yield from _unreadable("vm:address", vm["address"], ipaddress.ip_interface)
        yield from _static_address(vm["address"])
    for name, example in EXAMPLES.items():
        for number, value in enumerate(host.settings["bootstrap"][name]):
            yield from _subnet(f"bootstrap:{name}:{number}", value, example)


def _subnet(key: str, value: str, example: str) -> Iterator[Problem]:
    unreadable = list(_unreadable(key, value, ipaddress.ip_network))
    yield from unreadable
    length = example.partition("/")[2]
    family = address_family.of_address(example)
    right = address_family.of_address(value) == family and value.endswith(f"/{length}")
    if not unreadable and not right:
        what = f"{value} isn't a /{length} network of {address_family.NAMES[family]}"
        yield problem(key, what, f"Write it as {example}")


def family_is_one(host: Host) -> Iterator[Problem]:
    """What the pillar names is of one family; a name's addresses are looked at by ``host_name``."""
    known = host.settings["host"]["address"]
    named = [known] if address_family.of_address(known) else []
    for key, what in address_family.contradictions(host.settings, named):
        yield problem(key, what, "Fix it, or say in network:family which one is meant")


def names_have_room(host: Host) -> Iterator[Problem]:
    """What the engine and the kernel limit, though each part by itself is short enough."""
    name = host.settings["host"]["address"]
    if len(name) > schema_types.COMMON_NAME:
        yield problem(
            "host:address",
            f"{name} is longer than {schema_types.COMMON_NAME} characters, more than the host's "
            "certificate holds",
            "Give a shorter name, or an address",
        )
    organization = host.settings["engine"]["answers"].get(ORGANIZATION, "").removeprefix("str:")
    if len(organization) > schema_types.COMMON_NAME:
        what = f"longer than the {schema_types.COMMON_NAME} characters that a certificate holds"
        yield problem(f"engine:answers:{ORGANIZATION}", what, "Give a shorter one")
    place = host.settings["storage"]
    if place["type"] not in storage.MOUNT:
        return
    path, mounted = storage.server_path(place), storage.mount_point(place) or ""
    if len(path) > CONNECTION:
        what = f"with its address it's longer than the {CONNECTION} characters of the engine"
        yield problem("storage:path", what, "Export a shorter path")
    elif len(mounted.rpartition("/")[2].encode()) > FILE_NAME:
        what = f"the name of its mount point, in which _ is doubled, is longer than {FILE_NAME}"
        yield problem("storage:path", what, "Export a shorter path")


def _unreadable(key: str, value: str, reader: Callable[[str], Any]) -> Iterator[Problem]:
    try:
        reader(value)
    except ValueError as error:
        yield problem(key, str(error), "Write it as in docs/pillar.md")


def _static_address(value: str) -> Iterator[Problem]:
    try:
        static = ipaddress.ip_interface(value)
    except ValueError:
        return
    network = static.network
    # IPv6 has no broadcast; its first address is every router's.
    ends = {network.network_address, *([network.broadcast_address] if network.version == 4 else [])}
    if network.num_addresses < 4:
        yield problem("vm:address", f"{value} is a network of its own", "Give its prefix length")
    elif static.ip in ends or static.ip.is_link_local or static.ip.is_multicast:
        yield problem("vm:address", f"{value} isn't a host's address", "Give the engine's address")
