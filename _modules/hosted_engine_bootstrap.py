"""The VM in which the engine is set up before it moves to the shared storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import vm, vm_files
from ovirt_he.core import command, records
from ovirt_he.core.wait import wait_for
from ovirt_he.host import hypervisor
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar.settings import Settings, load
from salt.exceptions import CommandExecutionError

SELINUX = Path("/sys/fs/selinux/enforce")


def get(name: str) -> dict[str, Any] | None:
    """
    The bootstrap VM: its ``disk``, whether it is ``defined``, its ``state``; None: nothing there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.get HostedEngineLocal

    ``disk``: trusted, absent, or why it isn't trusted. Trusted are a disk whose setup was seen
    complete, and one that is based on the image, the seed and the definition of now and has run
    without a break since its first start. ``setup``: complete or open.
    """
    settings = _settings()
    with hypervisor.libvirt(settings, read_only=True) as connection:
        domain = _domain(connection, name)
        state = None if domain is None else hypervisor.state(domain)
        disk = vm.disk_state(connection, settings, state)
    if domain is None and disk == "absent":
        return None
    return {
        "disk": disk,
        "defined": domain is not None,
        "state": state,
        "setup": "complete" if vm.is_complete(settings) else "open",
    }


def state(name: str) -> str | None:
    """
    libvirt's word for the VM's state: running, shutoff, …; None: not defined.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.state HostedEngineLocal
    """
    with hypervisor.libvirt(_settings(), read_only=True) as connection:
        domain = _domain(connection, name)
        return None if domain is None else hypervisor.state(domain)


def make_overlay(name: str) -> None:
    """
    Make a fresh disk for the VM ``name``: an overlay on the appliance's checked image.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.make_overlay HostedEngineLocal

    Raises CommandExecutionError when a disk is there, and on a deployed host.
    """
    refuse_if_deployed(__salt__, f"Making a disk for {name}")
    settings = _settings()
    files = vm_files.of(settings)
    if files.disk.exists():
        raise CommandExecutionError(f"{files.disk} is there: hosted_engine_bootstrap.rebuild")
    records.write_file(files.console, "")
    if SELINUX.exists():
        # virtlogd writes it, and only what is labelled as a log of libvirt's.
        command.run("chcon", "-t", "virt_log_t", str(files.console), codes=(0, 1))
    # Of a disk that is gone: the new one may get its inode, and would pass for it.
    for of_the_disk in ("setup", "bootstrap", "hooks-guest"):
        records.remove(of_the_disk)
    create = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b")
    command.run(*create, str(files.appliance), str(files.disk))
    files.disk.chmod(0o600)
    with hypervisor.libvirt(settings) as connection:
        records.write(
            "bootstrap", vm.origin(connection, settings) | {"started": False, "failed": ""}
        )


def define(name: str) -> None:
    """
    Define the VM ``name`` in libvirt.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.define HostedEngineLocal

    Raises CommandExecutionError where the CPU can't virtualise and ``host:emulation`` is off.
    """
    refuse_if_deployed(__salt__, f"Defining {name}")
    settings = _settings()
    with hypervisor.libvirt(settings) as connection:
        connection.defineXML(vm.definition(connection, settings))


def start(name: str) -> None:
    """
    Start the VM ``name``, or resume it if it is paused.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.start HostedEngineLocal
    """
    refuse_if_deployed(__salt__, f"Starting {name}")
    settings = _settings()
    with hypervisor.libvirt(settings) as connection:
        domain = _there(connection, name)
        if hypervisor.state(domain) == "paused":
            domain.resume()
            return
        if not vm.is_complete(settings):
            # Recorded beforehand: an interrupted start never leads to a second one.
            records.update("bootstrap", started=True)
        domain.create()


def rebuild(name: str) -> None:
    """
    Remove the VM ``name`` and its disk, whose setup isn't known to be complete; image and seed
    stay.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.rebuild HostedEngineLocal

    Raises CommandExecutionError when its setup was seen complete, and on a deployed host.
    """
    refuse_if_deployed(__salt__, f"Rebuilding {name}")
    settings = _settings()
    if vm.is_complete(settings):
        raise CommandExecutionError(f"{name} is set up: it is shut down, never discarded")
    with hypervisor.libvirt(settings) as connection:
        domain = _domain(connection, name)
        if domain is not None:
            _drop(domain)
    vm_files.of(settings).disk.unlink(missing_ok=True)
    records.remove("bootstrap")


def fail(reason: str) -> None:
    """
    Remember that the guest's setup failed, so that the next run rebuilds the VM.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.fail 'engine-setup failed'
    """
    records.update("bootstrap", failed=reason)


def shut_down(name: str) -> None:
    """
    Press the VM's power button and wait until it is off.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.shut_down HostedEngineLocal

    Raises CommandExecutionError when it isn't off within ``timeouts:shutdown`` seconds, with its
    console's last lines: it is never powered off, since its disk is about to be copied.
    """
    settings = _settings()
    with hypervisor.libvirt(settings) as connection:
        _there(connection, name).shutdownFlags(hypervisor.SHUTDOWN_ACPI)
        wait_for(
            f"{name} to shut down (look at it with virsh console {name}, and shut it down there)",
            lambda: hypervisor.state(_there(connection, name)),
            lambda seen: seen == "shutoff",
            timeout=settings["timeouts"]["shutdown"],
            explain=__salt__["hosted_engine_guest.console"],
        )


def undefine(name: str) -> None:
    """
    Forget the VM ``name``, with its firmware's variables; if it still runs, it is powered off.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.undefine HostedEngineLocal
    """
    with hypervisor.libvirt(_settings()) as connection:
        _drop(_there(connection, name))


def left(name: str) -> dict[str, Any] | None:
    """
    Our files that are left in ``bootstrap:directory``, which is ``name``; None: it's gone.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.left /var/lib/hosted-engine/bootstrap

    Raises CommandExecutionError for another directory.
    """
    directory = _directory(name)
    if not directory.exists():
        return None
    return {"files": [path.name for path in vm_files.Layout(directory).ours()]}


def clear(name: str) -> None:
    """
    Remove ``bootstrap:directory``, which is ``name``, and our files in it: some hold secrets.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_bootstrap.clear /var/lib/hosted-engine/bootstrap

    Raises CommandExecutionError for another directory, and when something else lies there: that
    isn't ours to remove.
    """
    directory = _directory(name)
    for path in vm_files.Layout(directory).ours():
        path.unlink()
    for made in ("bootstrap", "appliance"):
        records.remove(made)
    try:
        directory.rmdir()
    except OSError as error:
        held = ", ".join(sorted(path.name for path in directory.iterdir()))
        raise CommandExecutionError(
            f"{name} can't be removed: {error}. Left in it, and not ours: {held or 'nothing'}"
        ) from error


def _settings() -> Settings:
    return load(__pillar__, __grains__)


def _directory(name: str) -> Path:
    """Files of our names may lie in any directory, such as root's .ssh."""
    ours = vm_files.of(_settings()).directory
    if Path(name) != ours:
        raise CommandExecutionError(f"{name} isn't bootstrap:directory, which is {ours}")
    return ours


def _domain(connection: Any, name: str) -> Any | None:
    return hypervisor.domain(connection, name, _settings()["bootstrap"]["uuid"])


def _there(connection: Any, name: str) -> Any:
    domain = _domain(connection, name)
    if domain is None:
        raise CommandExecutionError(f"libvirt has no VM {name}: hosted_engine_bootstrap.define")
    return domain


def _drop(domain: Any) -> None:
    if domain.isActive():
        domain.destroy()
    domain.undefineFlags(hypervisor.UNDEFINE_NVRAM)
