"""Check a value against the subset of JSON Schema that the schema uses; fill in defaults."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def problems(value: Any, schema: dict[str, Any], key: str = "hosted_engine") -> Iterator[str]:
    """
    All that is wrong with ``value``, one sentence each, with the key's full name.

    The value of a ``writeOnly`` key is never part of a sentence.
    """
    kind: str = schema["type"]
    # bool is an int in Python, not in a pillar.
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        quotes = ": put it in quotes" if kind == "string" and not _nested(value) else ""
        what = f"{kind} wanted, not {_shown(value, schema)} ({_type(value)}){quotes}"
        yield f"{key}: {what}. {schema['description']}"
    elif kind == "object":
        yield from _object_problems(value, schema, key)
    elif kind == "array":
        # An item is described where its list is.
        items = {"description": schema["description"]} | schema["items"]
        for index, item in enumerate(value):
            yield from problems(item, items, f"{key}:{index}")
    else:
        yield from _scalar_problems(value, schema, key)


def _object_problems(value: dict[Any, Any], schema: dict[str, Any], key: str) -> Iterator[str]:
    if "properties" not in schema:
        yield from _mapping_problems(value, schema, key)
        return
    properties = schema["properties"]
    for name in sorted(map(str, value.keys() - properties.keys())):
        new = schema.get("renamed", {}).get(name)
        advice = f"Its name is {new} now" if new else f"Known here: {', '.join(sorted(properties))}"
        yield f"{key}:{name}: unknown key. {advice}"
    for name in schema["required"]:
        if name not in value:
            yield f"{key}:{name}: missing. {properties[name]['description']}"
    for rule in schema.get("allOf", ()):
        condition, then = rule["if"], rule["then"]
        kind = value.get("type")
        if kind in condition["properties"]["type"]["enum"] or (
            "type" not in value and "required" not in condition
        ):
            for name in then["required"]:
                if not value.get(name):
                    yield f"{key}:{name}: missing. {properties[name]['description']}"
    for name in properties.keys() & value.keys():
        yield from problems(value[name], properties[name], f"{key}:{name}")


def _mapping_problems(value: dict[Any, Any], schema: dict[str, Any], key: str) -> Iterator[str]:
    """A mapping whose names are the user's; its values are as secret as itself."""
    values = schema["additionalProperties"] | {"writeOnly": schema.get("writeOnly", False)}
    for name, item in value.items():
        if not isinstance(name, str) or not re.search(schema["propertyNames"]["pattern"], name):
            shown = "a name" if schema.get("writeOnly") else f"the name {name!r}"
            yield f"{key}: {shown} has the wrong form. {schema['description']}"
        elif not name.isprintable():
            yield f"{key}: a name holds a character that can't be printed. {schema['description']}"
        else:
            yield from problems(item, values, f"{key}:{name}")


def _scalar_problems(value: Any, schema: dict[str, Any], key: str) -> Iterator[str]:
    shown = _shown(value, schema)
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(schema["enum"])
        yield f"{key}: {shown} isn't one of {choices}. {schema['description']}"
    # Answer files, keyfiles and hosted-engine.conf have one line a value.
    if isinstance(value, str) and not value.isprintable():
        what = f"{shown} holds a line break or another character that can't be printed"
        yield f"{key}: {what}. {schema['description']}"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{key}: {shown} has the wrong form. {schema['description']}"
    if len(str(value)) < schema.get("minLength", 0):
        yield f"{key}: empty. {schema['description']}"
    if len(str(value)) > schema.get("maxLength", len(str(value))):
        what = f"{shown} is longer than {schema['maxLength']} characters"
        yield f"{key}: {what}. {schema['description']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{key}: {shown} is less than {schema['minimum']}. {schema['description']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{key}: {shown} is more than {schema['maximum']}. {schema['description']}"


def _shown(value: Any, schema: dict[str, Any]) -> str:
    # A mapping or a list at the wrong place may hold secrets, and so may a text at their place.
    hidden = schema.get("writeOnly") or schema["type"] in ("object", "array") or _nested(value)
    return "this" if hidden else repr(value)


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _type(value: Any) -> str:
    """The type of a value as YAML and JSON name it."""
    if value is None:
        return "null"
    # bool before int: True is an int too.
    names = {bool: "boolean", int: "integer", dict: "object", list: "array", str: "string"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "another type")


def with_defaults(value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """
    ``value`` with every default filled in, without its ``writeOnly`` keys.

    It forgives: what has the wrong type is taken for the default, so that an SLS renders and the
    preflight state, not a rendering error, says what is wrong.
    """
    given = value if isinstance(value, dict) else {}
    merged: dict[str, Any] = {}
    for name, property_ in schema["properties"].items():
        if "properties" in property_:
            merged[name] = with_defaults(given.get(name), property_)
        elif not property_.get("writeOnly"):
            default = copy.deepcopy(property_["default"])
            right = not any(problems(given[name], property_)) if name in given else False
            merged[name] = given[name] if right else default
    return merged
