"""The schema checks what it should: compared with the jsonschema library, on what goes wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems, with_defaults

ROOT = Path(__file__).parents[2]
SMALLEST = {
    "engine": {"fqdn": "engine.example.com"},
    "storage": {"address": "nas.example.com", "path": "/exports/engine"},
    "secrets": {"admin_password": "hunter2"},
}
EXAMPLE = yaml.safe_load((ROOT / "pillar.example").read_text())["hosted_engine"]

FAULTS: dict[str, tuple[list[str], Any]] = {
    "unknown key": (["engine", "fqnd"], "x"),
    "unknown group": (["engin"], {}),
    "wrong type": (["vm", "memory_mib"], "16384"),
    "boolean for a number": (["vm", "cpus"], True),
    "null for a group": (["vm"], None),
    "number for a string": (["vm", "mac"], 1234567),
    "list for a group": (["storage"], []),
    "string for a list": (["vm", "dns"], "192.0.2.53"),
    "number in a list": (["vm", "dns"], [8]),
    "wrong form in a list": (["vm", "packages"], ["--option"]),
    "version without its dot": (["cluster", "version"], "4"),
    "version as a number": (["cluster", "version"], 4.7),
    "answer without its type": (["engine", "answers"], {"OVESETUP_X/y": "True"}),
    "not one of": (["network", "test"], "arp"),
    "too small": (["vm", "memory_mib"], 1),
    "too large": (["engine", "port"], 65536),
    "not a name": (["engine", "fqdn"], "engine"),
    "blank in a name": (["engine", "fqdn"], "engine example.com"),
    "relative path": (["storage", "path"], "exports"),
    "slash at the end": (["storage", "path"], "/exports/"),
    "empty secret": (["secrets", "admin_password"], ""),
    "secret of another type": (["secrets", "admin_password"], 4711),
    "a group where a secret belongs": (["secrets", "admin_password"], {"x": "hunter2"}),
    "a secret where the group belongs": (["secrets"], "hunter2"),
}


def changed(path: list[str], value: Any) -> dict[str, Any]:
    """The smallest pillar with one key set."""
    pillar = copy.deepcopy(SMALLEST)
    group: Any = pillar
    for name in path[:-1]:
        group = group.setdefault(name, {})
    group[path[-1]] = value
    return pillar


@pytest.mark.parametrize("pillar", [SMALLEST, EXAMPLE], ids=["smallest", "example"])
def test_valid_for_us_and_for_the_library(pillar):
    jsonschema.validate(pillar, SCHEMA)
    assert list(problems(pillar, SCHEMA)) == []


def test_the_example_has_every_key():
    def keys(schema: dict[str, Any], value: Any, name: str = "") -> list[str]:
        missing = []
        for key, item in schema["properties"].items():
            if key not in value:
                missing.append(f"{name}{key}")
            elif "properties" in item:
                missing += keys(item, value[key], f"{key}:")
        return missing

    # These have one value each: an example of them would teach nothing.
    fixed = {"vm:name", "bootstrap:network"}
    # Those of iSCSI are comments there: with the example's NFS preflight refuses them.
    of_iscsi = {"secrets:iscsi_password", "secrets:iscsi_discovery_password"}
    assert set(keys(SCHEMA, EXAMPLE)) <= fixed | of_iscsi


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_key(fault):
    path, value = FAULTS[fault]
    pillar = changed(path, value)

    told = list(problems(pillar, SCHEMA))

    assert len(told) == 1, told
    assert told[0].startswith("hosted_engine:" + ":".join(path))
    assert "hunter2" not in told[0]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(pillar, SCHEMA)


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"unknown key", "unknown group"}))
def test_each_fault_comes_with_what_the_key_is(fault):
    path, value = FAULTS[fault]

    (told,) = problems(changed(path, value), SCHEMA)

    assert told.partition(". ")[2], told


def of_length(number: int) -> str:
    """A name with that many characters."""
    labels = "-".join(["engine"] * 40)[: number - len(".example.com")].rstrip("-")
    return (labels + "x" * number)[: number - len(".example.com")] + ".example.com"


@pytest.mark.parametrize(
    ("path", "longest", "longer"),
    [
        # A certificate's common name; engine-setup and the engine put the whole name there.
        (["engine", "fqdn"], "e." + of_length(62), "e." + of_length(63)),
        (["host", "address"], "h." + of_length(62), "h." + of_length(63)),
        (["host", "name"], "h" * 255, "h" * 256),
        (["datacenter", "name"], "d" * 40, "d" * 41),
        (["cluster", "name"], "c" * 40, "c" * 41),
        # Linux' names of interfaces.
        (["network", "name"], "n" * 15, "n" * 16),
        (["storage", "name"], "s" * 250, "s" * 251),
        (["storage", "mount_options"], "o" * 500, "o" * 501),
        (["storage", "target"], "t" * 128, "t" * 129),
        (["vm", "machine"], "m" * 30, "m" * 31),
        # The engine takes no dot in these.
        (["datacenter", "name"], "North-1", "North.1"),
        (["storage", "name"], "hosted_storage", "hosted.storage"),
        (["network", "name"], "ovirt-mgmt", "ovirt.mgmt"),
        (["host", "name"], "node1.example.com", "node 1"),
    ],
)
def test_limits_of_later_steps_are_the_schema_s(path, longest, longer):
    assert list(problems(changed(path, longest), SCHEMA)) == []

    (told,) = problems(changed(path, longer), SCHEMA)

    assert told.startswith("hosted_engine:" + ":".join(path))


@pytest.mark.parametrize("name", ["OVESETUP_X/y\n", "OVESETUP_X/y\u2028"])
def test_a_name_of_the_user_s_can_be_printed(name):
    for group in (["engine", "answers"], ["secrets", "answers"]):
        (told,) = problems(changed(group, {name: "str:hunter2"}), SCHEMA)

        assert told.startswith("hosted_engine:" + ":".join(group))
        assert "hunter2" not in told


@pytest.mark.parametrize(("old", "new"), [("gap", "outage"), ("notice", "down_detection")])
def test_an_earlier_name_of_a_key_is_refused_with_the_new_one(old, new):
    (problem,) = problems(changed(["timeouts", old], 90), SCHEMA)

    assert problem == f"hosted_engine:timeouts:{old}: unknown key. Its name is {new} now"


def test_everything_missing_is_told_at_once():
    told = sorted(problems({}, SCHEMA))

    assert [line.split(":")[1] for line in told] == ["engine", "secrets", "storage"]


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a\x1bb", "hunter2\n"])
def test_one_line_each_and_a_secret_stays_one(value):
    (told,) = problems(changed(["secrets", "admin_password"], value), SCHEMA)

    assert "line break" in told
    assert "hunter2" not in told
    assert list(problems(changed(["engine", "fqdn"], "engine.example.com\n"), SCHEMA))


@pytest.mark.parametrize("value", ["pä$$ 'w\"ör`d\\", "{{ jinja }}", "*anchor", "#", " "])
def test_a_password_may_be_anything_printable(value):
    assert list(problems(changed(["secrets", "admin_password"], value), SCHEMA)) == []


@pytest.mark.parametrize("pillar", [{}, None, [], "text", SMALLEST])
def test_defaults_forgive_and_leave_secrets_out(pillar):
    merged = with_defaults(pillar, SCHEMA)

    assert merged["vm"]["memory_mib"] == 16384
    assert merged["secrets"] == {}
    assert "hunter2" not in repr(merged)


def test_defaults_are_valid_and_nobody_s_to_change():
    merged = with_defaults(SMALLEST, SCHEMA)
    merged["secrets"] = SMALLEST["secrets"]
    assert list(problems(merged, SCHEMA)) == []

    merged["bootstrap"]["subnets"].clear()
    assert with_defaults(SMALLEST, SCHEMA)["bootstrap"]["subnets"]


def test_what_is_wrong_is_replaced_by_its_default():
    merged = with_defaults(changed(["vm", "memory_mib"], "much"), SCHEMA)

    assert merged["vm"]["memory_mib"] == 16384
    assert merged["engine"]["fqdn"] == "engine.example.com"


def descriptions(schema: dict[str, Any], name: str = "hosted_engine"):
    yield name, schema["description"]
    for key, item in schema.get("properties", {}).items():
        yield from descriptions(item, f"{name}:{key}")


def test_every_key_says_what_it_means():
    for name, text in descriptions(SCHEMA):
        assert text.endswith("."), name
        assert text[0].isupper() or text.startswith("engine-setup"), name
