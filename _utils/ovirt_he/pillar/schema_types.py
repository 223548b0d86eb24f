"""
The vocabulary of the schema: a function for each type of key, and regular expressions.

``named``: what other tools call the key, see ``ovirt_he.pillar.keys``.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# The engine takes no dot in most names; a cluster's may have one, and a host's.
NAME = r"^[A-Za-z0-9_-]+$"
CLUSTER_NAME = r"^[A-Za-z0-9_.-]+$"
HOST_NAME = r"^[A-Za-z0-9_.-]*$"
# A name of Linux' for a bridge, in characters that the engine hands on to it unchanged.
BRIDGE = r"^[A-Za-z0-9_-]{1,15}$"
# Characters of the common name in a certificate.
COMMON_NAME = 64
FQDN = r"^(?=.{4,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$"
# Networks and addresses are read by Python's ipaddress in preflight; here only what they look like.
ADDRESS = r"^[0-9A-Fa-f.:]+$"
INTERFACE = r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"
# ADDRESS or [ADDRESS] or a name, with a port or without one.
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
        # Names that earlier versions had for a key.
        "renamed": renamed or {},
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


# A secret has no default and is never merged into the settings: see settings.secret.
def secret(description: str, named: str) -> Schema:
    return {
        "type": "string",
        "description": description,
        "minLength": 1,
        "writeOnly": True,
        "named": named,
    }
