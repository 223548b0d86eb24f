"""
Checks of preflight: portals, target and LUN (iscsi, fc), as far as this host sees them by itself.

Nobody is logged in to a target for that, so a target's LUNs are seen only where somebody is.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command
from ovirt_he.host import block_devices, iscsi, lun_selection
from ovirt_he.pillar import settings, storage
from ovirt_he.preflight import export, network
from ovirt_he.preflight.check import Check, Host, Problem, problem

CONNECT_SECONDS = 5


def portals_answer(host: Host) -> Iterator[Problem]:
    """Each portal of the target accepts a TCP connection from this host."""
    portals = _portals(host)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(_connected, portals.values()))
    for (number, portal), why in zip(portals.items(), answers, strict=True):
        if why:
            yield problem(
                f"storage:portals:{number}",
                f"{storage.shown_portal(*portal)} doesn't answer: {why}",
                "Look at the target, its portals, and firewalls between",
            )


def target_is_there(host: Host) -> Iterator[Problem]:
    """The first portal offers the pillar's target in the pillar's portal group."""
    place, portals = host.settings["storage"], _portals(host)
    if 0 not in portals or _connected(portals[0]):
        return
    if shutil.which("iscsiadm", path=command.ENVIRONMENT["PATH"]) is None:
        host.notes.append(f"Targets weren't asked for: iscsiadm comes with {iscsi.PACKAGE}")
        return
    password = settings.secret(host.pillar, "iscsi_discovery_password")
    if place["discovery_user"] and iscsi.is_recorded(*portals[0]):
        host.notes.append(f"Targets weren't asked for: iscsiadm has a record of {portals[0][0]}")
        return
    try:
        found = iscsi.targets(place, password)
    except CommandExecutionError as error:
        yield problem("storage:portals:0", str(error), "")
        return
    ours = [one for one in found if one["target"] == place["target"]]
    shown = storage.shown_portal(*portals[0])
    if not ours:
        others = ", ".join(sorted({one["target"] for one in found})) or "none"
        yield problem(
            "storage:target",
            f"{shown} doesn't offer {place['target']}; it offers this host: {others}",
            "Name one of them, or let this host's initiator see the target",
        )
    elif str(place["portal_group"]) not in (groups := sorted({one["portal"] for one in ours})):
        yield problem(
            "storage:portal_group",
            f"{place['target']} has no portal group {place['portal_group']}; "
            f"it has {', '.join(groups)}",
            "Name one of them",
        )


def lun_is_free(host: Host) -> Iterator[Problem]:
    """The pillar's LUN, or one that can be chosen, exists, is free and is large enough."""
    place = host.settings["storage"]
    if not storage.is_block(place["type"]) or export.engine_judges(host) or export.own_domain(host):
        return
    seen = [one for one in block_devices.luns() if one["type"] == place["type"]]
    there = any(one["id"] == place["lun"] for one in seen)
    if place["type"] == "iscsi" and not (place["lun"] and there):
        # What is seen may be another target's.
        host.notes.append("LUNs of the target weren't looked at: this host isn't logged in to it")
        return
    try:
        lun_selection.choose(seen, place, storage.lun_bytes(host.settings["vm"]["disk_gib"]))
    except CommandExecutionError as error:
        yield problem("storage:lun", str(error), "")


def _portals(host: Host) -> dict[int, tuple[str, int]]:
    """The portals that can be read and have an address, by their number in the pillar."""
    place, found = host.settings["storage"], {}
    for number, text in enumerate(place["portals"] if place["type"] == "iscsi" else ()):
        try:
            portal = storage.portal(text)
        except ValueError:
            continue  # a problem of the pillar
        if network.resolve(portal[0]):
            found[number] = portal
    return found


def _connected(portal: tuple[str, int]) -> str:
    """Why a portal takes no connection; empty if it does."""
    try:
        socket.create_connection(portal, timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return str(error)
    return ""


CHECKS: list[Check] = [portals_answer, target_is_there, lun_is_free]
