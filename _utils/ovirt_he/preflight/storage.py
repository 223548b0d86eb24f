"""Checks of preflight: what each type of storage needs, and what contradicts it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from ovirt_he.ha import conf
from ovirt_he.pillar import mount_options, settings, storage
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.preflight import export, luns, network
from ovirt_he.preflight.check import Check, Host, Problem, problem

TARGET = re.compile(
    r"^(iqn\.\d{4}-\d{2}\.[a-z0-9][a-z0-9.-]*(:[^,\s]+)?|eui\.[0-9A-F]{16}"
    r"|naa\.([0-9A-F]{16}|[0-9A-F]{32}))$",
    re.IGNORECASE,
)
# Mount options that the engine sets itself and refuses in a domain's, and the key that is for them.
MANAGED = {
    "nfs": dict.fromkeys(("vers", "nfsvers", "minorversion", "protocol_version"), "nfs_version")
    | dict.fromkeys(("timeo", "retrans", "vfs_type", "addr", "clientaddr"), ""),
    "glusterfs": dict.fromkeys(("vfs_type", "addr", "clientaddr"), ""),
}
USERS = {"user": "iscsi_password", "discovery_user": "iscsi_discovery_password"}


def pillar_problems(pillar: Mapping[str, Any], host: Host) -> Iterator[Problem]:
    """What is wrong with the storage's keys by themselves and between them; shows no secret."""
    given = pillar.get("hosted_engine")
    group = given.get("storage") if isinstance(given, dict) else None
    group = group if isinstance(group, dict) else {}
    yield from _keys_of_other_types(pillar, group, host)
    yield from _mount_options(group, host)
    yield from _disk(host)
    if host.settings["storage"]["type"] == "iscsi":
        yield from _portals(host)
        yield from _target(host)
        yield from _chap(pillar, host)


def _silent(group: Mapping[str, Any]) -> str:
    """The end of an advice: a default that nobody chose may be what is wrong."""
    default = SCHEMA["properties"]["storage"]["properties"]["type"]["default"]
    return "" if "type" in group else f" (storage:type isn't given, so it is {default})"


def _keys_of_other_types(
    pillar: Mapping[str, Any], group: Mapping[str, Any], host: Host
) -> Iterator[Problem]:
    """A key that has no meaning for this type is a mistake in the key, or in the type."""
    kind, silent = host.settings["storage"]["type"], _silent(group)
    if group.get("type", kind) != kind:
        return  # no such type: reported by the schema
    defaults = SCHEMA["properties"]["storage"]["properties"]
    for key, value in group.items():
        if key in {"name", "type", *storage.KEYS[kind]} or key not in defaults:
            continue
        if value != defaults[key]["default"]:
            its_types = [one for one in storage.KEYS if key in storage.KEYS[one]]
            yield problem(
                f"storage:{key}",
                f"means nothing for storage:type: {kind}",
                f"Leave it out, or choose {' or '.join(its_types)}{silent}",
            )
    for user, name in USERS.items():
        if kind != "iscsi" and settings.secret(pillar, name):
            yield problem(
                f"secrets:{name}",
                f"means nothing for storage:type: {kind}",
                f"Leave it out, or choose iscsi with storage:{user}{silent}",
            )


def _mount_options(group: Mapping[str, Any], host: Host) -> Iterator[Problem]:
    place, key = host.settings["storage"], "storage:mount_options"
    options = place["mount_options"]
    if not options or place["type"] not in storage.MOUNT:
        return
    for option in options.split(","):
        name = option.partition("=")[0]
        if not name:
            yield problem(key, "an option is empty", "Write them as noatime,nosharecache")
        elif (ours := MANAGED[place["type"]].get(name)) is not None:
            advice = f"Set storage:{ours} instead" if ours else "Leave it out"
            yield problem(key, f"{name} is set by the engine itself", advice)
    for name, other in mount_options.others(place["type"], options):
        advice = f"Set storage:type to {other}, or leave it out{_silent(group)}"
        yield problem(key, f"{name} is for {other}, not for {place['type']}", advice)
    for name in mount_options.secret(options):
        yield problem(key, f"{name} holds a secret", "A mount shows its options: leave it out")


def _disk(host: Host) -> Iterator[Problem]:
    vm, kind = host.settings["vm"], host.settings["storage"]["type"]
    form, allocation = vm["disk_format"], vm["disk_allocation"]
    if (form, allocation) == ("cow", "preallocated"):
        yield problem(
            "vm:disk_allocation",
            "a cow disk takes its room as it is written",
            "Leave it at auto, or set vm:disk_format to raw",
        )
    if (form, allocation) == ("raw", "sparse") and storage.is_block(kind):
        yield problem(
            "vm:disk_allocation",
            f"a raw disk on {kind} takes its room at once",
            "Leave it at auto, or set vm:disk_format to cow",
        )


def _portals(host: Host) -> Iterator[Problem]:
    seen = set()
    for number, text in enumerate(host.settings["storage"]["portals"]):
        key = f"storage:portals:{number}"
        try:
            found = storage.portal(text)
        except ValueError as error:
            yield problem(key, str(error), "Write it as ADDRESS, ADDRESS:PORT or [IPv6]:PORT")
            continue
        if found in seen:
            yield problem(key, f"{text} is there twice", "Name each portal once")
        seen.add(found)


def _target(host: Host) -> Iterator[Problem]:
    target = host.settings["storage"]["target"]
    if target and not TARGET.match(target):
        yield problem(
            "storage:target",
            f"{target} isn't the name of one target",
            "Write it as iqn.2020-01.com.example:engine, eui.… or naa.…",
        )


def _chap(pillar: Mapping[str, Any], host: Host) -> Iterator[Problem]:
    """A user and its password come together, and HA must be able to read the session's."""
    for user, name in USERS.items():
        given, password = host.settings["storage"][user], settings.secret(pillar, name)
        if given and not password:
            yield problem(f"secrets:{name}", f"missing for storage:{user}", "Give it by GPG or SDB")
        if password and not given:
            yield problem(f"storage:{user}", f"missing for secrets:{name}", "Name CHAP's user")
    session = settings.secret(pillar, "iscsi_password")
    # No value is shown, not even a character of it.
    if session and (conf.unreadable(session.value) or "," in session.value):
        yield problem(
            "secrets:iscsi_password",
            "holds a character that the readers of hosted-engine.conf don't read alike",
            "Choose one of letters, digits and .-_:/+=%@!*",
        )
    if "," in host.settings["storage"]["user"]:
        yield problem("storage:user", "holds a comma", "HA takes it for several users")


def servers_resolve(host: Host) -> Iterator[Problem]:
    """The names of the storage servers resolve on this host."""
    place = host.settings["storage"]
    names = {}
    if place["type"] in storage.MOUNT and place["address"]:
        names["storage:address"] = place["address"].strip("[]")
    elif place["type"] == "iscsi":
        for number, text in enumerate(place["portals"]):
            try:
                names[f"storage:portals:{number}"] = storage.portal(text)[0]
            except ValueError:
                continue  # reported as a problem of the pillar
    for key, name in names.items():
        if not network.resolve(name):
            yield problem(key, f"{name} doesn't resolve", "Fix DNS, or the name")


def iscsi_tools(host: Host) -> Iterator[Problem]:
    """iscsiadm is installed if vdsm is. On a bare host, the phase appliance installs both."""
    if host.settings["storage"]["type"] != "iscsi" or not shutil.which("vdsm-client"):
        return
    if not shutil.which("iscsiadm"):
        yield problem(
            "storage:type",
            "vdsm is installed on this host, iscsiadm isn't",
            "Install iscsi-initiator-utils",
        )


CHECKS: list[Check] = [servers_resolve, iscsi_tools, *export.CHECKS, *luns.CHECKS]
