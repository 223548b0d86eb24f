"""
Variables of oVirt's Ansible role for the hosted engine: which variable gives which key.

Names, meanings and defaults are the role's, as of collection ovirt.ovirt 3.2; internal ones too.
"""

from __future__ import annotations

import json
from typing import Any

from ovirt_he.pillar import keys
from ovirt_he.pillar.keys import Values
from salt.exceptions import CommandExecutionError

from pillar_from_answers import convert, readers, reasons
from pillar_from_answers.convert import Converted, Row
from pillar_from_answers.storage_type import Names, concluded

VAULT = "$ANSIBLE_VAULT"
ENCRYPTED = "encrypted: only ansible-vault decrypts it"


class Tagged:
    """A value with a tag of YAML's that isn't a value by itself, such as ``!vault``."""

    def __init__(self, tag: str) -> None:
        self.tag = tag


class Unsafe(str):
    """A text tagged ``!unsafe``: Ansible takes it as it is, even with Jinja's braces in it."""

    __slots__ = ()


def _firmware(uefi: Any, flags: Any) -> tuple[str | None, bool | None]:
    """The boot flags are those of virt-install; without them the role finds out by itself."""
    answer = readers.text(flags)
    if answer is None:
        return ("uefi" if readers.flag(uefi) else None), None
    return ("uefi" if "uefi" in answer else "bios"), ("loader.secure=yes" in answer or None)


def _address(address: Any, prefix: Any) -> str | None:
    answer, length = readers.text(address), readers.number(prefix)
    if answer and "/" in answer and length is not None and answer.rpartition("/")[2] != str(length):
        raise ValueError("the prefix length is given twice, and differs")
    if answer is None or "/" in answer:
        return answer
    if length is None:
        raise ValueError("the address has no prefix length: he_vm_ip_prefix is wanted too")
    return f"{answer}/{length}"


def _storage(*values: Any) -> tuple[Any, ...]:
    """Where it lies; of a block storage the address is its portal's."""
    kind, address, path, portals, ports = values
    answer, export = readers.text(address), readers.text(path)
    export = f"/{export.strip('/')}" if export else None
    listed = readers.portals(kind, answer, portals, ports)
    return (answer.strip("[]") if answer and kind != "iscsi" else None), export, listed


TABLE = convert.table(
    keys.ANSIBLE,
    [
        Row(("he_bridge_if",), ("host:interface", "network:vlan"), readers.interface),
        Row(("he_force_ip4", "he_force_ip6"), ("network:family",), readers.family),
        # Names of the role's older versions; the newer one counts, as in the role.
        Row(("he_default_gateway",), ("network:gateway",), readers.text),
        Row(("he_appliance_ova",), ("appliance:source",), readers.image),
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
        Row(("he_use_uefi", "he_vm_boot_flags"), ("vm:firmware", "vm:secure_boot"), _firmware),
        Row(("he_vm_ip_addr", "he_vm_ip_prefix"), ("vm:address",), _address),
        Row(
            ("he_apply_openscap_profile", "he_openscap_profile_name"),
            ("vm:openscap_profile",),
            readers.profile,
        ),
        Row(("he_pause_host",), ("pause_before",), readers.pause),
    ],
)

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
    """The pillar that variables make; those that only Ansible can read are left out."""
    hidden = {name: reason for name, value in variables.items() if (reason := unreadable(value))}
    readable = {name: value for name, value in variables.items() if name not in hidden}
    kind, remarks = ({}, []) if STORAGE.kind in hidden else concluded(readable, STORAGE)
    found = convert.convert(TABLE, reasons.VARIABLES, readable | kind)
    places = {name: ", ".join(row.paths) for row in TABLE for name in row.names}
    left_out = {name: _advice(reason, places.get(name)) for name, reason in hidden.items()}
    return found._replace(
        left_out=dict(sorted((found.left_out | left_out).items())),
        problems=[*remarks, *found.problems, *convert.another_name(readable, *GUEST)],
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
        f"{json.dumps(keys.default(places[name]))}: set {places[name]} if it matters"
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
