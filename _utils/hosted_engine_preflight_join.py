"""Checks of preflight: a further host, which joins a running engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hosted_engine_connection as connection
from hosted_engine_preflight import Host, Problem, problem
from salt.exceptions import CommandExecutionError


def problems(pillar: Mapping[str, Any], host: Host) -> Iterator[Problem]:
    """Why this host can't join its engine: the pillar, the CA, and whether the engine answers."""
    engine = host.settings["engine"]
    if not host.settings["host"]["joins"]:
        yield problem(
            "host:joins", "false", "Set it to true for a host that joins a running engine"
        )
        return
    if not engine["ca_file"]:
        yield problem(
            "engine:ca_file",
            "missing: this host has no other way to know the engine",
            "Put the engine's CA certificate on this host, docs/operation.md says how",
        )
    elif not Path(engine["ca_file"]).is_file():
        yield problem(
            "engine:ca_file", f"there is no file {engine['ca_file']}", "Put the certificate there"
        )
    else:
        try:
            connection.Site(pillar, host.grains).check_health()
        except CommandExecutionError as error:
            yield problem("engine:fqdn", str(error), "A running engine is wanted")
