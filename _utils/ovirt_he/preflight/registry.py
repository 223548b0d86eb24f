"""All checks of preflight: which there are, which of them may be ignored, what they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovirt_he.preflight import (
    access,
    archive,
    directory,
    engine,
    hooks,
    join,
    libraries,
    links,
    machine,
    names,
    network,
    packages,
    restore,
    storage,
)
from ovirt_he.preflight.check import PILLAR, Check, Host, Problem, found, pillar_problems, problem

# Those of the host, until it is deployed.
OF_HOST: list[Check] = [
    check
    for group in (
        network,
        names,
        storage,
        links,
        access,
        machine,
        directory,
        packages,
        libraries,
        engine,
        restore,
        hooks,
        archive,
    )
    for check in group.CHECKS
]
# Those of the storage, which are examined once more when its tools are installed.
OF_STORAGE: list[Check] = storage.CHECKS
# Those that hold on a deployed host as well.
ALWAYS: list[Check] = machine.ALWAYS
# Without these a second engine could run, or something would be lost that isn't ours.
NEVER_IGNORED = {
    PILLAR,
    "another_engine",
    "bootstrap_directory_is_ours",
    "configuration_is_ours",
    "engine_answers",
    "export_is_free",
    "joins_an_engine",
    "no_additional_host",
    "no_vm_runs_here",
}


def of_pillar(pillar: Mapping[str, Any], host: Host) -> list[Problem]:
    """What is wrong with the pillar by itself, and what can be fixed there alone."""
    problems: list[Problem] = []
    for examine_pillar in (pillar_problems, storage.pillar_problems, engine.pillar_problems):
        problems += examine_pillar(pillar, host)
    problems += unknown_names(host)
    return [one | {"check": PILLAR} for one in problems]


def examine(checks: list[Check], host: Host) -> tuple[list[Problem], list[Problem]]:
    """What the checks find that stops us, and what would if it weren't ignored."""
    ignored = set(host.settings["preflight"]["ignore"]) - NEVER_IGNORED
    problems = found(checks, host)
    return (
        [one for one in problems if one["check"] not in ignored],
        [one for one in problems if one["check"] in ignored],
    )


def unknown_names(host: Host) -> list[Problem]:
    """Names in ``preflight:ignore`` that no check has, or whose check can't be ignored."""
    known = {check.__name__ for check in OF_HOST + join.CHECKS} - NEVER_IGNORED
    problems = []
    for number, name in enumerate(host.settings["preflight"]["ignore"]):
        if name in NEVER_IGNORED | {check.__name__ for check in ALWAYS}:
            what, advice = f"{name} can't be ignored", "Fix what it reports"
        elif name not in known:
            what, advice = f"there is no check {name}", f"There are {', '.join(sorted(known))}"
        else:
            continue
        problems.append(problem(f"preflight:ignore:{number}", what, advice))
    return problems
