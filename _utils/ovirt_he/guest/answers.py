"""The answer file of engine-setup in the guest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from salt.exceptions import SaltInvocationError

from ovirt_he.core.text import SECRET_NAME, Secret, holds_secret
from ovirt_he.pillar import keys

# The keys whose answer is their value, and the answers that other pillar keys decide, so that no
# one has to guess which of two answers wins.
ANSWERS = keys.named(keys.ENGINE_SETUP)
DECIDED = {name: path for path, name in ANSWERS.items()} | {
    "PACKAGER/dnfpackagerEnabled": "engine:offline",
    "PACKAGER/yumpackagerEnabled": "engine:offline",
    "OVESETUP_PKI/renew": "restore:renew_pki",
    "QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM": "restore:renew_pki",
}
LOOKS_SECRET = SECRET_NAME
# engine-setup asks below 3686 MB of usable memory, which excludes kernel and crash kernel.
MEMORY_MIB = 5120


class Fault(NamedTuple):
    """What is wrong with an answer: the pillar's key, the problem, what to do; never its value."""

    key: str
    what: str
    advice: str


def faults(
    settings: dict[str, Any],
    secrets: Mapping[str, Secret | None],
    secret_answers: Mapping[str, Secret],
) -> Iterator[Fault]:
    """Everything that prevents the answers from reaching engine-setup unchanged."""
    answers = settings["engine"]["answers"]
    for name, value in answers.items():
        key = f"engine:answers:{name}"
        yield from _decided(key, name)
        yield from _form(key, value)
        text = value.startswith(("str:", "multi-str:"))
        if text and (LOOKS_SECRET.search(name) or holds_secret(value)):
            yield Fault(key, "looks like a secret", "Put it below secrets:answers")
    for name, hidden in secret_answers.items():
        key = f"secrets:answers:{name}"
        yield from _decided(key, name)
        yield from _form(key, hidden.value)
        if name in answers:
            yield Fault(key, "is below engine:answers too", "Keep one of them")
    for name, secret in secrets.items():
        if secret:
            yield from _form(f"secrets:{name}", secret.value)


def text(
    settings: dict[str, Any],
    secrets: Mapping[str, Secret | None],
    secret_answers: Mapping[str, Secret] | None = None,
) -> str:
    """
    The whole answer file of engine-setup.

    Raises SaltInvocationError for answers that contradict other keys, and for a secret that such a
    file can't carry, without showing it.
    """
    further = secret_answers or {}
    if found := list(faults(settings, secrets, further)):
        lines = "\n".join(f"hosted_engine:{one.key}: {one.what}. {one.advice}" for one in found)
        raise SaltInvocationError(f"engine-setup's answers can't be written:\n{lines}")
    engine = settings["engine"]
    values = {
        "OVESETUP_CONFIG/fqdn": f"str:{engine['fqdn']}",
        "OVESETUP_CONFIG/keycloakEnable": f"bool:{engine['keycloak']}",
        **_questions(settings),
        **engine["answers"],
        **{name: hidden.value for name, hidden in further.items()},
    }
    for name, hidden in secrets.items():
        if hidden and (answer := ANSWERS.get(f"secrets:{name}")):
            values[answer] = f"str:{hidden.value}"
    if settings["restore"]["backup"]:
        values["OVESETUP_PKI/renew"] = f"bool:{settings['restore']['renew_pki']}"
        values["QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM"] = "str:yes"
    # otopi reads values literally since 1.9.2: a % stands for itself.
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"[environment:default]\n{lines}"


def _questions(settings: dict[str, Any]) -> dict[str, str]:
    """Questions whose default ends engine-setup; oVirt's appliance ships their answers as well."""
    found = {}
    if settings["vm"]["memory_mib"] < MEMORY_MIB:
        found["OVESETUP_SYSTEM/memCheckEnabled"] = "bool:False"
    if settings["restore"]["backup"]:
        # Snapshots of compatibility levels that this engine lacks stay, but can't be used.
        found["QUESTION/1/OVESETUP_IGNORE_SNAPSHOTS_WITH_OLD_COMPAT_LEVEL"] = "str:yes"
    return found


def _decided(key: str, name: str) -> Iterator[Fault]:
    if name in DECIDED:
        yield Fault(key, f"contradicts {DECIDED[name]}, which decides it", f"Set {DECIDED[name]}")


def _form(key: str, value: str) -> Iterator[Fault]:
    """otopi's reader must return a string unchanged."""
    if not value.isprintable() or value != value.rstrip():
        yield Fault(
            key,
            "engine-setup's answer file can't carry line breaks, control characters, or a "
            "space at the end",
            "Choose another value",
        )
