"""The answer file of engine-setup in the guest."""

from __future__ import annotations

from typing import Any

from hosted_engine_state import Secret
from salt.exceptions import SaltInvocationError


def text(settings: dict[str, Any], secrets: dict[str, Secret | None]) -> str:
    """
    The whole answer file of engine-setup.

    Raises SaltInvocationError for a secret that such a file can't carry, without showing it.
    """
    engine = settings["engine"]
    values = {
        "OVESETUP_CONFIG/fqdn": f"str:{_answer('engine:fqdn', engine['fqdn'])}",
        "OVESETUP_CONFIG/keycloakEnable": f"bool:{engine['keycloak']}",
    }
    for key, name in (
        ("OVESETUP_CONFIG/adminPassword", "admin_password"),
        ("OVESETUP_DB/password", "database_password"),
        ("OVESETUP_DWH_DB/password", "dwh_database_password"),
    ):
        if given := secrets[name]:
            values[key] = f"str:{_answer(f'secrets:{name}', given.value)}"
    if settings["restore"]["backup"]:
        values["OVESETUP_PKI/renew"] = f"bool:{settings['restore']['renew_pki']}"
        values["QUESTION/1/OVESETUP_SKIP_RENEW_PKI_CONFIRM"] = "str:yes"
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"[environment:default]\n{lines}"


def _answer(key: str, value: str) -> str:
    """A string as otopi's reader, a ConfigParser with interpolation, gives it back."""
    if not value.isprintable() or value != value.rstrip():
        raise SaltInvocationError(
            f"hosted_engine:{key}: engine-setup's answer file can't carry line breaks, control "
            "characters, or a space at the end. Choose another value"
        )
    return value.replace("%", "%%")
