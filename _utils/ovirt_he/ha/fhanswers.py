"""
fhanswers.conf of the configuration archive: otopi's answers, and the ids.

Written for other readers of the archive; the formula doesn't read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ovirt_he.ha import conf
from ovirt_he.pillar import keys, storage
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import with_defaults

Values = Mapping[str, Any]
# What the dialog asks to confirm: whoever applies the states has confirmed it.
CONFIRMED = {
    **dict.fromkeys(("CORE/screenProceed", "CORE/deployProceed", "CORE/confirmSettings"), True),
    "VM/cloudInitISO": "generate",
    **dict.fromkeys(("VM/cloudinitExecuteEngineSetup", "VM/automateVMShutdown"), True),
}
LOGINS = {"password": "yes", "none": "no", "keys": "without-password"}
# Keys whose answer differs from their value in form.
WRITERS: dict[str, Callable[[Any], Any]] = {
    "storage:portal_group": str,
    "vm:memory_mib": int,
    "vm:root_login": LOGINS.get,
    "vm:root_ssh_keys": lambda lines: lines[0] if len(lines) == 1 else lines,
}


def text(given: Values, ids: Values, connection: str) -> str:
    """Answers from the pillar ``given`` with its defaults, and ids; no secrets."""
    settings = with_defaults(given, SCHEMA)
    values = keys.leaves(settings)
    answers: dict[str, Any] = dict(CONFIRMED)
    for path, name in keys.named(keys.DEPLOY).items():
        if path in values:
            answers[name.removeprefix(keys.DEPLOY)] = WRITERS.get(path, _answer)(values[path])
    answers |= dict(_converted(settings)) | dict(_ids(settings, ids, connection))
    lines = [f"{keys.DEPLOY}{name}={_typed(value)}\n" for name, value in answers.items()]
    return "[environment:default]\n" + "".join(lines)


def _answer(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(value)
    return str(value or "") if type(value) is int else value


def _converted(settings: Values) -> Iterator[tuple[str, Any]]:
    """Answers that don't belong to one key each."""
    family, profile = settings["network"]["family"], settings["vm"]["openscap_profile"]
    yield "CORE/pauseonRestore", "engine" in settings["pause_before"]
    yield "NETWORK/forceIPv4", family == "ipv4"
    yield "NETWORK/forceIPv6", family == "ipv6"
    yield "VM/applyOpenScapProfile", bool(profile)
    yield "VM/OpenScapProfileName", profile
    place = settings["storage"]
    portals = storage.portals(place) if place["type"] == "iscsi" else []
    addresses = ",".join(address for address, _ in portals)
    is_mount = place["type"] in storage.MOUNT
    yield "STORAGE/storageDomainConnection", storage.server_path(place) if is_mount else addresses
    yield "STORAGE/iSCSIPortalIPAddress", addresses
    yield "STORAGE/iSCSIPortalPort", ",".join(str(port) for _, port in portals)


def _ids(settings: Values, ids: Values, connection: str) -> Iterator[tuple[str, Any]]:
    host, _, domain = (settings["engine"]["fqdn"] or "").partition(".")
    yield "STORAGE/connectionUUID", connection
    yield "STORAGE/sdUUID", ids["storage_domain"]
    yield "STORAGE/spUUID", conf.NO_UUID
    yield "STORAGE/hostID", int(ids["host_id"])
    yield "VM/vmUUID", ids["vm_id"]
    yield "VM/cloudinitInstanceHostName", host
    yield "VM/cloudinitInstanceDomainName", domain
    yield "VDSM/cpu", ids.get("cpu_type")
    for role, disk in conf.DISKS.items():
        for name, part in zip(disk.answers, ("image", "volume"), strict=True):
            yield f"STORAGE/{name}", ids["disks"][role][part]


def _typed(value: Any) -> str:
    """``type:value`` as otopi writes it; None and empty texts are none."""
    if value is None or value in ("", []):
        return "none:None"
    if isinstance(value, bool):
        return f"bool:{value}"
    if isinstance(value, list):
        # A further line of a list is indented.
        return "multi-str:" + "\n  ".join(value)
    return f"int:{value}" if isinstance(value, int) else f"str:{value}"
