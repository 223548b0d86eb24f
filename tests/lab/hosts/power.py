"""Switch hosts on and off: each is a systemd-nspawn container with a systemd of its own."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from . import identity, network, root, storage
from .host import Host
from .run import LabError, run, unmount_below, until
from .settings import BRIDGE, CHECKOUT, host_names

BOOT_SECONDS = 90
STOP_SECONDS = 30
# Checked once systemd says that all is up; libvirt's socket is what starts libvirtd.
SERVICES = ["libvirtd.socket", "ssh.service", "firewalld.service", "systemd-networkd.service"]


def existing() -> list[Host]:
    """The hosts that have been made, on or off."""
    return [host for host in map(Host, host_names()) if made(host)]


def start(host: Host) -> None:
    """Switch a host on, with the disk as it is; a new host gets an empty one."""
    if host.leader():
        return
    _kill(host)
    _mount(host)
    network.forget_port(host.name)
    for group in host.cgroups:
        group.mkdir(parents=True, exist_ok=True)
    # Joined before nspawn starts, so that a power cut finds all of it.
    join = 'for group; do [ "$group" = -- ] && break; echo $$ > "$group/cgroup.procs"; shift; done'
    script = f'{join}; shift; exec "$@"'
    argv = ["sh", "-euc", script, "sh", *map(str, host.cgroups), "--", *network.INSIDE]
    with (host.folder / "console.log").open("w") as console:
        subprocess.Popen(
            [*argv, *_nspawn(host)],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )


def _nspawn(host: Host) -> list[str]:
    network_options = [f"--network-bridge={BRIDGE}", "--resolv-conf=off"]
    quiet = ["--register=no", "--keep-unit", "--console=pipe", "--link-journal=no", "--quiet"]
    who = [f"--machine={host.name}", f"--hostname={host.fqdn}"]
    disk = ["--boot", f"--directory={host.root}", "--timezone=off", "--capability=all"]
    return ["systemd-nspawn", *disk, *who, *network_options, *quiet, *_binds(host)]


def _binds(host: Host) -> list[str]:
    # FUSE for Gluster; a machine without it has a lab all the same.
    devices = ["/dev/net/tun", *filter(os.path.exists, ["/dev/fuse"])]
    # Without virtualisation /dev/kvm may exist, but libvirt would believe in it.
    if {"vmx", "svm"} & set(Path("/proc/cpuinfo").read_text().split()):
        devices.append("/dev/kvm")
    shared = {
        CHECKOUT: "/srv/formula",
        _kept(host, "wheelhouse", root.wheelhouse): "/srv/wheelhouse",
        _kept(host, "repository", root.repository): "/srv/repository",
    }
    exports = [f"--bind={source}:{target}" for source, target in storage.binds().items()]
    read_only = [f"--bind-ro={source}:{target}" for source, target in shared.items()]
    return [*(f"--bind={device}" for device in devices), *exports, *read_only]


def _kept(host: Host, what: str, build: Callable[[], Path]) -> Path:
    """What the host saw first: a rebooted machine has no other packages than before."""
    link = host.folder / what
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(build())
    return link.resolve()


def made(host: Host) -> bool:
    """Whether the host has a disk."""
    return (host.folder / "layers").exists()


def _mount(host: Host) -> None:
    """Mount a host's disk: its own layer over the roots that it was made from."""
    layers, new = host.folder / "layers", not made(host)
    if new:
        unmount_below(host.folder)
        for name in ("disk", "work", "root"):
            run(["rm", "-rf", "--one-file-system", host.folder / name])
            (host.folder / name).mkdir(parents=True)
    if not os.path.ismount(host.root):
        lower = ":".join(map(str, root.layers())) if new else layers.read_text()
        disk = f"upperdir={host.folder}/disk,workdir={host.folder}/work"
        options = f"lowerdir={lower},{disk}"
        run(["mount", "-t", "overlay", f"lab-{host.name}", "-o", options, host.root])
        if new:
            identity.write(host)
            # Last: from here on the disk is the host's, and is never made anew.
            layers.write_text(lower)


def wait(host: Host) -> None:
    """Wait until a host has booted and its services run. Raises LabError with what it saw last."""
    seen = "nothing"

    def booted() -> bool:
        nonlocal seen
        try:
            seen = host.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        except LabError:
            return False
        return seen in ("running", "degraded")

    if not until(booted, BOOT_SECONDS):
        console = (host.folder / "console.log").read_text()[-2000:]
        raise LabError(f"{host.name} didn't boot: systemd said {seen!r}; its console:\n{console}")
    states = host.run(["systemctl", "is-active", *SERVICES], check=False).stdout.split()
    if set(states) != {"active"}:
        failed = host.run(["systemctl", "--failed", "--no-legend", "--plain"], check=False).stdout
        raise LabError(f"{host.name}: {dict(zip(SERVICES, states, strict=False))}\n{failed}")


def stop(hosts: list[Host]) -> None:
    """Shut hosts down in order; one that doesn't come down in time is switched off."""
    for host in hosts:
        if host.leader():
            host.run(["systemctl", "--no-block", "poweroff"], check=False)
    until(lambda: not any(host.processes() for host in hosts), STOP_SECONDS)
    for host in hosts:
        crash(host)


def crash(host: Host) -> None:
    """Cut a host's power: everything in it dies at once, its guests too."""
    _kill(host)
    if not until(lambda: not host.processes(), STOP_SECONDS):
        raise LabError(f"{host.name}: processes {host.processes()} survive SIGKILL")


def _kill(host: Host) -> None:
    switch = host.cgroups[0] / "cgroup.kill"
    if switch.exists():
        switch.write_text("1")


def destroy(host: Host) -> None:
    """Remove a host and its disk. Safe to run again after a kill."""
    crash(host)
    unmount_below(host.folder)
    (host.folder / "layers").unlink(missing_ok=True)
    run(["rm", "-rf", "--one-file-system", host.folder])
    # The kernel lets go of a big guest's memory after its process is gone from every list.
    if not until(lambda: all(_removed(top) for top in host.cgroups), STOP_SECONDS):
        raise LabError(f"{host.name}: the kernel still holds {host.cgroups}")


def _removed(top: Path) -> bool:
    try:
        for group, _, _ in os.walk(top, topdown=False):
            Path(group).rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
