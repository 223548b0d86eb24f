"""
The settings of this host: the pillar with its defaults, and what follows from both.

Modules pass their dunders in: ``settings.load(__pillar__, __grains__)``.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from salt.exceptions import SaltInvocationError

from ovirt_he.core.text import Secret
from ovirt_he.pillar import storage
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems, with_defaults

Settings = dict[str, Any]


def load(pillar: Mapping[str, Any], grains: Mapping[str, Any]) -> Settings:
    """
    The settings, for a module that is about to act on them; no secrets in them.

    Raises SaltInvocationError with every problem of the pillar, before anything is done.
    """
    if found := sorted(problems(pillar.get("hosted_engine", {}), SCHEMA)):
        raise SaltInvocationError("The pillar isn't valid:\n" + "\n".join(found))
    return merge(pillar, grains)


def merge(pillar: Mapping[str, Any], grains: Mapping[str, Any]) -> Settings:
    """The settings for rendering an SLS; of a faulty pillar too: preflight reports its faults."""
    settings = with_defaults(pillar.get("hosted_engine", {}), SCHEMA)
    host, vm, shared = settings["host"], settings["vm"], settings["storage"]
    host["name"] = host["name"] or grains.get("fqdn", "")
    host["address"] = host["address"] or grains.get("fqdn", "")
    fqdn = settings["engine"]["fqdn"] or ""
    vm["mac"] = (vm["mac"] or mac_of(fqdn)).lower()
    settings["bootstrap"]["name"] = "HostedEngineLocal"
    settings["bootstrap"]["uuid"] = str(bootstrap_uuid(fqdn))
    vm["disk_sparse"] = storage.is_sparse(shared["type"], vm)
    return settings


def storage_of(given: Mapping[str, Any]) -> Settings:
    """
    A storage that is given as the pillar's ``storage`` would be, with its defaults.

    Raises SaltInvocationError with every problem of it.
    """
    schema = SCHEMA["properties"]["storage"]
    if found := sorted(problems(dict(given), schema, "storage")):
        raise SaltInvocationError("The storage isn't valid:\n" + "\n".join(found))
    return with_defaults(given, schema)


def secret(pillar: Mapping[str, Any], name: str) -> Secret | None:
    """A secret of the pillar, wrapped so that it can't be shown by accident; None: not given."""
    given: Any = pillar
    for key in ("hosted_engine", "secrets", name):
        given = given.get(key) if isinstance(given, Mapping) else None
    return Secret(given) if isinstance(given, str) else None


def secret_answers(pillar: Mapping[str, Any]) -> dict[str, Secret]:
    """The answers of engine-setup that are secret, each wrapped; names aren't secret."""
    given: Any = pillar
    for key in ("hosted_engine", "secrets", "answers"):
        given = given.get(key) if isinstance(given, Mapping) else None
    found = given.items() if isinstance(given, Mapping) else ()
    return {str(name): Secret(value) for name, value in found if isinstance(value, str)}


def secret_texts(pillar: Mapping[str, Any]) -> list[str]:
    """All that is secret in the pillar, for hiding it in what comes from outside."""
    names = SCHEMA["properties"]["secrets"]["properties"]
    given = [found.value for name in names if (found := secret(pillar, name))]
    # Of an answer the text without its type may be shown; True or a number is no secret.
    answers = [answer.value.partition("str:")[2] for answer in secret_answers(pillar).values()]
    return [text for text in given + answers if text]


def mac_of(fqdn: str) -> str:
    """
    A stable MAC address for an engine, in the range that Xen's OUI leaves to local use.

    >>> mac_of("engine.example.com") == mac_of("engine.example.com")
    True
    """
    digest = hashlib.sha256(fqdn.lower().encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x00, 0x16, 0x3E, digest[0] & 0x7F, *digest[1:3]))


def bootstrap_uuid(fqdn: str) -> uuid.UUID:
    """SMBIOS UUID of the bootstrap VM: by it the guest knows that it isn't on shared storage."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"bootstrap.{fqdn.lower()}")
