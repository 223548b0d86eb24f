"""Checks of preflight: the engine's answers, its data center and cluster, its guest's options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ovirt_he.guest import answers
from ovirt_he.pillar import settings
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.preflight.check import Check, Host, Problem, found, problem

# Without one of these at its start, dnf and apt-get have to look a package up by its name.
PLACES = ("/", "https://", "http://", "file://")


def pillar_problems(pillar: Mapping[str, Any], host: Host) -> list[Problem]:
    """What contradicts itself in the pillar, whatever the host."""
    names = SCHEMA["properties"]["secrets"]["properties"]
    secrets = {name: settings.secret(pillar, name) for name in names}
    further = settings.secret_answers(pillar)
    return [
        *(problem(*fault) for fault in answers.faults(host.settings, secrets, further)),
        *root_can_sign_in(host, bool(secrets["root_password"])),
        *found(PILLAR, host),
    ]


def root_can_sign_in(host: Host, password: bool) -> Iterator[Problem]:
    vm, key = host.settings["vm"], "vm:root_login"
    if vm["root_login"] == "password" and not password:
        yield problem(key, "by password, and there is none", "Give secrets:root_password")
    if vm["root_login"] == "keys" and not vm["root_ssh_keys"]:
        yield problem(key, "by keys, and there are none", "Give vm:root_ssh_keys")


def offline_packages(host: Host) -> Iterator[Problem]:
    """What lies at a known place needs no look-up; all else contradicts engine:offline."""
    looked_up = [name for name in host.settings["vm"]["packages"] if not name.startswith(PLACES)]
    if host.settings["engine"]["offline"] and looked_up:
        yield problem(
            "vm:packages",
            f"{', '.join(looked_up)}: to be looked up, in spite of engine:offline",
            "Give paths in the guest or URLs, take an appliance that has them, or drop one key",
        )


def firmware(host: Host) -> Iterator[Problem]:
    vm = host.settings["vm"]
    if vm["secure_boot"] and vm["firmware"] != "uefi":
        yield problem("vm:secure_boot", "needs vm:firmware: uefi", "Change one of them")
    if vm["machine"] and vm["firmware"] == "uefi" and "q35" not in vm["machine"]:
        yield problem(
            "vm:machine", f"{vm['machine']} has no uefi", "Name a q35, or set vm:firmware: bios"
        )


def home_of_the_default_cluster(host: Host) -> Iterator[Problem]:
    """engine-setup makes the cluster Default in the data center Default; a backup has its own."""
    cluster, center = host.settings["cluster"]["name"], host.settings["datacenter"]["name"]
    if cluster == "Default" != center and not host.settings["restore"]["backup"]:
        yield problem(
            "cluster:name",
            f"the cluster Default belongs to the data center Default, not to {center}",
            "Name another cluster: it will be made",
        )


def appliance_removal(host: Host) -> Iterator[Problem]:
    appliance = host.settings["appliance"]
    if appliance["remove"] and appliance["source"]:
        yield problem(
            "appliance:remove", "with appliance:source no package is installed", "Drop one of them"
        )


def graphics(host: Host) -> Iterator[Problem]:
    """vm:graphics isn't spice on EL 9 or later, whose QEMU is built without SPICE."""
    release = str(host.grains.get("osmajorrelease", "0"))
    modern = host.grains.get("os_family") == "RedHat" and release.isdigit() and int(release) > 8
    if host.settings["vm"]["graphics"] == "spice" and modern:
        yield problem("vm:graphics", "QEMU of this host has no spice", "Set vm:graphics: vnc")


def renewal_has_a_backup(host: Host) -> Iterator[Problem]:
    """restore:renew_pki comes with a backup."""
    restore = host.settings["restore"]
    if restore["renew_pki"] and not restore["backup"]:
        yield problem(
            "restore:renew_pki",
            "there is no backup whose certificates it would renew",
            "Set restore:backup",
        )


PILLAR: list[Check] = [
    offline_packages,
    firmware,
    home_of_the_default_cluster,
    appliance_removal,
    renewal_has_a_backup,
]
CHECKS: list[Check] = [graphics]
