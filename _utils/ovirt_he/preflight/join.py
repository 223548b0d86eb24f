"""Checks of preflight: an additional host, which joins a running engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.engine import connection
from ovirt_he.preflight import access, libraries, links, machine, names, network, packages
from ovirt_he.preflight.check import Check, Host, Problem, problem


def joins_an_engine(host: Host) -> Iterator[Problem]:
    """The pillar says that this host joins a running engine, and names the CA that verifies it."""
    ca_file = host.settings["engine"]["ca_file"]
    if not host.settings["host"]["joins"]:
        yield problem(
            "host:joins", "false", "Set it to true for a host that joins a running engine"
        )
    elif not ca_file:
        yield problem(
            "engine:ca_file",
            "missing: without it this host cannot verify the engine",
            "Put the engine's CA certificate on this host, see docs/operation.md",
        )
    elif not Path(ca_file).is_file():
        yield problem("engine:ca_file", f"there is no file {ca_file}", "Put the certificate there")


def engine_answers(host: Host) -> Iterator[Problem]:
    """The engine's health page answers, with a certificate of that CA."""
    if any(joins_an_engine(host)):
        return
    try:
        connection.Site(host.pillar, host.grains).check_health()
    except CommandExecutionError as error:
        yield problem("engine:fqdn", str(error), "A running engine is wanted")


# Those of a first host that hold for every host: what vdsm, HA and the engine's VM need of it.
CHECKS: list[Check] = [
    joins_an_engine,
    engine_answers,
    network.host_name,
    network.management_interface,
    names.host_name_in_dns,
    *links.CHECKS,
    access.fapolicyd,
    access.network_test,
    machine.processors,
    machine.virtualisation,
    packages.packages_are_offered,
    *libraries.CHECKS,
]
