"""
Answer files of ``hosted-engine --deploy``: which answer tells which key of the pillar, both ways.

fhanswers.conf is written from this table and any answer file is read by it. What otopi has no key
for, or can't say exactly, stands in keys of our own, ``OVEHOSTED_FORMULA/GROUP.KEY``, as JSON:
otopi takes a key that it doesn't know into its environment, where nobody asks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import hosted_engine_answer_file as answer_file
import hosted_engine_convert as convert
from hosted_engine_answer_reasons import REASONS
from hosted_engine_convert import Converted, Row, Values
from hosted_engine_schema import ANSWER_NAME, SCHEMA
from hosted_engine_validate import with_defaults

PREFIX = "OVEHOSTED_"
OWN = f"{PREFIX}FORMULA/"
NO_UUID = "00000000-0000-0000-0000-000000000000"
# How each of the four disks is called in the names of its ids.
DISKS = {
    "vm": ("imgUUID", "volUUID"),
    "metadata": ("metadataImageUUID", "metadataVolumeUUID"),
    "lockspace": ("lockspaceImageUUID", "lockspaceVolumeUUID"),
    "configuration": ("confImageUUID", "confVolUUID"),
}
# What a person confirms at the terminal: whoever applies the states has done so.
CONFIRMED = {
    **dict.fromkeys(("CORE/screenProceed", "CORE/deployProceed", "CORE/confirmSettings"), True),
    "VM/cloudInitISO": "generate",
    **dict.fromkeys(("VM/cloudinitExecuteEngineSetup", "VM/automateVMShutdown"), True),
}


def row(name: str, path: str, read: Callable[..., Any] = convert.text) -> Row:
    """One answer for one key; what its ``read`` takes for nothing is written as nothing."""
    writers: dict[Any, Callable[..., Any]] = {
        convert.texts: ",".join,
        convert.number: _digits,
        convert.portal_group: str,
    }
    return Row((PREFIX + name,), (path,), read, writers.get(read, lambda value: value))


def _digits(value: int) -> str | None:
    return str(value) if value else None


def _kind(value: Any) -> tuple[str | None, str | None]:
    """Files of the first versions say nfs3 or nfs4."""
    said = convert.text(value)
    return ("nfs", f"v{said[-1]}") if said in ("nfs3", "nfs4") else (said, None)


def _storage(kind: Any, connection: Any, addresses: Any, ports: Any) -> tuple[Any, ...]:
    kind = _kind(kind)[0] or "nfs"
    listed = convert.portals(kind, connection, addresses, ports)
    return *convert.share(kind, connection), listed


def _write_storage(address: str, path: str, portals: list[str]) -> tuple[str | None, ...]:
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    split = [_host_and_port(portal) for portal in portals]
    addresses = ",".join(host for host, _ in split) or None
    ports = ",".join(port for _, port in split) or None
    return None, f"{host}:{path}" if address and path else addresses, addresses, ports


def _host_and_port(portal: str) -> tuple[str, str]:
    host, _, port = portal.rpartition(":")
    if host.startswith("[") or (host and ":" not in host):
        return host.strip("[]"), port
    return portal, str(convert.ISCSI_PORT)


def _cidr(value: Any) -> str | None:
    said = convert.text(value)
    if said and "/" not in said:
        raise ValueError("ADDRESS/PREFIX is wanted: files that the role wrote lack the prefix")
    return said


def _graphics(value: Any) -> str | None:
    """qxl is how files of the first versions ask for SPICE."""
    said = convert.text(value)
    return "spice" if said == "qxl" else said


def _names(*names: str) -> tuple[str, ...]:
    return tuple(PREFIX + name for name in names)


LOGINS = {"password": "yes", "none": "no", "keys": "without-password"}

TABLE = [
    # engine-setup's own, which some files have as well: not for engine:answers, as a key decides.
    Row(("OVESETUP_CONFIG/fqdn",), ("engine:fqdn",), convert.text),
    Row(("OVESETUP_CONFIG/keycloakEnable",), ("engine:keycloak",), convert.flag),
    Row(("OVESETUP_CONFIG/adminPassword",), ("secrets:admin_password",), convert.text),
    Row(("OVESETUP_DB/password",), ("secrets:database_password",), convert.text),
    Row(("OVESETUP_DWH_DB/password",), ("secrets:dwh_database_password",), convert.text),
    row("CORE/enableKeycloak", "engine:keycloak", convert.flag),
    row("CORE/restoreFromFile", "restore:backup"),
    row("CORE/renewPKIonRestore", "restore:renew_pki", convert.flag),
    Row(
        _names("CORE/pauseonRestore"),
        ("pause_before",),
        convert.pause,
        lambda phases: convert.PAUSE in phases,
    ),
    Row(_names("CORE/localVMDir"), ("bootstrap:directory",), convert.directory),
    row("NETWORK/fqdn", "engine:fqdn"),
    row("NETWORK/bridgeName", "network:name"),
    Row(
        _names("NETWORK/bridgeIf"),
        ("host:interface", "network:vlan"),
        convert.interface,
        lambda interface, _: interface,
    ),
    row("NETWORK/gateway", "network:gateway"),
    row("NETWORK/host_name", "host:address"),
    row("NETWORK/sshdPort", "host:ssh_port", convert.number),
    Row(
        _names("NETWORK/forceIPv4", "NETWORK/forceIPv6"),
        ("network:family",),
        convert.family,
        lambda family: (family == "ipv4", family == "ipv6"),
    ),
    row("NETWORK/network_test", "network:test"),
    row("NETWORK/network_test_tcp_address", "network:tcp_address"),
    row("NETWORK/network_test_tcp_port", "network:tcp_port", convert.number),
    row("ENGINE/clusterName", "cluster:name"),
    row("ENGINE/datacenterName", "datacenter:name"),
    row("ENGINE/appHostName", "host:name"),
    row("ENGINE/enableHcGlusterService", "cluster:gluster_service", convert.flag),
    row("ENGINE/adminPassword", "secrets:admin_password"),
    Row(
        _names("STORAGE/domainType"),
        ("storage:type", "storage:nfs_version"),
        _kind,
        lambda kind, _: kind,
    ),
    row("STORAGE/nfsVersion", "storage:nfs_version"),
    Row(
        _names(
            "STORAGE/domainType",
            "STORAGE/storageDomainConnection",
            "STORAGE/iSCSIPortalIPAddress",
            "STORAGE/iSCSIPortalPort",
        ),
        ("storage:address", "storage:path", "storage:portals"),
        _storage,
        _write_storage,
    ),
    row("STORAGE/storageDomainName", "storage:name"),
    row("STORAGE/mntOptions", "storage:mount_options"),
    row("STORAGE/iSCSITargetName", "storage:target"),
    row("STORAGE/iSCSIPortal", "storage:portal_group", convert.portal_group),
    row("STORAGE/iSCSIPortalUser", "storage:user"),
    row("STORAGE/iSCSIPortalPassword", "secrets:iscsi_password"),
    row("STORAGE/iSCSIDiscoverUser", "storage:discovery_user"),
    row("STORAGE/iSCSIDiscoverPassword", "secrets:iscsi_discovery_password"),
    # As files of the first versions name it.
    Row(_names("STORAGE/iSCSILunId"), ("storage:lun",), convert.text),
    row("STORAGE/LunID", "storage:lun"),
    row("STORAGE/discardSupport", "storage:discard_after_delete", convert.flag),
    row("STORAGE/imgSizeGB", "vm:disk_gib", convert.number),
    row("VM/vmName", "vm:name"),
    Row(_names("VM/vmMemSizeMB"), ("vm:memory_mib",), convert.number, lambda size: size),
    row("VM/vmVCpus", "vm:cpus", convert.number),
    row("VM/vmMACAddr", "vm:mac"),
    row("VM/emulatedMachine", "vm:machine"),
    row("VM/ovfArchive", "appliance:source"),
    Row(_names("VM/cloudinitVMStaticCIDR"), ("vm:address",), _cidr, lambda address: address),
    row("VM/cloudinitVMDNS", "vm:dns", convert.texts),
    row("VM/cloudinitVMETCHOSTS", "vm:hosts_entries", convert.flag),
    row("VM/cloudinitVMTZ", "vm:time_zone"),
    row("VM/cloudinitRootPwd", "secrets:root_password"),
    Row(
        _names("VM/rootSshPubkey"),
        ("vm:root_ssh_keys",),
        convert.lines,
        lambda keys: keys[0] if len(keys) == 1 else keys,
    ),
    Row(_names("VM/rootSshAccess"), ("vm:root_login",), convert.root_login, LOGINS.get),
    Row(
        _names("VM/applyOpenScapProfile", "VM/OpenScapProfileName"),
        ("vm:openscap_profile",),
        convert.profile,
        lambda profile: (bool(profile), profile),
    ),
    row("VM/enableFips", "vm:fips", convert.flag),
    Row(_names("VDSM/consoleType"), ("vm:graphics",), _graphics, lambda protocol: protocol),
    row("NOTIF/smtpServer", "notification:smtp_server"),
    row("NOTIF/smtpPort", "notification:smtp_port", convert.number),
    row("NOTIF/sourceEmail", "notification:source"),
    row("NOTIF/destEmail", "notification:destinations", convert.texts),
]


def read(answers: Mapping[str, str]) -> Converted:
    """
    The pillar that answers tell; ``answers``: name to value as ``answer_file.parse`` gives them.

    Answers of engine-setup (OVESETUP_…) become ``engine:answers``, or a secret by their name.
    """
    values: Values = {}
    broken: list[str] = []
    for name, typed in answers.items():
        try:
            values[name] = answer_file.value(typed)
        except ValueError as error:
            broken.append(f"{name}: {error}")
    ours = {name for row in TABLE for name in row.names}
    others = {name for name in values if not name.startswith(PREFIX) and name not in ours}
    told = convert.convert(
        TABLE, REASONS, {name: item for name, item in values.items() if name not in others}
    )
    found = convert.leaves(told.pillar)
    unknown = []
    for name in sorted(others):
        kind = "secrets" if convert.SECRET_NAME.search(name) else "engine"
        if re.search(ANSWER_NAME, name):
            found.setdefault(f"{kind}:answers", {})[name] = answers[name]
        else:
            unknown.append(name)
    for name in told.unknown:
        path = name.removeprefix(OWN).replace(".", ":")
        try:
            convert.schema_of(path)
            found[path] = json.loads(values[name])
        except (KeyError, TypeError, ValueError):
            unknown.append(name)
    problems = [*broken, *told.problems, *_other_name(values)]
    return Converted(convert.tree(found), sorted(unknown), told.left_out, problems)


def _other_name(values: Values) -> list[str]:
    """The guest's name is the engine's: files of older versions ask for it a second time."""
    fqdn = values.get(f"{PREFIX}NETWORK/fqdn")
    host = values.get(f"{PREFIX}VM/cloudinitInstanceHostName")
    domain = values.get(f"{PREFIX}VM/cloudinitInstanceDomainName")
    if not fqdn or not host or fqdn in (host, f"{host}.{domain}"):
        return []
    return [
        f"{PREFIX}VM/cloudinitInstanceHostName and {PREFIX}VM/cloudinitInstanceDomainName say "
        f"another name than {PREFIX}NETWORK/fqdn: the guest is named by the latter"
    ]


def text(given: Mapping[str, Any], ids: Mapping[str, Any], connection: str) -> str:
    """
    The text of fhanswers.conf: what the user answered, by ``given`` and its defaults, and ids.

    Never a secret. Read back it is the same pillar, once both have their defaults filled in.
    """
    settings = with_defaults(given, SCHEMA)
    answers = {f"{PREFIX}{name}": answer_file.typed(value) for name, value in CONFIRMED.items()}
    leaves = convert.leaves(settings)
    for item in TABLE:
        if item.write is None or item.paths[0].startswith("secrets:"):
            continue
        written = item.write(*(leaves[path] for path in item.paths))
        for name, value in zip(
            item.names, written if len(item.names) > 1 else (written,), strict=True
        ):
            if value is not None or name not in answers:
                answers[name] = answer_file.typed(value)
    answers |= {name: answer_file.typed(value) for name, value in _ids(settings, ids, connection)}
    others = {
        name: answer
        for name, answer in settings["engine"]["answers"].items()
        if not convert.SECRET_NAME.search(name)
    }
    leaves["engine:answers"] = others
    answers |= {name: answer for name, answer in others.items() if name not in answers}
    return answer_file.render(answers | _own(answers, leaves))


def _own(answers: Mapping[str, str], leaves: Values) -> dict[str, str]:
    """Keys of our own for what doesn't come back from ``answers`` as it is in ``leaves``."""
    back = read(answer_file.parse(answer_file.render(answers)).answers).pillar
    seen = convert.leaves(with_defaults(back, SCHEMA))
    return {
        OWN + path.replace(":", "."): answer_file.typed(json.dumps(value))
        for path, value in leaves.items()
        if seen[path] != value
    }


def _ids(settings: Values, ids: Mapping[str, Any], connection: str) -> list[tuple[str, Any]]:
    host, _, domain = (settings["engine"]["fqdn"] or "").partition(".")
    found = {
        "STORAGE/connectionUUID": connection,
        "STORAGE/sdUUID": ids["storage_domain"],
        "STORAGE/spUUID": NO_UUID,
        "STORAGE/hostID": int(ids["host_id"]),
        "VM/vmUUID": ids["vm_id"],
        "VM/cloudinitInstanceHostName": host,
        "VM/cloudinitInstanceDomainName": domain,
        "VDSM/cpu": ids.get("cpu_type"),
    }
    for disk, names in DISKS.items():
        for name, part in zip(names, ("image", "volume"), strict=True):
            found[f"STORAGE/{name}"] = ids["disks"][disk][part]
    return [(PREFIX + name, value) for name, value in found.items()]
