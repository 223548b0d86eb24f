"""
Building blocks of the schema: a function for each type of key, and regular expressions.

``named``: the names that other tools use for the key, see ``ovirt_he.pillar.keys``.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# The engine allows no dot in most names, but does in those of clusters and hosts.
NAME = r"^[A-Za-z0-9_-]+$"
CLUSTER_NAME = r"^[A-Za-z0-9_.-]+$"
HOST_NAME = r"^[A-Za-z0-9_.-]*$"
# A bridge name that Linux allows, in characters that the engine passes on unchanged.
BRIDGE = r"^[A-Za-z0-9_-]{1,15}$"
# The limit of a certificate's common name.
COMMON_NAME = 64
FQDN = r"^(?=.{4,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$"
# Only the form: preflight parses networks and addresses with Python's ipaddress.
ADDRESS = r"^[0-9A-Fa-f.:]+$"
INTERFACE = r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"
# ADDRESS, [ADDRESS] or a name, with or without a port.
PORTAL = r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+|[0-9A-Fa-f:]+:[0-9A-Fa-f:]*)(:[0-9]{1,5})?$"
VERSION = r"^([0-9]+\.[0-9]+)?$"
# As otopi writes them: OVESETUP_DB/host=str:db.example.com.
ANSWER_NAME = r"^[A-Z0-9_]+(/[0-9]+)?/[A-Za-z0-9_.-]+$"
ANSWER = r"^(str:.*|bool:(True|False)|int:-?[0-9]+|none:None|multi-str:.*)$"
SLS = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
LINE = r"^\S.*$"


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


def flag(description: str, default: bool = False, **more: Any) -> Schema:
    return {"type": "boolean", "description": description, "default": default, **more}


def texts(
    description: str, default: list[str] | None = None, named: str = "", **items: Any
) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string", **items},
        "default": default or [],
        "named": named,
    }


def group(
    description: str,
    required: tuple[str, ...] = (),
    rules: list[Schema] | None = None,
    renamed: dict[str, str] | None = None,
    **properties: Schema,
) -> Schema:
    more = {"allOf": rules} if rules else {}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        # Names of keys in earlier versions.
        "renamed": renamed or {},
        **more,
    }


# If ``type`` is one of ``types``, these keys are required and must not be empty.
def needs(types: list[str], *names: str, default: bool = False) -> Schema:
    condition: Schema = {"properties": {"type": {"enum": types}}}
    if not default:
        condition["required"] = ["type"]
    given = {name: {"minLength": 1, "minItems": 1} for name in names}
    return {"if": condition, "then": {"required": list(names), "properties": given}}


# A mapping with arbitrary keys, such as the answers for engine-setup.
def mapping(description: str, names: str, values: str, **more: Any) -> Schema:
    return {
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": names},
        "additionalProperties": {"type": "string", "description": description, "pattern": values},
        "default": {},
        **more,
    }


# Secrets have no default and are never merged into the settings: see settings.secret.
def secret(description: str, named: str) -> Schema:
    return {
        "type": "string",
        "description": description,
        "minLength": 1,
        "writeOnly": True,
        "named": named,
    }
