"""The bootstrap VM's NAT network: libvirt's definition, routing rules, firewall."""

from __future__ import annotations

import ipaddress
from typing import Any
from xml.etree import ElementTree

from ovirt_he.bootstrap import definitions
from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.host import address_family, firewalld, hypervisor, ip
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.host.subnet import KEYS, LENGTHS, first_free
from ovirt_he.pillar.settings import Settings, load
from salt.exceptions import CommandExecutionError

# vdsm's source routing stands at 3200: what is to hold in spite of it comes before. "to" is what
# keeps host and guest talking.
RULES = (("to", 100), ("from", 101))


def get(name: str) -> dict[str, Any] | None:
    """
    The network ``name``: subnet and its family, guest's MAC and address, active, rule, firewall,
    and whether firewalld runs; None: absent.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.get hosted-engine

    ``rule``: both routing rules stand. ``firewall``: open, or the services that it lacks; open too
    where no firewalld runs.
    """
    settings = _settings()
    with hypervisor.libvirt(settings, read_only=True) as connection:
        network = hypervisor.network(connection, name)
        if network is None:
            return None
        seen = _parsed(network.XMLDesc())
        seen["active"] = bool(network.isActive())
    # Only a lease of IPv4 is pinned to it; in IPv6 the seed gives the guest its address.
    seen["mac"] = seen["mac"] or settings["vm"]["mac"]
    seen["family"] = address_family.of_address(seen["subnet"])
    seen["rule"] = not _missing_rules(seen["subnet"])
    seen["firewalld"] = firewalld.runs()
    lacking = firewalld.missing_services()
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


def family() -> str:
    """
    The family of this deployment's addresses, ``ipv4`` or ``ipv6``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.family
    """
    return address_family.of(_settings())


def define(name: str) -> None:
    """
    Define the network ``name``, on the first of ``bootstrap:subnets``, or of
    ``bootstrap:subnets_ipv6``, that collides with nothing.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.define hosted-engine

    A network that exists keeps its subnet, unless that is of another family. Raises
    CommandExecutionError when every subnet collides with what this host has or must reach, and on
    a deployed host.
    """
    refuse_if_deployed(__salt__, f"Defining the network {name}")
    settings = _settings()
    mac = settings["vm"]["mac"]
    with hypervisor.libvirt(settings) as connection:
        network = hypervisor.network(connection, name)
        if network is None:
            connection.networkDefineXML(definitions.network(name, _free_subnet(settings), mac))
            return
        uuid, subnet = network.UUIDString(), _parsed(network.XMLDesc())["subnet"]
        if address_family.of_address(subnet) != address_family.of(settings):
            _delete_rules(subnet)
            subnet = _free_subnet(settings)
        if network.isActive():
            network.destroy()
        text = definitions.network(name, subnet, mac)
        connection.networkDefineXML(text.replace("</name>", f"</name><uuid>{uuid}</uuid>", 1))


def start(name: str) -> None:
    """
    Start the network ``name``.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.start hosted-engine
    """
    refuse_if_deployed(__salt__, f"Starting the network {name}")
    with hypervisor.libvirt(_settings()) as connection:
        _there(connection, name).create()


def add_rule(name: str) -> None:
    """
    Add the routing rules that keep host and guest talking once vdsm routes by source.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.add_rule hosted-engine
    """
    refuse_if_deployed(__salt__, f"Adding the routing rules of the network {name}")
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

    At runtime and permanently, without a reload of firewalld, which would drop libvirt's own rules.
    """
    refuse_if_deployed(__salt__, f"Opening the firewall for the network {name}")
    firewalld.open_missing()


def remove(name: str) -> None:
    """
    Remove the network ``name`` and its routing rules.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_network.remove hosted-engine
    """
    with hypervisor.libvirt(_settings()) as connection:
        network = _there(connection, name)
        # The definition is removed last: the next try reads the subnet from it.
        _delete_rules(_parsed(network.XMLDesc())["subnet"])
        if network.isActive():
            network.destroy()
        network.undefine()


def _settings() -> Settings:
    return load(__pillar__, __grains__)


def _there(connection: Any, name: str) -> Any:
    network = hypervisor.network(connection, name)
    if network is None:
        raise CommandExecutionError(f"libvirt has no network {name}: hosted_engine_network.define")
    return network


def _parsed(text: str) -> dict[str, Any]:
    """What matters of a network's XML."""
    tree = ElementTree.fromstring(text)  # noqa: S314, libvirt wrote it
    ip, host, bridge = tree.find("ip"), tree.find("ip/dhcp/host"), tree.find("bridge")
    if ip is not None and host is not None:
        network = ipaddress.ip_interface(f"{ip.get('address')}/{ip.get('netmask')}").network
        mac = str(host.get("mac")).lower()
        return {"subnet": str(network), "address": host.get("ip"), "mac": mac}
    ours = bridge is not None and bridge.get("name") == definitions.BRIDGE
    if ip is None or not ours or ip.get("family") != "ipv6":
        raise CommandExecutionError(
            f"libvirt's network {tree.findtext('name')} has no pinned lease, so it isn't ours. "
            "Rename or undefine it"
        )
    network = ipaddress.ip_interface(f"{ip.get('address')}/{ip.get('prefix')}").network
    return {"subnet": str(network), "address": str(network[definitions.GUEST]), "mac": None}


def _rule(action: str, direction: str, subnet: str, priority: int) -> tuple[str, ...]:
    option = address_family.OPTIONS[address_family.of_address(subnet)]
    return (
        *("ip", option, "rule", action, direction, subnet),
        *("priority", str(priority), "table", "main"),
    )


def _missing_rules(subnet: str) -> list[tuple[str, int]]:
    there = {
        (direction, rule["priority"])
        for rule in ip.rules(address_family.of_address(subnet))
        for direction, key in (("to", "dst"), ("from", "src"))
        if _network(rule, key) == ipaddress.ip_network(subnet)
        and rule.get("table") in ("main", "254")
    }
    return [rule for rule in RULES if rule not in there]


def _network(rule: dict[str, Any], key: str) -> Any:
    if key not in rule or f"{key}len" not in rule:
        return None
    return ipaddress.ip_network(f"{rule[key]}/{rule[f'{key}len']}")


def _delete_rules(subnet: str) -> None:
    for direction, priority in sorted(set(RULES) - set(_missing_rules(subnet))):
        command.run(*_rule("delete", direction, subnet, priority))


def _free_subnet(settings: Settings) -> str:
    subnet, tried = first_free(settings)
    if subnet:
        return subnet
    kind = address_family.of(settings)
    raise CommandExecutionError(
        f"bootstrap:{KEYS[kind]}: each collides with what this host has or must reach: "
        f"{'; '.join(tried)}. Name a /{LENGTHS[kind]} that the site doesn't use"
    )
