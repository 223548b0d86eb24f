"""
hosted-engine.conf as HA reads it: ``key=value``, literally, split at the first ``=``.

No quoting, no stripping of the value, no comments: what stands there is the value.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

HOSTED_ENGINE_CONF = Path("/etc/ovirt-hosted-engine/hosted-engine.conf")
HA_CONF = Path("/var/lib/ovirt-hosted-engine-ha/ha.conf")
RUN = Path("/run/ovirt-hosted-engine-ha")
VM_CONF_PATHS = ("/var/run/ovirt-hosted-engine-ha/vm.conf", "/run/ovirt-hosted-engine-ha/vm.conf")
BLANK = str(uuid.UUID(int=0))

UUIDS = [
    "vmid",
    "vm_disk_id",
    "vm_disk_vol_id",
    "metadata_image_UUID",
    "metadata_volume_UUID",
    "lockspace_image_UUID",
    "lockspace_volume_UUID",
    "conf_image_UUID",
    "conf_volume_UUID",
    "sdUUID",
    "spUUID",
    "connectionUUID",
]
REQUIRED = [*UUIDS, "fqdn", "gateway", "bridge", "host_id", "conf", "domainType", "storage"]
ISCSI = ["iqn", "portal", "user", "password", "port"]
DOMAIN_TYPES = ("nfs", "glusterfs", "iscsi", "fc")
NFS_VERSIONS = ("auto", "v3", "v4", "v4_0", "v4_1", "v4_2")
NETWORK_TESTS = ("ping", "dns", "tcp", "none")


class ConfigurationError(Exception):
    """The configuration can't be used, and why."""


def parse(text: str) -> dict[str, str]:
    """``key=value`` lines, literally but for blanks around both; all others are passed over."""
    lines = (line.partition("=") for line in text.split("\n") if not line.strip().startswith("#"))
    return {key.strip(): value.strip() for key, equals, value in lines if equals}


def check(values: Mapping[str, str]) -> None:
    """Raise ConfigurationError for the first thing that HA can't work with."""
    iscsi = ISCSI if values.get("domainType") == "iscsi" else []
    for key in [*REQUIRED, *iscsi]:
        if key not in values:
            raise ConfigurationError(
                f"Configuration value not found: file={HOSTED_ENGINE_CONF}, key={key}"
            )
        if values[key] in ("", "None") and key not in ("user", "password"):
            raise ConfigurationError(f"'{key}={values[key]}' can't be empty or None")
    for key in UUIDS:
        _check_uuid(key, values[key])
    if values["spUUID"] != BLANK:
        raise ConfigurationError("spUUID isn't blank: an upgrade from 3.5 would be needed")
    if not values["host_id"].isdecimal() or int(values["host_id"]) < 1:
        raise ConfigurationError(f"host_id={values['host_id']} is no host id")
    if values["conf"] not in VM_CONF_PATHS:
        raise ConfigurationError(f"conf={values['conf']}: vm.conf would be missed in {RUN}")
    _check_choice(values, "domainType", DOMAIN_TYPES)
    _check_choice(values, "nfs_version", NFS_VERSIONS)
    _check_choice(values, "network_test", NETWORK_TESTS)
    if values.get("vdsm_use_ssl", "true") != "true":
        raise ConfigurationError(f"vdsm_use_ssl={values['vdsm_use_ssl']}: vdsm speaks TLS only")
    if values.get("network_test") == "tcp":
        for key in ("tcp_t_address", "tcp_t_port"):
            if not values.get(key):
                raise ConfigurationError(f"network_test=tcp needs {key}")
    _check_storage(values)


def _check_storage(values: Mapping[str, str]) -> None:
    if values["domainType"] in ("nfs", "glusterfs"):
        address(values["storage"])
    if values["domainType"] != "iscsi":
        return
    ports = values["port"].split(",")
    if not all(port.isdecimal() for port in [*ports, values["portal"]]):
        raise ConfigurationError(f"port={values['port']}, portal={values['portal']}: no numbers")
    if len(ports) != len(values["storage"].split(",")):
        raise ConfigurationError(f"port={values['port']}: one for each of {values['storage']}")


def _check_uuid(key: str, value: str) -> None:
    try:
        same = str(uuid.UUID(value)) == value.lower()
    except ValueError:
        same = False
    if not same:
        raise ConfigurationError(f"{key}={value} is no UUID")


def _check_choice(values: Mapping[str, str], key: str, choices: tuple[str, ...]) -> None:
    if values.get(key) and values[key] not in choices:
        raise ConfigurationError(f"{key}={values[key]} is none of {', '.join(choices)}")


def address(storage: str) -> tuple[str, str]:
    """``server:/path`` → server, path; the path has no slash at its end."""
    server, colon, path = storage.partition(":/")
    if not server or not colon or (path and path.endswith("/")):
        raise ConfigurationError(f"storage={storage} is not server:/path")
    return server, f"/{path}"


def read(path: Path = HOSTED_ENGINE_CONF) -> dict[str, str]:
    """Read and check the file. Raises ConfigurationError, PermissionError, FileNotFoundError."""
    values = parse(path.read_text())
    check(values)
    return values


def local_flags() -> dict[str, bool]:
    """The flags of ha.conf that are switched on."""
    values = parse(HA_CONF.read_text()) if HA_CONF.exists() else {}
    return {key: value == "True" for key, value in values.items()}


def in_local_maintenance() -> bool:
    """By either flag: the engine sets the first alone, the command both."""
    flags = local_flags()
    return flags.get("local_maintenance", False) or flags.get("local_maintenance_manual", False)


def set_local_flags(**flags: bool) -> None:
    """Change flags in ha.conf."""
    lines = [f"{key}={value}\n" for key, value in (local_flags() | flags).items()]
    HA_CONF.write_text("".join(lines))
