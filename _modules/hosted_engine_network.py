"""The bootstrap VM's NAT network: libvirt's definition, routing rules, firewall."""

from __future__ import annotations

import ipaddress
import json
import shutil
from typing import Any
from xml.etree import ElementTree

import hosted_engine_bootstrap_xml as bootstrap_xml
import hosted_engine_command as command
import hosted_engine_hypervisor as hypervisor
import hosted_engine_settings as settings_
from hosted_engine_guard import only_on_the_way
from hosted_engine_state import NotYet
from salt.exceptions import CommandExecutionError

# vdsm's source routing stands at 3200: what is to hold in spite of it comes before. "to" is what
# keeps host and guest talking.
RULES = (("to", 100), ("from", 101))
ZONE = "libvirt"
# What the engine, in a guest behind this zone, needs of its host.
SERVICES = {"vdsm", "libvirt-tls", "ovirt-imageio", "ovirt-vmconsole", "ssh"}


def get(name: str) -> dict[str, Any] | None:
    """
    The network ``name``: subnet, guest's MAC and address, active, rule, firewall; None: absent.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.get hosted-engine

    ``rule``: both routing rules stand. ``firewall``: open, or the services that it lacks; open too
    where no firewalld runs.
    """
    with hypervisor.libvirt(_settings(), read_only=True) as connection:
        network = hypervisor.network(connection, name)
        if network is None:
            return None
        seen = _parsed(network.XMLDesc())
        seen["active"] = bool(network.isActive())
    seen["rule"] = not _missing_rules(seen["subnet"])
    lacking = _closed_services()
    seen["firewall"] = f"lacks {', '.join(lacking)}" if lacking else "open"
    return seen


def address() -> str:
    """
    The bootstrap guest's address on its NAT network.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.address

    Raises NotYet before the network is defined.
    """
    settings = _settings()
    name = settings["bootstrap"]["network"]
    with hypervisor.libvirt(settings, read_only=True) as connection:
        network = hypervisor.network(connection, name)
        if network is None:
            raise NotYet(f"libvirt has no network {name} yet: hosted_engine.bootstrap defines it")
        return str(_parsed(network.XMLDesc())["address"])


def define(name: str) -> None:
    """
    Define the network ``name``, on the first of ``bootstrap:subnets`` that collides with nothing.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.define hosted-engine

    A network that exists keeps its subnet. Raises CommandExecutionError when every subnet collides
    with an address or route of this host, and on a deployed host.
    """
    only_on_the_way(__salt__, f"Defining the network {name}")
    settings = _settings()
    mac = settings["vm"]["mac"]
    with hypervisor.libvirt(settings) as connection:
        network = hypervisor.network(connection, name)
        if network is None:
            connection.networkDefineXML(bootstrap_xml.network(name, _free_subnet(settings), mac))
            return
        uuid, subnet = network.UUIDString(), _parsed(network.XMLDesc())["subnet"]
        if network.isActive():
            network.destroy()
        text = bootstrap_xml.network(name, subnet, mac)
        connection.networkDefineXML(text.replace("</name>", f"</name><uuid>{uuid}</uuid>", 1))


def start(name: str) -> None:
    """
    Start the network ``name``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.start hosted-engine
    """
    only_on_the_way(__salt__, f"Starting the network {name}")
    with hypervisor.libvirt(_settings()) as connection:
        _there(connection, name).create()


def add_rule(name: str) -> None:
    """
    Add the routing rules that keep host and guest talking once vdsm routes by source.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.add_rule hosted-engine
    """
    only_on_the_way(__salt__, f"Adding the routing rules of the network {name}")
    with hypervisor.libvirt(_settings()) as connection:
        subnet = _parsed(_there(connection, name).XMLDesc())["subnet"]
    for direction, priority in _missing_rules(subnet):
        command.run(*_rule("add", direction, subnet, priority))


def open_firewall(name: str) -> None:
    """
    Let the guest on the network ``name`` reach the services of this host that the engine needs.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.open_firewall hosted-engine

    For now and for good, without a reload of firewalld: a reload would drop libvirt's own rules.
    """
    only_on_the_way(__salt__, f"Opening the firewall for the network {name}")
    options = [f"--add-service={service}" for service in _closed_services()]
    for when in ([], ["--permanent"]):
        command.run("firewall-cmd", "--quiet", *when, f"--zone={ZONE}", *options)


def remove(name: str) -> None:
    """
    Remove the network ``name`` and its routing rules.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.remove hosted-engine
    """
    with hypervisor.libvirt(_settings()) as connection:
        network = _there(connection, name)
        subnet = _parsed(network.XMLDesc())["subnet"]
        there = set(RULES) - set(_missing_rules(subnet))
        # The definition goes last: it is what tells the subnet to the next try.
        for direction, priority in sorted(there):
            command.run(*_rule("delete", direction, subnet, priority))
        if network.isActive():
            network.destroy()
        network.undefine()


def _settings() -> settings_.Settings:
    return settings_.load(__pillar__, __grains__)


def _there(connection: Any, name: str) -> Any:
    network = hypervisor.network(connection, name)
    if network is None:
        raise CommandExecutionError(f"libvirt has no network {name}: hosted_engine_network.define")
    return network


def _parsed(text: str) -> dict[str, Any]:
    """What matters of a network's XML."""
    tree = ElementTree.fromstring(text)  # noqa: S314, libvirt wrote it
    ip, host = tree.find("ip"), tree.find("ip/dhcp/host")
    if ip is None or host is None:
        raise CommandExecutionError(
            f"libvirt's network {tree.findtext('name')} has no pinned lease, so it isn't ours. "
            "Rename or undefine it"
        )
    interface = ipaddress.IPv4Interface(f"{ip.get('address')}/{ip.get('netmask')}")
    return {
        "subnet": str(interface.network),
        "address": host.get("ip"),
        "mac": str(host.get("mac")).lower(),
    }


def _rule(action: str, direction: str, subnet: str, priority: int) -> tuple[str, ...]:
    return (
        *("ip", "rule", action, direction, subnet),
        *("priority", str(priority), "table", "main"),
    )


def _missing_rules(subnet: str) -> list[tuple[str, int]]:
    network = ipaddress.IPv4Network(subnet)
    there = {
        (direction, rule["priority"])
        for rule in json.loads(command.run("ip", "-j", "-4", "rule", "show").stdout)
        for direction, key in (("to", "dst"), ("from", "src"))
        if rule.get(key) == str(network.network_address)
        and rule.get(f"{key}len") == network.prefixlen
        and rule.get("table") in ("main", "254")
    }
    return [rule for rule in RULES if rule not in there]


def _free_subnet(settings: settings_.Settings) -> str:
    taken = _taken(settings)
    tried = []
    for candidate in settings["bootstrap"]["subnets"]:
        subnet = ipaddress.IPv4Network(candidate, strict=False)
        collides = sorted({str(network) for network in taken if network.overlaps(subnet)})
        if not collides:
            return str(subnet)
        tried.append(f"{subnet} (with {', '.join(collides)})")
    raise CommandExecutionError(
        f"bootstrap:subnets: each collides with a network of this host: {'; '.join(tried)}. "
        "Name a /24 that the site doesn't use"
    )


def _taken(settings: settings_.Settings) -> set[ipaddress.IPv4Network]:
    """Networks that this host has addresses in or routes to, and the engine's final one."""
    found = {
        route["dst"]
        for route in json.loads(
            command.run("ip", "-j", "-4", "route", "show", "table", "all").stdout or "[]"
        )
        if route["dst"] != "default"
    }
    for link in json.loads(command.run("ip", "-j", "-4", "address", "show").stdout or "[]"):
        found |= {f"{seen['local']}/{seen['prefixlen']}" for seen in link.get("addr_info", [])}
    found |= set(filter(None, (settings["vm"]["address"], settings["network"]["gateway"])))
    return {ipaddress.IPv4Network(text, strict=False) for text in found if ":" not in text}


def _closed_services() -> list[str]:
    """The services that firewalld knows, and that the zone lacks, now or after a reload."""
    if shutil.which("firewall-cmd") is None:
        return []
    if command.run("firewall-cmd", "--state", codes=tuple(range(256))).returncode:
        return []
    known = SERVICES.intersection(command.run("firewall-cmd", "--get-services").stdout.split())
    lists = ("--list-services", f"--zone={ZONE}")
    now = command.run("firewall-cmd", *lists).stdout.split()
    later = command.run("firewall-cmd", "--permanent", *lists).stdout.split()
    return sorted(known - set(now).intersection(later))
