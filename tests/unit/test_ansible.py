"""Variables of the Ansible role: each has its place or a reason, and is read as Ansible has it."""

from __future__ import annotations

import contextlib
import json
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ovirt_he.pillar import keys
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems
from pillar_from_answers import ansible, convert
from pillar_from_answers.reasons import VARIABLES
from salt.exceptions import CommandExecutionError

from .answered import NFS
from .generated import ANYTHING
from .test_schema_properties import generated

# Of the role's defaults, README and tasks, collection ovirt.ovirt 3.2, and of its versions before.
ROLE = (Path(__file__).parent / "role_variables.txt").read_text().split()


def read(text: str) -> convert.Converted:
    return ansible.read(ansible.parse(text)[0])


def told(**variables):
    return read(json.dumps({f"he_{name}": value for name, value in variables.items()}))


@pytest.mark.feature("from_ansible")
@pytest.mark.parametrize("name", ROLE)
def test_every_variable_of_the_role_has_a_place_or_a_reason(name):
    places = {variable: row for row in ansible.TABLE for variable in row.names}

    assert (name in places) != (name in VARIABLES)


def test_the_tables_name_no_other_variables_and_only_keys_that_exist():
    names = {name for row in ansible.TABLE for name in row.names} | VARIABLES.keys()

    assert names == set(ROLE)
    for row in ansible.TABLE:
        for path in row.paths:
            assert path in keys.ALL


@pytest.mark.feature("from_ansible")
def test_a_file_by_hand():
    found = read(NFS)

    assert found.pillar == {
        "engine": {"fqdn": "engine.example.com"},
        "host": {"interface": "eno1"},
        "cluster": {"version": "4.7"},
        "network": {"gateway": "192.0.2.1", "test": "dns"},
        "storage": {
            "type": "nfs",
            "address": "nas.example.com",
            "path": "/exports/engine",
            "mount_options": "noatime",
            "nfs_version": "v4_1",
        },
        "vm": {
            "memory_mib": 8192,
            "cpus": 4,
            "disk_gib": 61,
            "mac": "00:16:3e:12:34:56",
            "address": "192.0.2.10/24",
            "dns": ["192.0.2.53", "192.0.2.54"],
            "hosts_entries": True,
            "time_zone": "Europe/Vienna",
            "root_ssh_keys": ["ssh-ed25519 AAAA me"],
            "root_login": "none",
            "packages": ["tmux", "strace"],
            "openscap_profile": "stig",
        },
        "bootstrap": {"subnets": ["10.11.12.0/24"]},
        "notification": {"destinations": ["a@example.com", "b@example.com"]},
        "pause_before": ["engine"],
        "secrets": {"admin_password": "123456", "root_password": "{{ not-to-be-seen }}"},
    }
    assert found.unknown == ["ansible_user", "he_shoe_size"]
    assert found.problems == []
    assert list(problems(found.pillar, SCHEMA)) == []
    assert found.left_out.keys() == {"he_ansible_host_name", "he_db_password", "he_enable_keycloak"}
    assert "secrets:database_password" in found.left_out["he_db_password"]
    assert "Jinja" in found.left_out["he_enable_keycloak"]


@pytest.mark.feature("from_ansible")
def test_iscsi_in_json_as_the_role_s_readme_has_it():
    found = told(
        fqdn="engine.example.com", domain_type="iscsi", storage_domain_addr="192.0.2.20",
        iscsi_portal_port="3260", iscsi_tpgt="1", iscsi_target="iqn.2017-10.com.example:he",
        lun_id="36589cfc000000e8a909165bdfb47b3d9", mem_size_MB="4096", discard=True,
        iscsi_username="he", iscsi_password="not-to-be-seen", iscsi_discover_username="finder",
        iscsi_discover_password="not-to-be-seen-2", admin_password="x",
    )  # fmt: skip

    assert found.pillar["storage"] == {
        "type": "iscsi",
        "portals": ["192.0.2.20"],
        "target": "iqn.2017-10.com.example:he",
        "portal_group": 1,
        "user": "he",
        "discovery_user": "finder",
        "lun": "36589cfc000000e8a909165bdfb47b3d9",
        "discard_after_delete": True,
    }
    assert found.pillar["secrets"]["iscsi_discovery_password"] == "not-to-be-seen-2"
    assert (found.unknown, found.left_out, found.problems) == ([], {}, [])
    assert list(problems(found.pillar, SCHEMA)) == []


@pytest.mark.parametrize(
    ("variables", "pillar"),
    [
        ({"force_ip6": "true"}, {"network": {"family": "ipv6"}}),
        ({"force_ip4": False}, {}),
        ({"bridge_if": "bond0.9"}, {"host": {"interface": "bond0.9"}, "network": {"vlan": 9}}),
        ({"use_uefi": True}, {"vm": {"firmware": "uefi"}}),
        ({"use_uefi": False}, {}),
        (
            {"vm_boot_flags": "--boot uefi,loader.secure=yes"},
            {"vm": {"firmware": "uefi", "secure_boot": True}},
        ),
        ({"vm_boot_flags": "--boot hd", "use_uefi": True}, {"vm": {"firmware": "bios"}}),
        ({"appliance": "/a.qcow2"}, {"appliance": {"source": "/a.qcow2"}}),
        ({"appliance_ova": "/b.ova", "appliance": ""}, {"appliance": {"source": "/b.ova"}}),
        (
            {"ipv6_subnet_prefix": "fd00:1:2:3"},
            {"bootstrap": {"subnets_ipv6": ["fd00:1:2:3::/64"]}},
        ),
        ({"local_vm_dir_path": "/srv/"}, {"bootstrap": {"directory": "/srv/hosted-engine"}}),
        ({"openscap_profile_name": "stig"}, {}),
        (
            {"domain_type": "glusterfs", "storage_domain_addr": "[2001:db8::1]",
             "storage_domain_path": "engine"},
            {"storage": {"type": "glusterfs", "address": "2001:db8::1", "path": "/engine"}},
        ),
        (
            {"domain_type": "iscsi", "iscsi_portal_addr": "2001:db8::1,192.0.2.1",
             "iscsi_portal_port": 3261},
            {"storage": {"type": "iscsi", "portals": ["[2001:db8::1]:3261", "192.0.2.1:3261"]}},
        ),
        ({"root_ssh_access": "prohibit-password"}, {"vm": {"root_login": "keys"}}),
        ({"gateway": None, "mount_options": ""}, {}),
    ],
)  # fmt: skip
def test_what_variables_mean(variables, pillar):
    found = told(**variables)

    assert found.pillar == pillar
    assert found.problems == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("default_gateway", "gateway", "network:gateway"),
        ("appliance_ova", "appliance", "appliance:source"),
    ],
)
def test_a_name_of_the_roles_older_versions(old, new, path):
    """Read by what it meant there; where both are given and differ the newer counts."""
    group, key = path.split(":")

    assert told(**{old: "192.0.2.254"}).pillar == {group: {key: "192.0.2.254"}}
    found = told(**{old: "192.0.2.254", new: "192.0.2.1"})
    assert found.pillar == {group: {key: "192.0.2.1"}}
    assert found.problems == [f"{path}: he_{old} and he_{new} differ: the latter counts"]
    assert told(**{old: "192.0.2.1", new: "192.0.2.1"}).problems == []


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"vm_ip_addr": "192.0.2.1"}, "he_vm_ip_prefix is wanted too"),
        ({"vm_ip_addr": "192.0.2.1/24", "vm_ip_prefix": 25}, "is given twice, and differs"),
        (
            {"fqdn": "e.example.com", "cloud_init_host_name": "f", "cloud_init_domain_name": "x"},
            "say another name than he_fqdn",
        ),
        ({"mem_size_MB": "max"}, "'max' isn't a number"),
        ({"mem_size_MB": True}, "a text is wanted"),
        ({"enable_fips": "maybe"}, "yes or no is wanted"),
        ({"admin_password": ["hunter2"]}, "he_admin_password: a text is wanted"),
        ({"appliance_package": "/root/appliance.rpm"}, "a package's name is wanted"),
        ({"iscsi_portal_port": 3261}, "a portal's port is given without its address"),
        ({"network_test": "tcp", "tcp_t_port": "x1"}, "a whole number is wanted"),
    ],
)
def test_what_is_wrong_is_told_without_the_value(variables, problem):
    found = told(**variables)

    assert [one for one in found.problems if problem in one]
    assert "hunter2" not in repr(found.problems)


@generated
@given(st.dictionaries(st.sampled_from(ROLE), ANYTHING))
def test_any_variables_are_read_or_told(variables: dict[str, Any]) -> None:
    """Whatever they hold; and no secret is part of a problem."""
    password = "not-to-be-seen {"
    text = json.dumps(variables | {"he_admin_password": [password], "he_db_password": password})
    # YAML's limit for a key on one line.
    assume(not re.search(r'"[^"]{1000,}": ', text))

    found = read(text)

    assert found.pillar["secrets"]["database_password"] == password
    assert any("he_admin_password" in problem for problem in found.problems)
    assert password not in repr(found._replace(pillar={}))
    assert found.left_out.keys() >= {
        name
        for name, value in variables.items()
        if value not in (None, "", []) and name in VARIABLES
    }


@generated
@given(st.text() | st.builds("he_fqdn: {}".format, st.text()))
def test_any_text_is_a_vars_file_or_refused(text: str) -> None:
    with contextlib.suppress(CommandExecutionError):
        ansible.read(ansible.parse(text)[0])


def test_defaults_that_differ_are_told_and_differ():
    """A default of the formula that became the role's would be told no longer."""
    places = {name: row.paths[0] for row in ansible.TABLE for name in row.names}

    for name, value in ansible.DEFAULTS.items():
        assert keys.default(places[name]) != value
    assert "network:test" in ansible.other_defaults({})["he_network_test"]
    assert "he_network_test" not in ansible.other_defaults({"he_network_test": "dns"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\n3361\n", "encrypted by ansible-vault"),
        ("he_admin_password: *hunter2\n", "line 1, column 20"),
        ("he_admin_password: %hunter2\n", "line 1, column 20"),
        ("he_a: 1\n hunter2: [\n", "line 2"),
        ("- hosts: localhost\n  vars: {he_fqdn: hunter2}\n", "what stands below vars"),
        ("hunter2", "no file of variables"),
        ("1: hunter2", "no file of variables"),
        ("he_a: 2026-13-41", "neither YAML nor JSON"),
        ("he_a: \x00hunter2", "neither YAML nor JSON"),
        ("[" * 2000, "neither YAML nor JSON"),
    ],
)
def test_what_is_no_vars_file_is_refused_without_its_text(text, reason):
    with pytest.raises(CommandExecutionError, match=reason) as caught:
        ansible.parse(text)

    # As a log shows it, with what it came from.
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_what_says_nothing_is_told_too():
    found = told(vm_ip_prefix=24, openscap_profile_name="stig", force_ip4=False, gateway="")

    assert found.pillar == {}
    assert found.left_out == dict.fromkeys(
        ("he_force_ip4", "he_openscap_profile_name", "he_vm_ip_prefix"), convert.NOTHING
    )


def test_a_variable_given_twice_is_told():
    variables, odd = ansible.parse("he_fqdn: a.example.com\nhe_fqdn: b.example.com\n")

    assert variables == {"he_fqdn": "b.example.com"}
    assert odd == ["he_fqdn: given more than once: the last one counts"]


def test_an_encrypted_text_of_json_is_left_out():
    """JSON has no tags: ansible-vault's first line tells it."""
    found = told(admin_password="$ANSIBLE_VAULT;1.1;AES256\n36306634\n")

    assert found.pillar == {}
    assert "only ansible-vault decrypts it" in found.left_out["he_admin_password"]


def test_a_vaulted_item_of_a_list_and_other_tags_are_left_out():
    found = read("he_dns_addr: [192.0.2.1, !vault 'x']\nhe_gateway: !env GATEWAY\n")

    assert found.pillar == {}
    assert found.left_out.keys() == {"he_dns_addr", "he_gateway"}
