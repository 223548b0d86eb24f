"""
Variables of oVirt's Ansible role for the hosted engine: which variable gives which key.

Names, meanings and defaults are the role's, as of collection ovirt.ovirt 3.2; internal ones too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.migrate import answer_readers, convert
from ovirt_he.migrate.ansible_reasons import REASONS
from ovirt_he.migrate.answer_storage import Names, concluded
from ovirt_he.migrate.convert import Converted, Row, Values

VAULT = "$ANSIBLE_VAULT"
ENCRYPTED = "encrypted: only ansible-vault decrypts it"


class Tagged:
    """A value with a tag of YAML's that isn't a value by itself, such as ``!vault``."""

    def __init__(self, tag: str) -> None:
        self.tag = tag


class Unsafe(str):
    """A text tagged ``!unsafe``: Ansible takes it as it is, even with Jinja's braces in it."""

    __slots__ = ()


def row(name: str, path: str, read: Callable[..., Any] = answer_readers.text) -> Row:
    return Row((name,), (path,), read)


def _package(value: Any) -> str | None:
    said = answer_readers.text(value)
    if said and (said.startswith("/") or said.endswith(".rpm")):
        raise ValueError(
            "a package's name is wanted: install that file first, and name its package"
        )
    return said


def _firmware(uefi: Any, flags: Any) -> tuple[str | None, bool | None]:
    """The boot flags are those of virt-install; without them the role finds out by itself."""
    said = answer_readers.text(flags)
    if said is None:
        return ("uefi" if answer_readers.flag(uefi) else None), None
    return ("uefi" if "uefi" in said else "bios"), ("loader.secure=yes" in said or None)


def _address(address: Any, prefix: Any) -> str | None:
    said, length = answer_readers.text(address), answer_readers.number(prefix)
    if said and "/" in said and length is not None and said.rpartition("/")[2] != str(length):
        raise ValueError("the prefix length is given twice, and differs")
    if said is None or "/" in said:
        return said
    if length is None:
        raise ValueError("the address has no prefix length: he_vm_ip_prefix is wanted too")
    return f"{said}/{length}"


def _storage(*values: Any) -> tuple[Any, ...]:
    """Where it lies; of a block storage the address is its portal's."""
    kind, address, path, portals, ports = values
    said, export = answer_readers.text(address), answer_readers.text(path)
    export = f"/{export.strip('/')}" if export else None
    listed = answer_readers.portals(kind, said, portals, ports)
    return (said.strip("[]") if said and kind != "iscsi" else None), export, listed


def _subnet(value: Any) -> list[str] | None:
    return [f"{said.rstrip('.')}.0/24"] if (said := answer_readers.text(value)) else None


def _subnet_ipv6(value: Any) -> list[str] | None:
    return [f"{said.rstrip(':')}::/64"] if (said := answer_readers.text(value)) else None


TABLE = [
    row("he_fqdn", "engine:fqdn"),
    row("he_enable_keycloak", "engine:keycloak", answer_readers.flag),
    row("he_offline_deployment", "engine:offline", answer_readers.flag),
    row("he_host_name", "host:name"),
    row("he_host_address", "host:address"),
    Row(("he_bridge_if",), ("host:interface", "network:vlan"), answer_readers.interface),
    row("he_data_center", "datacenter:name"),
    row("he_data_center_comp_version", "datacenter:version"),
    row("he_cluster", "cluster:name"),
    row("he_cluster_comp_version", "cluster:version"),
    row("he_cluster_cpu_type", "cluster:cpu_type"),
    row("he_enable_hc_gluster_service", "cluster:gluster_service", answer_readers.flag),
    row("he_mgmt_network", "network:name"),
    Row(("he_force_ip4", "he_force_ip6"), ("network:family",), answer_readers.family),
    # So the role's README names it until January 2022.
    row("he_default_gateway", "network:gateway"),
    row("he_gateway", "network:gateway"),
    row("he_network_test", "network:test"),
    row("he_tcp_t_address", "network:tcp_address"),
    row("he_tcp_t_port", "network:tcp_port", answer_readers.number),
    row("he_storage_domain_name", "storage:name"),
    row("he_domain_type", "storage:type", answer_readers.kind),
    Row(
        (
            "he_domain_type",
            "he_storage_domain_addr",
            "he_storage_domain_path",
            "he_iscsi_portal_addr",
            "he_iscsi_portal_port",
        ),
        ("storage:address", "storage:path", "storage:portals"),
        _storage,
    ),
    row("he_nfs_version", "storage:nfs_version"),
    row("he_mount_options", "storage:mount_options"),
    row("he_iscsi_target", "storage:target"),
    row("he_iscsi_tpgt", "storage:portal_group", answer_readers.portal_group),
    row("he_iscsi_username", "storage:user"),
    row("he_iscsi_discover_username", "storage:discovery_user"),
    row("he_lun_id", "storage:lun"),
    row("he_discard", "storage:discard_after_delete", answer_readers.flag),
    row("he_appliance_package", "appliance:package", _package),
    # The newer name counts, as in the role.
    row("he_appliance_ova", "appliance:source", answer_readers.image),
    row("he_appliance", "appliance:source", answer_readers.image),
    row("he_remove_appliance_rpm", "appliance:remove", answer_readers.flag),
    row("he_vm_name", "vm:name"),
    row("he_mem_size_MB", "vm:memory_mib", answer_readers.number),
    row("he_vcpus", "vm:cpus", answer_readers.number),
    row("he_disk_size_GB", "vm:disk_gib", answer_readers.number),
    row("he_graphic_device", "vm:graphics"),
    row("he_vm_mac_addr", "vm:mac"),
    row("he_emulated_machine", "vm:machine", answer_readers.machine),
    Row(("he_use_uefi", "he_vm_boot_flags"), ("vm:firmware", "vm:secure_boot"), _firmware),
    Row(("he_vm_ip_addr", "he_vm_ip_prefix"), ("vm:address",), _address),
    row("he_dns_addr", "vm:dns", answer_readers.texts),
    row("he_vm_etc_hosts", "vm:hosts_entries", answer_readers.flag),
    row("he_time_zone", "vm:time_zone"),
    row("he_root_ssh_pubkey", "vm:root_ssh_keys", answer_readers.lines),
    row("he_root_ssh_access", "vm:root_login", answer_readers.root_login),
    row("he_additional_package_list", "vm:packages", answer_readers.texts),
    Row(
        ("he_apply_openscap_profile", "he_openscap_profile_name"),
        ("vm:openscap_profile",),
        answer_readers.profile,
    ),
    row("he_enable_fips", "vm:fips", answer_readers.flag),
    row("he_local_vm_dir_path", "bootstrap:directory", answer_readers.directory),
    row("he_ipv4_subnet_prefix", "bootstrap:subnets", _subnet),
    row("he_ipv6_subnet_prefix", "bootstrap:subnets_ipv6", _subnet_ipv6),
    row("he_smtp_server", "notification:smtp_server"),
    row("he_smtp_port", "notification:smtp_port", answer_readers.number),
    row("he_source_email", "notification:source"),
    row("he_dest_email", "notification:destinations", answer_readers.texts),
    row("he_restore_from_file", "restore:backup"),
    row("he_pki_renew_on_restore", "restore:renew_pki", answer_readers.flag),
    row("he_pause_host", "pause_before", answer_readers.pause),
    row("he_admin_password", "secrets:admin_password", answer_readers.password),
    row("he_appliance_password", "secrets:root_password", answer_readers.password),
    row("he_db_password", "secrets:database_password", answer_readers.password),
    row("he_dwh_db_password", "secrets:dwh_database_password", answer_readers.password),
    row("he_iscsi_password", "secrets:iscsi_password", answer_readers.password),
    row("he_iscsi_discover_password", "secrets:iscsi_discovery_password", answer_readers.password),
]

GUEST = ("he_fqdn", "he_cloud_init_host_name", "he_cloud_init_domain_name")
STORAGE = Names(
    kind="he_domain_type",
    options="he_mount_options",
    nfs_version="he_nfs_version",
    lun=("he_lun_id",),
    iscsi=("he_iscsi_target", "he_iscsi_portal_addr", "he_iscsi_username"),
    port="he_iscsi_portal_port",
    address="he_storage_domain_addr",
    where="he_storage_domain_path",
    hyperconverged="he_enable_hc_gluster_service",
)

# What the role does where a variable isn't given, if the formula then does another thing.
DEFAULTS = {
    "he_enable_keycloak": True,
    "he_network_test": "dns",
    "he_remove_appliance_rpm": True,
    "he_root_ssh_access": "yes",
    "he_mem_size_MB": "max",
    "he_vcpus": "max",
    "he_emulated_machine": "pc",
}


def read(variables: Values) -> Converted:
    """The pillar that variables tell; those that only Ansible can read are left out, and why."""
    hidden = {name: reason for name, value in variables.items() if (reason := unreadable(value))}
    told = {name: value for name, value in variables.items() if name not in hidden}
    kind, said = (None, []) if STORAGE.kind in hidden else concluded(told, STORAGE)
    found = convert.convert(TABLE, REASONS, told | ({STORAGE.kind: kind} if kind else {}))
    places = {name: ", ".join(row.paths) for row in TABLE for name in row.names}
    left_out = {name: _advice(reason, places.get(name)) for name, reason in hidden.items()}
    return found._replace(
        left_out=dict(sorted((found.left_out | left_out).items())),
        problems=[*said, *found.problems, *convert.another_name(told, *GUEST)],
    )


def unreadable(value: Any) -> str | None:
    """Why only Ansible knows a value."""
    if isinstance(value, Tagged):
        if value.tag.startswith("!vault"):
            return ENCRYPTED
        return f"tagged {value.tag}, which only Ansible reads"
    if isinstance(value, str) and value.startswith(VAULT):
        return ENCRYPTED
    if (
        isinstance(value, str)
        and not isinstance(value, Unsafe)
        and ("{{" in value or "{%" in value)
    ):
        return "an expression of Jinja's, which only Ansible evaluates"
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        return next((reason for item in inner if (reason := unreadable(item))), None)
    return None


def _advice(reason: str, place: str | None) -> str:
    return f"{reason}. Give its value as {place}" if place else reason


def other_defaults(variables: Values) -> dict[str, str]:
    """Variables that aren't given, whose default with the role isn't the formula's."""
    places = {name: row.paths[0] for row in TABLE for name in row.names}
    return {
        name: f"the role's default is {json.dumps(value)}, the formula's "
        f"{json.dumps(convert.default(places[name]))}: set {places[name]} if it matters"
        for name, value in DEFAULTS.items()
        if name not in variables
    }


def parse(text: str) -> tuple[Values, list[str]]:
    """
    The variables of a vars file, YAML or JSON, and what is odd about it.

    Raises CommandExecutionError without any of its text: it may hold passwords.
    """
    if text.lstrip().startswith(VAULT):
        raise CommandExecutionError(
            "The whole file is encrypted by ansible-vault. Decrypt a copy that only root can read "
            "(umask 077; ansible-vault view FILE > COPY), and give that one"
        )
    import yaml

    repeated: list[str] = []
    try:
        variables = yaml.load(text, _loader(repeated))  # noqa: S506  based on SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "no line is known"
        raise CommandExecutionError(f"This is neither YAML nor JSON: {where}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CommandExecutionError("This is neither YAML nor JSON") from None
    if not isinstance(variables, dict) or not all(isinstance(name, str) for name in variables):
        raise CommandExecutionError(
            "This is no file of variables, which has a line 'he_fqdn: engine.example.com'. From a "
            "playbook or an inventory, give what stands below vars"
        )
    return variables, [f"{name}: given more than once: the last one counts" for name in repeated]


def _loader(repeated: list[str]) -> Any:
    """YAML as Ansible reads it: with tags of its own; names given twice are noted."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        if suffix == "unsafe" and isinstance(node, yaml.ScalarNode):
            return Unsafe(loader.construct_scalar(node))
        return Tagged(f"!{suffix}")

    def mapping(loader: Any, node: Any) -> Any:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("!", tagged)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return Loader
