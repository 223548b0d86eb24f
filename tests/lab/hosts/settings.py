"""Names, addresses and folders of the lab: INTERFACES.md as Python."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
# Always absolute: it ends up in mount options, and in what other processes read back.
LAB = Path(os.environ.get("HOSTED_ENGINE_LAB", "/var/lib/hosted-engine-lab")).resolve()
CACHE = Path(os.environ.get("HOSTED_ENGINE_CACHE", LAB / "cache")).resolve()
HOSTS = LAB / "hosts"
STORAGE = LAB / "storage"
CHECKPOINTS = LAB / "checkpoints"

# Named after its folder, so that several labs live side by side, each with the same addresses.
NAMESPACE = LAB.name
BRIDGE = "br0"
DOMAIN = "lab.test"
GATEWAY = "10.77.0.1"
PREFIX = 24
# Beside that, for deployments over IPv6: names of their own, which have no other addresses.
DOMAIN_IPV6 = f"six.{DOMAIN}"
GATEWAY_IPV6 = "fd77::1"
PREFIX_IPV6 = 64
SALT = os.environ.get("HOSTED_ENGINE_SALT", "3008.3")
# "debian": new hosts install the real sanlock, with its lease times; else the lab's stand-in.
SANLOCK = os.environ.get("HOSTED_ENGINE_SANLOCK", "stand-in")
MOST_HOSTS = 20
EXPORTS = 4


# CHAP of the iSCSI target's sessions and of its discovery: user, secret.
ISCSI_SESSION = ("engine-host", "Session-CHAP-17")
ISCSI_DISCOVERY = ("finder", "Discovery-CHAP-23")


def host_address(name: str) -> str:
    """Address of ``hvN``. Raises ValueError for any other name."""
    number = name.removeprefix("hv")
    if not name.startswith("hv") or not number.isdecimal() or not 1 <= int(number) <= MOST_HOSTS:
        raise ValueError(f"{name} is no lab host: they are hv1 to hv{MOST_HOSTS}")
    return f"10.77.0.{10 + int(number)}"


def host_names() -> list[str]:
    """Every name that a lab host may have, whether it exists or not."""
    return [f"hv{number}" for number in range(1, MOST_HOSTS + 1)]


def host_address_ipv6(name: str) -> str:
    """IPv6 address of ``hvN``: its number as it is read, fd77::11 as 10.77.0.11."""
    return f"fd77::{host_address(name).rpartition('.')[2]}"


def sites(hosts: int) -> list[str]:
    """Names of sites that have storage: one a host, and some more than a small lab needs."""
    return [f"engine{number}" for number in range(1, max(EXPORTS, hosts) + 1)]


def target(site: str) -> str:
    """Name of a site's iSCSI target."""
    return f"iqn.2026-11.test.lab:{site}"


def engine_mac(number: int) -> str:
    """MAC address for which the lab's DHCP keeps the address of engine ``number``."""
    return f"00:16:3e:4c:41:{number:02x}"


def engine_names() -> dict[str, str]:
    """Engines' names and addresses: one site a host."""
    numbers = range(1, MOST_HOSTS + 1)
    names = {f"engine{n}.{DOMAIN}": f"10.77.0.{100 + n}" for n in numbers}
    return names | {f"engine{n}.{DOMAIN_IPV6}": f"fd77::{100 + n}" for n in numbers}
