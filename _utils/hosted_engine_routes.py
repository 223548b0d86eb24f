"""
The host's routes and rules before the engine installs it, and those that got lost on the way.

The installation moves the management address onto a bridge. That may cost main's default route
(design page, issue 1), and at the next boot the bridge itself, unless vdsm saves the configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hosted_engine_command as command
import hosted_engine_record as record
from hosted_engine_family import IPV4, OPTIONS
from salt.exceptions import CommandExecutionError

Route = dict[str, Any]
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

THERE, LOST, UNSAVED, ROLLED_BACK = "there", "lost", "unsaved", "rolled back"


def remember(addresses: list[str], bridge: str) -> None:
    """
    Record routes, rules, and the device that holds one of ``addresses``, the host's own.

    What an earlier try recorded stays where its routes are missing now: they are still to be
    restored. Raises CommandExecutionError when no device holds any of the addresses.
    """
    known = record.read("routes")
    if known is not None and state() in (LOST, UNSAVED):
        return
    for address in addresses:
        if device := _device(address):
            break
    else:
        raise CommandExecutionError(
            f"No interface of this host holds {' or '.join(addresses) or 'its address'}: "
            "check hosted_engine:host:address and what it resolves to"
        )
    record.write(
        "routes",
        {
            "address": address,
            "device": device,
            "bridge": bridge,
            "boot": _boot(),
            "routes": [route for route in _routes() if route.get("protocol") != "kernel"],
            "rules": [rule for rule in _rules() if _is_ours_to_restore(rule)],
            "restored": False,
            "saved": False,
        },
    )


def state() -> str:
    """
    ``there``: nothing is lost; ``lost``: recorded routes or rules are; ``unsaved``: we restored
    them, vdsm hasn't saved it; ``rolled back``: a boot undid the engine's network configuration.
    """
    before = record.read("routes")
    if before is None:
        return THERE
    if (
        before["boot"] != _boot()
        and not before["saved"]
        and _device(before["address"]) == before["device"] != before["bridge"]
    ):
        return ROLLED_BACK
    if _lost_routes(before) or _lost_rules(before):
        return LOST
    return UNSAVED if before["restored"] and not before["saved"] else THERE


def restore() -> None:
    """
    Add the recorded routes and rules that are missing, on the device that holds the address now.

    Raises CommandExecutionError when nothing was recorded, or ``ip`` refuses.
    """
    before = record.read("routes")
    if before is None:
        raise CommandExecutionError(
            "No routes were recorded before the host was added: add its default route by hand "
            "(ip route add default via GATEWAY dev BRIDGE)"
        )
    for rule in _lost_rules(before):
        command.run("ip", OPTIONS[_family(rule)], "rule", "add", *_selector(rule))
    # A route by a gateway needs the one to that gateway first.
    for route in sorted(_lost_routes(before), key=lambda route: "gateway" in route):
        command.run("ip", OPTIONS[_family(route)], "route", "add", *_destination(route))
    record.write("routes", before | {"restored": True, "saved": False})


def _lost_routes(before: dict[str, Any]) -> list[Route]:
    """The recorded routes that main lacks, with the device on which they belong now."""
    now = _routes()
    seen = {(route["dst"], route.get("gateway")) for route in now}
    # Another default route is an operator's, or DHCP's: not ours to double.
    has_default = {_family(route) for route in now if route["dst"] == "default"}
    lost = []
    for route in before["routes"]:
        if (route["dst"], route.get("gateway")) in seen:
            continue
        if route["dst"] == "default" and _family(route) in has_default:
            continue
        if route.get("dev") == before["device"]:
            # While the address moves no device holds it: the routes are missing all the same.
            lost.append(route | {"dev": _device(before["address"]) or before["bridge"]})
    return lost


def _lost_rules(before: dict[str, Any]) -> list[dict[str, Any]]:
    now = [(_family(rule), _selector(rule)) for rule in _rules()]
    return [rule for rule in before["rules"] if (_family(rule), _selector(rule)) not in now]


def _is_ours_to_restore(rule: dict[str, Any]) -> bool:
    """Rules by address that lead to main; the kernel's own and vdsm's are others' business."""
    known = {"priority", "src", "srclen", "dst", "dstlen", "table", "family"}
    return rule.get("table") == "main" and rule["priority"] < 32766 and set(rule) <= known


def _selector(rule: dict[str, Any]) -> list[str]:
    words = ["priority", str(rule["priority"])]
    for word, key in (("from", "src"), ("to", "dst")):
        if (address := rule.get(key, "all")) != "all":
            length = f"/{rule[f'{key}len']}" if f"{key}len" in rule else ""
            words += [word, f"{address}{length}"]
    return [*words, "table", str(rule.get("table", "main"))]


def _destination(route: Route) -> list[str]:
    words = [route["dst"]]
    for word, key in (
        ("via", "gateway"),
        ("dev", "dev"),
        ("src", "prefsrc"),
        ("metric", "metric"),
    ):
        if key in route:
            words += [word, str(route[key])]
    if "onlink" in route.get("flags", []):
        words.append("onlink")
    return words


def _routes() -> list[Route]:
    return _of_both("route", "show", "table", "main")


def _rules() -> list[dict[str, Any]]:
    return _of_both("rule", "show")


def _of_both(*arguments: str) -> list[dict[str, Any]]:
    """What ip lists for each family, marked with it: a default route doesn't say."""
    return [
        entry | {"family": family}
        for family, option in OPTIONS.items()
        for entry in _ip(option, *arguments)
    ]


def _family(entry: dict[str, Any]) -> str:
    # What an older version of the formula recorded was all IPv4.
    return str(entry.get("family", IPV4))


def _device(address: str) -> str | None:
    for link in _ip("address", "show"):
        if any(known.get("local") == address for known in link.get("addr_info", [])):
            return str(link["ifname"])
    return None


def _ip(*arguments: str) -> list[dict[str, Any]]:
    said = command.run("ip", "-json", *arguments).stdout
    try:
        # Without a line to show, ip prints nothing or [].
        return json.loads(said or "[]")
    except ValueError as error:
        raise CommandExecutionError(f"ip -json {' '.join(arguments)}: no JSON: {said}") from error


def _boot() -> str:
    return BOOT_ID.read_text().strip()
