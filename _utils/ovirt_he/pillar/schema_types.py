"""The types that the schema is written with: a key of each type, with its description."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(description: str, default: str | None = "", **more: Any) -> Schema:
    return {"type": "string", "description": description, "default": default, **more}


def number(description: str, default: int, minimum: int = 1, **more: Any) -> Schema:
    return {
        "type": "integer",
        "description": description,
        "default": default,
        "minimum": minimum,
        **more,
    }


def flag(description: str, default: bool = False) -> Schema:
    return {"type": "boolean", "description": description, "default": default}


def texts(description: str, default: list[str] | None = None, **items: Any) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string", **items},
        "default": default or [],
    }


def group(
    description: str,
    required: tuple[str, ...] = (),
    rules: list[Schema] | None = None,
    **properties: Schema,
) -> Schema:
    more = {"allOf": rules} if rules else {}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


# Where ``type`` is one of ``kinds``, these keys are needed, and not empty.
def needs(kinds: list[str], *names: str, default: bool = False) -> Schema:
    condition: Schema = {"properties": {"type": {"enum": kinds}}}
    if not default:
        condition["required"] = ["type"]
    given = {name: {"minLength": 1, "minItems": 1} for name in names}
    return {"if": condition, "then": {"required": list(names), "properties": given}}


# A key of the user's own choice for each value: the names of engine-setup's answers.
def mapping(description: str, names: str, values: str, **more: Any) -> Schema:
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": names},
        "additionalProperties": {"type": "string", "description": description, "pattern": values},
        "default": {},
        **more,
    }


# A secret has no default and is never merged into the settings: see hosted_engine_settings.secret.
def secret(description: str) -> Schema:
    return {"type": "string", "description": description, "minLength": 1, "writeOnly": True}
