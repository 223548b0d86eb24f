"""
Answers of ``hosted-engine --deploy``: which answer gives which key of the pillar, both ways.

Rows without a ``write`` are of old versions, or of other tools: they are only read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ovirt_he.migrate import answer_readers
from ovirt_he.migrate.answer_readers import ISCSI_PORT
from ovirt_he.migrate.convert import Row

PREFIX = "OVEHOSTED_"


def row(name: str, path: str, read: Callable[..., Any] = answer_readers.text) -> Row:
    """One answer for one key; what its ``read`` takes for nothing is written as nothing."""
    writers: dict[Any, Callable[..., Any]] = {
        answer_readers.texts: ",".join,
        answer_readers.number: _digits,
        answer_readers.portal_group: str,
    }
    return Row((PREFIX + name,), (path,), read, writers.get(read, lambda value: value))


def _digits(value: int) -> str | None:
    return str(value) if value else None


def _kind(value: Any) -> tuple[str | None, str | None]:
    """Files of the first versions say nfs3 or nfs4."""
    said = answer_readers.kind(value)
    return ("nfs", f"v{said[-1]}") if said in ("nfs3", "nfs4") else (said, None)


def _storage(kind: Any, connection: Any, addresses: Any, ports: Any) -> tuple[Any, ...]:
    kind = _kind(kind)[0] or "nfs"
    listed = answer_readers.portals(kind, connection, addresses, ports)
    return *answer_readers.share(kind, connection), listed


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
    return portal, str(ISCSI_PORT)


def _cidr(value: Any) -> str | None:
    said = answer_readers.text(value)
    if said and "/" not in said:
        raise ValueError("ADDRESS/PREFIX is wanted: files that the role wrote lack the prefix")
    return said


def _graphics(value: Any) -> str | None:
    """qxl is how files of the first versions ask for SPICE."""
    said = answer_readers.text(value)
    return "spice" if said == "qxl" else said


def _names(*names: str) -> tuple[str, ...]:
    return tuple(PREFIX + name for name in names)


LOGINS = {"password": "yes", "none": "no", "keys": "without-password"}

TABLE = [
    # engine-setup's own, which some files have as well: not for engine:answers, as a key decides.
    Row(("OVESETUP_CONFIG/fqdn",), ("engine:fqdn",), answer_readers.text),
    Row(("OVESETUP_CONFIG/keycloakEnable",), ("engine:keycloak",), answer_readers.flag),
    Row(("OVESETUP_CONFIG/adminPassword",), ("secrets:admin_password",), answer_readers.password),
    Row(("OVESETUP_DB/password",), ("secrets:database_password",), answer_readers.password),
    Row(("OVESETUP_DWH_DB/password",), ("secrets:dwh_database_password",), answer_readers.password),
    Row(("OVESETUP_CORE/offlinePackager",), ("engine:offline",), answer_readers.flag),
    row("CORE/enableKeycloak", "engine:keycloak", answer_readers.flag),
    row("CORE/restoreFromFile", "restore:backup"),
    row("CORE/renewPKIonRestore", "restore:renew_pki", answer_readers.flag),
    Row(
        _names("CORE/pauseonRestore"),
        ("pause_before",),
        answer_readers.pause,
        lambda phases: answer_readers.PAUSE in phases,
    ),
    Row(_names("CORE/localVMDir"), ("bootstrap:directory",), answer_readers.directory),
    row("NETWORK/fqdn", "engine:fqdn"),
    row("NETWORK/bridgeName", "network:name"),
    Row(
        _names("NETWORK/bridgeIf"),
        ("host:interface", "network:vlan"),
        answer_readers.interface,
        lambda interface, _: interface,
    ),
    row("NETWORK/gateway", "network:gateway"),
    row("NETWORK/host_name", "host:address"),
    row("NETWORK/sshdPort", "host:ssh_port", answer_readers.number),
    Row(
        _names("NETWORK/forceIPv4", "NETWORK/forceIPv6"),
        ("network:family",),
        answer_readers.family,
        lambda family: (family == "ipv4", family == "ipv6"),
    ),
    row("NETWORK/network_test", "network:test"),
    row("NETWORK/network_test_tcp_address", "network:tcp_address"),
    row("NETWORK/network_test_tcp_port", "network:tcp_port", answer_readers.number),
    row("ENGINE/clusterName", "cluster:name"),
    row("ENGINE/datacenterName", "datacenter:name"),
    row("ENGINE/appHostName", "host:name"),
    row("ENGINE/enableHcGlusterService", "cluster:gluster_service", answer_readers.flag),
    row("ENGINE/adminPassword", "secrets:admin_password", answer_readers.password),
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
    row("STORAGE/iSCSIPortal", "storage:portal_group", answer_readers.portal_group),
    row("STORAGE/iSCSIPortalUser", "storage:user"),
    row("STORAGE/iSCSIPortalPassword", "secrets:iscsi_password", answer_readers.password),
    row("STORAGE/iSCSIDiscoverUser", "storage:discovery_user"),
    row(
        "STORAGE/iSCSIDiscoverPassword", "secrets:iscsi_discovery_password", answer_readers.password
    ),
    # As files of the first versions name it.
    Row(_names("STORAGE/iSCSILunId"), ("storage:lun",), answer_readers.text),
    row("STORAGE/LunID", "storage:lun"),
    row("STORAGE/discardSupport", "storage:discard_after_delete", answer_readers.flag),
    row("STORAGE/imgSizeGB", "vm:disk_gib", answer_readers.number),
    row("VM/vmName", "vm:name"),
    Row(_names("VM/vmMemSizeMB"), ("vm:memory_mib",), answer_readers.number, lambda size: size),
    row("VM/vmVCpus", "vm:cpus", answer_readers.number),
    row("VM/vmMACAddr", "vm:mac"),
    row("VM/emulatedMachine", "vm:machine", answer_readers.machine),
    row("VM/ovfArchive", "appliance:source", answer_readers.image),
    Row(_names("VM/cloudinitVMStaticCIDR"), ("vm:address",), _cidr, lambda address: address),
    row("VM/cloudinitVMDNS", "vm:dns", answer_readers.texts),
    row("VM/cloudinitVMETCHOSTS", "vm:hosts_entries", answer_readers.flag),
    row("VM/cloudinitVMTZ", "vm:time_zone"),
    row("VM/cloudinitRootPwd", "secrets:root_password", answer_readers.password),
    Row(
        _names("VM/rootSshPubkey"),
        ("vm:root_ssh_keys",),
        answer_readers.lines,
        lambda keys: keys[0] if len(keys) == 1 else keys,
    ),
    Row(_names("VM/rootSshAccess"), ("vm:root_login",), answer_readers.root_login, LOGINS.get),
    Row(
        _names("VM/applyOpenScapProfile", "VM/OpenScapProfileName"),
        ("vm:openscap_profile",),
        answer_readers.profile,
        lambda profile: (bool(profile), profile),
    ),
    row("VM/enableFips", "vm:fips", answer_readers.flag),
    Row(_names("VDSM/consoleType"), ("vm:graphics",), _graphics, lambda protocol: protocol),
    row("NOTIF/smtpServer", "notification:smtp_server"),
    row("NOTIF/smtpPort", "notification:smtp_port", answer_readers.number),
    row("NOTIF/sourceEmail", "notification:source"),
    row("NOTIF/destEmail", "notification:destinations", answer_readers.texts),
]
