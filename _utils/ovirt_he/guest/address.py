"""Whether the engine's name resolves to the address that its VM really has."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ovirt_he.bootstrap import definitions
from ovirt_he.host import address_family, ip

RIGHT = "right"


def check(settings: Mapping[str, Any]) -> str:
    """``right``, or what is wrong. What this host can't determine counts as right."""
    agrees, sentence = compared(settings)
    return sentence if agrees is False else RIGHT


def compared(settings: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Whether name and VM agree, None where it isn't known here, and a sentence about it."""
    fqdn, vm = settings["engine"]["fqdn"], settings["vm"]
    family = address_family.of(dict(settings))
    resolved = set(address_family.addresses(fqdn, family))
    if not resolved:
        kind = address_family.NAMES[family]
        return False, f"{fqdn} has no {kind} address on this host. Correct it in DNS"
    neighbours = _neighbours(family)
    has = {one for one, mac in neighbours.items() if mac == vm["mac"]}
    if static := address_family.without_prefix(vm["address"]):
        if (owner := neighbours.get(static, vm["mac"])) != vm["mac"]:
            return False, (
                f"at {static} answers {owner}, which isn't the VM ({vm['mac']}): free that "
                "address, or correct hosted_engine:vm:address or :mac"
            )
        has = {static}
    if not has:
        return None, f"{fqdn} resolves to {_listed(resolved)}; the VM's address isn't known here"
    if has & resolved:
        return True, f"{fqdn} resolves to the VM's address {_listed(has & resolved)}"
    return False, (
        f"{fqdn} resolves to {_listed(resolved)}, but the VM ({vm['mac']}) has {_listed(has)}: "
        "correct the name in DNS, or the address in DHCP or in hosted_engine:vm:address"
    )


def _neighbours(family: str) -> dict[str, str]:
    """MAC addresses of the neighbours that this host knows, without the bootstrap network's."""
    return {
        each.address: each.mac
        for each in ip.neighbours(family)
        if each.device != definitions.BRIDGE
        and not ipaddress.ip_address(each.address).is_link_local
    }


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values))
