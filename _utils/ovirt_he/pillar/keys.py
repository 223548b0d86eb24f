"""The pillar's keys by their paths, such as ``engine:fqdn``, and what other tools call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovirt_he.pillar.schema import SCHEMA

Values = dict[str, Any]
# Each tool by how its names begin; those of hosted-engine --deploy begin with a section.
ANSIBLE, ENGINE_SETUP = "he_", "OVESETUP_"
DEPLOY = "OVEHOSTED_"

# path: schema
ALL: dict[str, dict[str, Any]] = {}
for _name, _item in SCHEMA["properties"].items():
    _keys = _item.get("properties")
    ALL |= {f"{_name}:{key}": item for key, item in _keys.items()} if _keys else {_name: _item}


def named(tool: str) -> dict[str, str]:
    """Each key that a tool has a name for, with that name."""
    return {
        path: name if tool != DEPLOY else DEPLOY + name
        for path, item in ALL.items()
        for name in item.get("named", "").split()
        if name.startswith(tool)
        or (tool == DEPLOY and not name.startswith((ANSIBLE, ENGINE_SETUP)))
    }


def leaves(pillar: Mapping[str, Any]) -> Values:
    """The keys of a pillar with their values, by path; mappings are values."""
    found: Values = {}
    for path in ALL:
        group, _, key = path.partition(":")
        inner = pillar.get(group, {}) if key else pillar
        if (key or group) in inner:
            found[path] = inner[key or group]
    return found


def tree(values: Values) -> Values:
    """The pillar of some leaves."""
    pillar: Values = {}
    for path, value in values.items():
        group, _, key = path.partition(":")
        if key:
            pillar.setdefault(group, {})[key] = value
        else:
            pillar[group] = value
    return pillar


def default(path: str) -> Any:
    """A key's default; None for one that must be given."""
    return ALL[path].get("default")
