"""firewalld: what the engine, in a guest behind libvirt's zone, needs of its host."""

from __future__ import annotations

import shutil

from ovirt_he.core import command

ZONE = "libvirt"
SERVICES = {"vdsm", "libvirt-tls", "ovirt-imageio", "ovirt-vmconsole", "ssh"}
COMMAND = "firewall-cmd"
ABSENT = "no firewalld runs here, so nothing was opened: what filters instead must let "
ABSENT += f"{', '.join(sorted(SERVICES))} in"


def runs() -> bool:
    """Whether firewalld runs on this host."""
    if shutil.which(COMMAND) is None:
        return False
    return not command.run(COMMAND, "--state", check=False).returncode


def missing_services() -> list[str]:
    """The services that firewalld defines and the zone lacks, now or after a reload."""
    if not runs():
        return []
    known = SERVICES.intersection(command.run(COMMAND, "--get-services").stdout.split())
    lists = ("--list-services", f"--zone={ZONE}")
    now = command.run(COMMAND, *lists).stdout.split()
    later = command.run(COMMAND, "--permanent", *lists).stdout.split()
    return sorted(known - set(now).intersection(later))


def open_missing() -> None:
    """Open them, at runtime and permanently, without a reload, which would drop libvirt's rules."""
    options = [f"--add-service={service}" for service in missing_services()]
    for when in ([], ["--permanent"]):
        command.run(COMMAND, "--quiet", *when, f"--zone={ZONE}", *options)
