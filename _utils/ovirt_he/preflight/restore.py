"""What would stop a restore, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from salt.exceptions import CommandExecutionError

from ovirt_he.bootstrap import image, vm
from ovirt_he.guest import backup
from ovirt_he.host import stage
from ovirt_he.preflight.check import Check, Host, Problem, problem

KEY = "restore:backup"


def backup_can_be_restored(host: Host) -> Iterator[Problem]:
    """restore:backup is a complete backup from engine-backup, not newer than the appliance."""
    source = host.settings["restore"]["backup"]
    # Once the guest is set up the backup is in it.
    if not source or vm.is_complete(host.settings):
        return
    try:
        seen = backup.examine(backup.local(source, host.salt))
    except CommandExecutionError as error:
        yield problem(KEY, str(error), "Name a file that engine-backup --mode=backup wrote")
        return
    if backup.release(seen.version) is None:
        yield problem(KEY, f"it says that its version is {seen.version!r}", "Make another backup")
    appliance = "" if host.settings["appliance"]["source"] else image.installed_version()
    if refused := backup.refusal(appliance, seen.version):
        what, advice = refused
        yield problem(KEY, f"the backup {what}", advice)


def no_vm_runs_here(host: Host) -> Iterator[Problem]:
    """No VMs run here: the restored engine regards them as down, and could start them elsewhere."""
    if not host.settings["restore"]["backup"]:
        return
    ours = host.settings["bootstrap"]["name"]
    # libvirt's own process has a .pid there, too, but no definition.
    names = {path.stem for path in stage.RUNNING.glob("*.xml")} - {ours}
    if running := sorted(name for name in names if stage.runs(name)):
        yield problem(
            KEY,
            f"VMs run on this host: {', '.join(running)}. The restored engine takes them for down",
            "Shut them down, or restore on another host",
        )


CHECKS: list[Check] = [backup_can_be_restored, no_vm_runs_here]
