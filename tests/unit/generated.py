"""Pillars that hypothesis makes from the schema: valid, or with anything in one place."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.schema_types import FQDN

Path = tuple[str | int, ...]

# No floating-point numbers: the library takes 4.0 for an integer, and nobody's memory is 4.0 MiB.
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)

# Hypothesis doesn't see through the look-ahead that limits a name's length.
LABELS = st.from_regex("[a-z]([a-z0-9-]{0,8}[a-z0-9])", fullmatch=True)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema allows; strings may hold line breaks where its pattern doesn't forbid them."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    makers = {
        "object": _objects,
        "array": lambda schema: st.lists(values(schema["items"]), max_size=3),
        "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
        "boolean": lambda schema: st.booleans(),
        "string": _strings,
    }
    return makers[schema["type"]](schema)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        names = st.from_regex(schema["propertyNames"]["pattern"], fullmatch=True)
        return st.dictionaries(names, values(schema["additionalProperties"]), max_size=2)
    if "allOf" in schema:
        return st.one_of([_kind(schema, kind) for kind in schema["properties"]["type"]["enum"]])
    made = {name: values(item) for name, item in schema["properties"].items()}
    needed = {name: made.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(needed, optional=made)


def _kind(schema: dict[str, Any], kind: str) -> st.SearchStrategy[Any]:
    """An object of one ``type``, with what that type needs."""
    made = {name: values(item) for name, item in schema["properties"].items()}
    needed = {"type": st.just(kind)}
    made.pop("type")
    for rule in schema["allOf"]:
        if kind in rule["if"]["properties"]["type"]["enum"]:
            needed |= {name: made.pop(name).filter(bool) for name in rule["then"]["required"]}
    return st.fixed_dictionaries(needed, optional=made)


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("pattern") == FQDN:
        made = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
        return made.filter(lambda name: len(name) <= schema["maxLength"])
    if "pattern" in schema:
        made = st.from_regex(schema["pattern"], fullmatch=True)
        limit = schema.get("maxLength")
        return made.map(lambda text: text[:limit]) if limit else made
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))


@st.composite
def with_anything(draw: st.DrawFn) -> Any:
    """A valid pillar in which one place, chosen freely, holds anything."""
    pillar = draw(values(SCHEMA))
    *way, last = draw(st.sampled_from(list(places(pillar))))
    holder = pillar
    for name in way:
        holder = holder[name]
    holder[last] = draw(ANYTHING)
    return pillar


def places(value: Any) -> list[Path]:
    """The way to each key and item of a value, and one to a key that isn't known."""
    found: list[Path] = []
    if isinstance(value, dict):
        found.append(("unknown",))
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in inner:
        found.append((name,))
        if isinstance(item, dict | list):
            found += [(name, *rest) for rest in places(item)]
    return found


def printable(value: Any) -> bool:
    """Whether all strings of a value fit on a line; JSON Schema has no word for it."""
    if isinstance(value, dict):
        return all(map(printable, [*value, *value.values()]))
    if isinstance(value, list):
        return all(map(printable, value))
    return not isinstance(value, str) or value.isprintable()


def on_a_line(value: Any) -> Any:
    """A value with another character for each that doesn't fit on a line."""
    if isinstance(value, dict):
        return {name: on_a_line(item) for name, item in value.items()}
    if isinstance(value, list):
        return [on_a_line(item) for item in value]
    if isinstance(value, str):
        return "".join(one if one.isprintable() else "x" for one in value)
    return value
