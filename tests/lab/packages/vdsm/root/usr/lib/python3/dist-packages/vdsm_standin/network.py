"""
The management bridge, by systemd-networkd: its files in /run are gone at the next boot, those
in /etc stay.

What vdsm really does to a host happens here too: the address moves onto the bridge, the main
table's default route is lost, and source routing (rules of priority 3200) takes its place.
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


def _ip(*arguments: str) -> list[dict[str, Any]]:
    return json.loads(run("ip", "-4", "-j", *arguments) or "[]")


def _holder(address: str) -> tuple[str, int, str]:
    """Interface, prefix length and MAC of an address. Raises VdsmError when nobody has it."""
    for link in json.loads(run("ip", "-j", "address", "show")):
        for entry in link["addr_info"]:
            if entry["local"] == address:
                return link["ifname"], entry["prefixlen"], link["address"]
    raise VdsmError(f"no interface has the address {address}")


def _gateway() -> str | None:
    routes = _ip("route", "show", "default")
    return routes[0].get("gateway") if routes else None


def setup(network: str, address: str, keep_routes: bool = False) -> None:
    """Move an address onto the bridge ``network``; a second call changes nothing."""
    interface, prefix, mac = _holder(address)
    if interface == network:
        return
    gateway = _gateway()
    subnet = ipaddress.ip_interface(f"{address}/{prefix}").network
    RUNTIME.mkdir(parents=True, exist_ok=True)
    bridge = f"[NetDev]\nName={network}\nKind=bridge\nMACAddress={mac}\n"
    files = {
        f"{network}.netdev": f"{bridge}\n[Bridge]\nForwardDelaySec=0\nSTP=no\n",
        f"{interface}.network": f"[Match]\nName={interface}\n\n[Network]\nBridge={network}\n"
        "LinkLocalAddressing=no\n",
        f"{network}.network": f"[Match]\nName={network}\n\n[Network]\nAddress={address}/{prefix}\n"
        "LinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n"
        + (
            _main_route(gateway)
            if keep_routes
            else _source_routing(network, address, subnet, gateway)
        ),
    }
    for name, text in files.items():
        (RUNTIME / f"{FILES}{name}").write_text(text)
    run("systemctl", "stop", "systemd-networkd.socket", "systemd-networkd.service")
    run("ip", "address", "flush", "dev", interface)
    run("systemctl", "start", "systemd-networkd.service")
    _await(network, address)
    if keep_routes:
        save()


def _main_route(gateway: str | None) -> str:
    return f"\n[Route]\nGateway={gateway}\nTable=main\n" if gateway else ""


def _source_routing(network: str, address: str, subnet: object, gateway: str | None) -> str:
    table = zlib.adler32(network.encode())
    text = f"\n[Route]\nDestination={subnet}\nGateway={address}\nTable={table}\n"
    if gateway:
        text += f"\n[Route]\nGateway={gateway}\nTable={table}\n"
    for direction in ("From", "To"):
        text += f"\n[RoutingPolicyRule]\n{direction}={subnet}\nTable={table}\nPriority={PRIORITY}\n"
    return text


def _await(network: str, address: str) -> None:
    deadline = time.monotonic() + MOVE_SECONDS
    while time.monotonic() < deadline:
        links = json.loads(run("ip", "-j", "address", "show", "dev", network, "up"))
        if any(at["local"] == address for link in links for at in link.get("addr_info", [])):
            return
        time.sleep(0.1)
    raise VdsmError(f"{address} did not come up on {network} within {MOVE_SECONDS} s")


def save() -> None:
    """Keep the network as it is now, with the main table's default route, over reboots."""
    PERSISTENT.mkdir(parents=True, exist_ok=True)
    for file in RUNTIME.glob(f"{FILES}*"):
        shutil.copyfile(file, PERSISTENT / file.name)
    bridge, route = running(), _main_route(_gateway())
    if bridge:
        file = PERSISTENT / f"{FILES}{bridge}.network"
        text = file.read_text()
        if route not in text:
            file.write_text(text + route)


def running() -> str | None:
    """Name of the management bridge, or None before it was set up."""
    for folder in (RUNTIME, PERSISTENT):
        for file in folder.glob(f"{FILES}*.netdev"):
            return file.stem.removeprefix(FILES)
    return None


def state() -> dict[str, Any]:
    """Whether network and default route are there and saved, and what is lacking."""
    bridge = running()
    routed = bridge is not None and any(
        route["dev"] == bridge for route in _ip("route", "show", "default")
    )
    saved = bridge is not None and (PERSISTENT / f"{FILES}{bridge}.netdev").is_file()
    return {"network": bridge, "default_route": routed, "saved": saved, "ok": routed and saved}
