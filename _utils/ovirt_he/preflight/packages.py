"""Checks of preflight: repositories offer the packages that the phase ``appliance`` installs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator

from ovirt_he.core import command
from ovirt_he.preflight.check import Check, Host, Problem, problem

KEY = "appliance:package"
SETUP = "ovirt-hosted-engine-setup"
# The engine refuses Gluster storage on a host without it; not every vdsm's package brings it.
GLUSTER = "glusterfs-cli"
# A repository's metadata can be large, and its server slow.
SECONDS = 120
ADVICE = "Look at the repositories of this host and what they answer"


def packages_are_offered(host: Host) -> Iterator[Problem]:
    """
    The repositories offer ovirt-hosted-engine-setup, the appliance package and, for Gluster
    storage, glusterfs-cli, unless they are installed; for an additional host, glusterfs-cli
    alone. Each query may take 120 seconds. Only the package manager's cache is refreshed.
    """
    appliance = host.settings["appliance"]
    keys = {}
    if not host.settings["host"]["joins"]:
        keys = {SETUP: "host", **({} if appliance["source"] else {appliance["package"]: KEY})}
    if host.settings["storage"]["type"] == "glusterfs":
        keys[GLUSTER] = "storage:type"
    missing = [name for name in keys if not host.salt["pkg.version"](name)]
    if not missing:
        return
    family = host.grains.get("os_family", "")
    if family not in PROVIDERS:
        host.notes.append(
            f"Whether repositories offer {', '.join(missing)} isn't known: how "
            f"{family or 'this OS'} asks them isn't"
        )
        return
    for name, providers in PROVIDERS[family](missing).items():
        if not providers:
            what = f"no repository of this host offers the package {name}"
            yield problem(keys[name], what, "Enable oVirt's repositories, or install it")
        elif name not in providers:
            what = f"{name} is only provided, by {', '.join(providers)}: Salt installs by names"
            advice = f"Set {KEY} to one of these" if keys[name] == KEY else "Install one of these"
            yield problem(keys[name], what, advice)


def _by_dnf(names: list[str]) -> dict[str, list[str]]:
    """For each name, the packages that have or provide it; installed ones as well."""
    found = {}
    for name in names:
        words = ("--whatprovides", name)
        here = command.run("rpm", "--query", "--queryformat", "%{NAME}\\n", *words, check=False)
        seen = here.stdout.split() if here.returncode == 0 else []
        if not seen:
            asked = ("dnf", "--quiet", "repoquery", "--queryformat", "%{name}\\n", *words)
            seen = command.run(*asked, timeout=SECONDS, advice=ADVICE).stdout.split()
        found[name] = sorted(set(seen))
    return found


def _by_apt(names: list[str]) -> dict[str, list[str]]:
    """For each name, itself where it can be installed; by lists of its own, which are dropped."""
    found = {}
    with tempfile.TemporaryDirectory() as lists:
        options = [
            word
            for option in (
                f"Dir::State::lists={lists}",
                "Dir::Cache::pkgcache=",
                "Dir::Cache::srcpkgcache=",
                "APT::Sandbox::User=root",
            )
            for word in ("-o", option)
        ]
        command.run("apt-get", *options, "-qq", "update", timeout=SECONDS, advice=ADVICE)
        for name in names:
            policy = command.run("apt-cache", *options, "policy", name).stdout
            candidate = policy.partition("Candidate:")[2].split()
            found[name] = [name] if candidate[:1] not in ([], ["(none)"]) else []
    return found


PROVIDERS: dict[str, Callable[[list[str]], dict[str, list[str]]]] = {
    "RedHat": _by_dnf,
    "Debian": _by_apt,
}
CHECKS: list[Check] = [packages_are_offered]
