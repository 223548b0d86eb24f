"""
The management bridge, by systemd-networkd: its files in /run are gone at the next boot, those
in /etc stay.

What vdsm really does to a host happens here too, in each family: the addresses move onto the
bridge, the main table's default routes are lost, and source routing (rules of priority 3200) takes
their place.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import time
import zlib
from pathlib import Path
from typing import Any

from .errors import VdsmError
from .process import run

RUNTIME = Path("/run/systemd/network")
PERSISTENT = Path("/etc/systemd/network")
FILES = "05-vdsm-"
PRIORITY = 3200
MOVE_SECONDS = 15
FAMILIES = {"inet": "-4", "inet6": "-6"}


def _ip(*arguments: str) -> list[dict[str, Any]]:
    return json.loads(run("ip", "-j", *arguments) or "[]")


def _holder(address: str) -> dict[str, Any]:
    """The link that has an address. Raises VdsmError when none has it."""
    for link in _ip("address", "show"):
        if any(entry["local"] == address for entry in link["addr_info"]):
            return link
    raise VdsmError(f"no interface has the address {address}")


def _gateways() -> dict[str, str]:
    """Each family's gateway, where there is a default route."""
    found = {}
    for family, option in FAMILIES.items():
        for route in _ip(option, "route", "show", "default"):
            if "gateway" in route:
                found.setdefault(family, route["gateway"])
    return found


def setup(network: str, address: str, keep_routes: bool = False) -> None:
    """
    Move an address, and what its interface has besides, onto the bridge ``network``.

    A second call changes nothing.
    """
    link = _holder(address)
    interface = link["ifname"]
    if interface == network:
        return
    gateways = _gateways()
    moving = [entry for entry in link["addr_info"] if entry["scope"] == "global"]
    RUNTIME.mkdir(parents=True, exist_ok=True)
    bridge = f"[NetDev]\nName={network}\nKind=bridge\nMACAddress={link['address']}\n"
    addresses = "".join(f"Address={entry['local']}/{entry['prefixlen']}\n" for entry in moving)
    files = {
        f"{network}.netdev": f"{bridge}\n[Bridge]\nForwardDelaySec=0\nSTP=no\n",
        f"{interface}.network": f"[Match]\nName={interface}\n\n[Network]\nBridge={network}\n"
        "LinkLocalAddressing=no\n",
        f"{network}.network": f"[Match]\nName={network}\n\n[Network]\n{addresses}"
        f"LinkLocalAddressing={'ipv6' if 'inet6' in gateways else 'no'}\nIPv6AcceptRA=no\n"
        "ConfigureWithoutCarrier=yes\n"
        + (_main_routes(gateways) if keep_routes else _source_routing(network, moving, gateways)),
    }
    for name, text in files.items():
        (RUNTIME / f"{FILES}{name}").write_text(text)
    run("systemctl", "stop", "systemd-networkd.socket", "systemd-networkd.service")
    run("ip", "address", "flush", "dev", interface)
    # Those of IPv6 don't go with their addresses.
    run("ip", "-6", "route", "flush", "dev", interface)
    run("systemctl", "start", "systemd-networkd.service")
    _await(network, {entry["local"] for entry in moving})
    if keep_routes:
        save()


def _main_routes(gateways: dict[str, str]) -> str:
    return "".join(f"\n[Route]\nGateway={one}\nTable=main\n" for one in gateways.values())


def _source_routing(network: str, moving: list[dict[str, Any]], gateways: dict[str, str]) -> str:
    table = zlib.adler32(network.encode())
    text = "".join(f"\n[Route]\nGateway={one}\nTable={table}\n" for one in gateways.values())
    for entry in moving:
        address = entry["local"]
        subnet = ipaddress.ip_interface(f"{address}/{entry['prefixlen']}").network
        # IPv6 has no route by an address of one's own.
        by = f"Gateway={address}\n" if subnet.version == 4 else ""
        text += f"\n[Route]\nDestination={subnet}\n{by}Table={table}\n"
        for direction in ("From", "To"):
            rule = f"{direction}={subnet}\nTable={table}\nPriority={PRIORITY}\n"
            text += f"\n[RoutingPolicyRule]\n{rule}"
    return text


def _await(network: str, addresses: set[str]) -> None:
    deadline = time.monotonic() + MOVE_SECONDS
    while time.monotonic() < deadline:
        links = _ip("address", "show", "dev", network, "up")
        there = {
            at["local"]
            for link in links
            for at in link.get("addr_info", [])
            # Until it is known that nobody else has it, an address of IPv6 isn't used.
            if not at.get("tentative")
        }
        if addresses <= there:
            return
        time.sleep(0.1)
    raise VdsmError(
        f"{', '.join(sorted(addresses))} did not come up on {network} within {MOVE_SECONDS} s"
    )


def save() -> None:
    """Keep the network as it is now, with the main table's default routes, over reboots."""
    PERSISTENT.mkdir(parents=True, exist_ok=True)
    for file in RUNTIME.glob(f"{FILES}*"):
        shutil.copyfile(file, PERSISTENT / file.name)
    bridge, routes = running(), _main_routes(_gateways())
    if bridge:
        file = PERSISTENT / f"{FILES}{bridge}.network"
        text = file.read_text()
        if routes not in text:
            file.write_text(text + routes)


def running() -> str | None:
    """Name of the management bridge, or None before it was set up."""
    for folder in (RUNTIME, PERSISTENT):
        for file in folder.glob(f"{FILES}*.netdev"):
            return file.stem.removeprefix(FILES)
    return None


def state() -> dict[str, Any]:
    """Whether network and default route are there and saved, and what is lacking."""
    bridge = running()
    routed = bridge is not None and all(
        any(route["dev"] == bridge for route in _ip(option, "route", "show", "default"))
        for option in _wanted(bridge)
    )
    saved = bridge is not None and (PERSISTENT / f"{FILES}{bridge}.netdev").is_file()
    return {"network": bridge, "default_route": routed, "saved": saved, "ok": routed and saved}


def _wanted(bridge: str) -> set[str]:
    """Options of the families in which the bridge has a global address."""
    return {
        FAMILIES[entry["family"]]
        for link in _ip("address", "show", "dev", bridge)
        for entry in link.get("addr_info", [])
        if entry["scope"] == "global"
    }
