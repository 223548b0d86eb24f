"""Checks of preflight: the machine, the appliance, what else lives here."""

from __future__ import annotations

import contextlib
import os
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

from salt.exceptions import CommandExecutionError

from ovirt_he.bootstrap import image
from ovirt_he.ha import conf
from ovirt_he.host import stage
from ovirt_he.preflight.check import Check, Host, Problem, problem

MEMORY = Path("/proc/meminfo")
ENGINE_UNITS = [
    Path("/usr/lib/systemd/system/ovirt-engine.service"),
    Path("/etc/systemd/system/ovirt-engine.service"),
]
GIB = 1024**3
# Where a tar archive has its magic number.
TAR_MAGIC = slice(257, 262)


def memory(host: Host) -> Iterator[Problem]:
    """The host has enough free memory for the VM. A bootstrap VM that is running already has it."""
    wanted = host.settings["vm"]["memory_mib"]
    if stage.runs(host.settings["bootstrap"]["name"]):
        return
    found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMORY.read_text(), re.MULTILINE)
    available = int(found[1]) // 1024 if found else 0
    if available < wanted:
        yield problem(
            "vm:memory_mib",
            f"{wanted} MiB wanted, {available} MiB available on this host",
            "Ask for less, or free memory",
        )


def processors(host: Host) -> Iterator[Problem]:
    """This host has at least as many CPUs as the VM: the engine doesn't start a larger one."""
    wanted, there = host.settings["vm"]["cpus"], os.cpu_count() or 1
    if wanted > there:
        yield problem(
            "vm:cpus", f"{wanted} wanted, this host has {there}", "The engine starts no such VM"
        )


def virtualisation(host: Host) -> Iterator[Problem]:
    """The CPU supports virtualisation, unless host:emulation is set."""
    # Not by /dev/kvm: it may be there and do nothing.
    if host.settings["host"]["emulation"] or {"vmx", "svm"} & set(host.grains.get("cpu_flags", [])):
        return
    yield problem(
        "host:emulation",
        "the CPU shows neither vmx nor svm",
        "Enable virtualisation in the firmware; for a test, set host:emulation: true",
    )


def appliance(host: Host) -> Iterator[Problem]:
    """appliance:source exists and is a qcow2 or an OVA, judged by its first bytes."""
    source, key = host.settings["appliance"]["source"], "appliance:source"
    if not source:
        return
    if source.startswith("salt://"):
        path, _, environment = source.removeprefix("salt://").partition("?saltenv=")
        if path not in host.salt["cp.list_master"](environment or "base", path):
            yield problem(key, f"{source} isn't on the file server", "Put it there")
        return
    if not source.startswith("/"):
        yield problem(key, f"{source} is neither a path nor salt://", "Write one of both")
    elif not Path(source).is_file():
        yield problem(key, f"{source} isn't a file on this host", "Put the image there")
    else:
        with Path(source).open("rb") as file:
            start = file.read(TAR_MAGIC.stop)
        # A tar archive needn't be compressed.
        if not start.startswith((image.QCOW2, image.GZIP)) and start[TAR_MAGIC] != b"ustar":
            yield problem(key, f"{source} is neither qcow2 nor OVA", "Name the appliance's image")


def room(host: Host) -> Iterator[Problem]:
    """
    There is room for the bootstrap VM's disk, which can grow to the appliance's virtual size.

    The size is read from a qcow2's header. Before the package is installed, or if the image is
    in an archive, vm:disk_gib is used, which is at least as large.
    """
    directory = Path(host.settings["bootstrap"]["directory"])
    wanted = _virtual_size(host) or host.settings["vm"]["disk_gib"] * GIB
    there = next(path for path in (directory, *directory.parents) if path.is_dir())
    state = os.statvfs(there)
    # What a run before this one already put there is in its place.
    used = sum(path.stat().st_blocks * 512 for path in directory.glob("*") if path.is_file())
    available = state.f_bavail * state.f_frsize + used
    if available < wanted:
        yield problem(
            "bootstrap:directory",
            f"{wanted / GIB:.1f} GiB wanted in {directory}, {available / GIB:.1f} GiB free",
            "Free some, or name another directory",
        )


def _virtual_size(host: Host) -> int:
    source = host.settings["appliance"]["source"]
    paths = [source] if source else [path for path, _ in image.images()]
    for path in map(Path, paths):
        if path.is_absolute() and path.is_file():
            # An archive, or an image that hosted_engine_appliance.extract will refuse.
            with contextlib.suppress(CommandExecutionError):
                return image.virtual_size(path)
    return 0


def configuration_is_ours(host: Host) -> Iterator[Problem]:
    """The engine deployed on this host, by whatever tool, is the one in the pillar."""
    fqdn = host.settings["engine"]["fqdn"]
    configured = conf.read().get("fqdn")
    if fqdn and configured and configured != fqdn:
        yield problem(
            "engine:fqdn",
            f"{conf.CONFIGURATION} belongs to {configured}, not to {fqdn}",
            "Take that deployment down first, or take another host",
        )


def another_engine(host: Host) -> Iterator[Problem]:
    """No engine runs on this host yet, neither directly nor in a VM."""
    for unit in ENGINE_UNITS:
        if unit.exists():
            yield problem(
                "engine", f"an engine is installed on this host ({unit})", "Take another host"
            )
    final = host.settings["vm"]["name"]
    if stage.runs(final):
        yield problem(
            "vm:name", f"a VM {final} runs on this host", "Find out which engine it belongs to"
        )


def time_zone(host: Host) -> Iterator[Problem]:
    """The time zone data of this host knows vm:time_zone."""
    name = host.settings["vm"]["time_zone"]
    known = zoneinfo.available_timezones()
    if name and known and name not in known:
        yield problem("vm:time_zone", f"{name} isn't known", "Name one such as Europe/Vienna")


ALWAYS: list[Check] = [configuration_is_ours]


def no_additional_host(host: Host) -> Iterator[Problem]:
    """host:joins isn't set: an additional host must not get an engine of its own."""
    if host.settings["host"]["joins"]:
        yield problem(
            "host:joins",
            "this host joins a running engine; here a second one would be deployed",
            "Apply hosted_engine.host in place of hosted_engine",
        )


CHECKS: list[Check] = [
    no_additional_host,
    memory,
    processors,
    virtualisation,
    appliance,
    room,
    another_engine,
    time_zone,
]
