"""A backup of an engine: copied to the guest, which restores it; fencing is delayed meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

from ovirt_he.core.errors import NotYet
from ovirt_he.guest import backup, channel, files, restore_script
from ovirt_he.host import identity
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar.settings import Settings, load
from salt.exceptions import CommandExecutionError

PROGRAM = "/usr/bin/engine-backup"
# 1: test's "no", or no such file for sha256sum.
EITHER = (0, 1)


def get() -> dict[str, str]:
    """
    ``backup``: sent (with the right checksum, or restored already), absent, or another one.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_restore.get

    Raises NotYet while the bootstrap VM doesn't run or boots, CommandExecutionError where its
    engine was set up without the backup.
    """
    gate = __salt__["hosted_engine_gate.get"]()["gate"]
    if gate == "open":
        if _look("test", "-e", files.RESTORE, codes=EITHER).returncode:
            raise CommandExecutionError(
                "restore:backup: the bootstrap VM's engine was set up without a backup. Start "
                "again: salt-call --local state.apply hosted_engine.clean"
            )
        return {"backup": "sent"}
    if gate != "waiting":
        raise NotYet(f"The guest isn't waiting for its setup yet: {gate}")
    checksum = _look("sha256sum", files.BACKUP, codes=EITHER)
    if checksum.returncode or _look("test", "-e", files.RESTORE, codes=EITHER).returncode:
        return {"backup": "absent"}
    found = checksum.stdout.partition(" ")[0]
    return {"backup": "sent" if found == backup.sha256(_file()) else f"another: {found}"}


def send() -> None:
    """
    Copy the backup, and the script that restores it, to the guest.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_restore.send

    Raises CommandExecutionError, before anything is copied, when the appliance's engine-backup
    would refuse the backup: an older engine, also within one release, or a backup that is too old.
    """
    refuse_if_deployed(__salt__, "Copying a backup")
    settings, path = _settings(), _file()
    of_backup = backup.examine(path).version
    version = _look("sed", "-n", 's/^PACKAGE_VERSION="\\(.*\\)"$/\\1/p', PROGRAM)
    if refused := backup.refusal(version.stdout.strip(), of_backup):
        raise CommandExecutionError(f"restore:backup: {path} {'. '.join(refused)}")
    text = restore_script.text(
        settings["host"]["name"],
        identity.unique_id(),
        settings["storage"]["name"],
        time.strftime("%Y%m%d%H%M%S", time.gmtime()),
    )
    folder, target = files.FOLDER, files.BACKUP
    with path.open("rb") as file:
        write = f"umask 077; mkdir -p {folder} && cat > {target} && sync"
        _channel().run("sh", "-c", write, timeout=settings["timeouts"]["restore"], stdin=file)
    _channel().write_file(files.RESTORE, text)


def fencing() -> dict[str, str]:
    """
    How long after its start the engine fences no host, in seconds: ``now``, and ``before`` (the
    backup's value, which the restore saved).

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_restore.fencing

    Raises NotYet before the guest's setup is complete, and while the bootstrap VM is off.
    """
    if __salt__["hosted_engine_guest.get"]()["setup"] != "complete":
        raise NotYet("The backup isn't restored yet: hosted_engine.bootstrap does")
    rows = __salt__["hosted_engine_guest.sql"](restore_script.GET)
    return {
        "now": rows[0][0] if rows else "",
        "before": __salt__["hosted_engine_guest.file"](restore_script.FENCING).strip(),
    }


def restore_fencing() -> None:
    """
    Set the backup's value again; the engine reads it when it starts on shared storage.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_restore.restore_fencing
    """
    refuse_if_deployed(__salt__, "Restoring fencing")
    before = fencing()["before"]
    if not before.isdigit():
        raise CommandExecutionError(
            f"{restore_script.FENCING} in the guest holds {before!r} instead of a number of seconds"
        )
    __salt__["hosted_engine_guest.sql"](restore_script.SET.replace("@VALUE@", before))


def _settings() -> Settings:
    return load(__pillar__, __grains__)


def _file() -> Path:
    return backup.local(_settings()["restore"]["backup"], __salt__)


def _channel() -> channel.Channel:
    return channel.of(_settings(), __salt__)


def _look(*argv: str, codes: tuple[int, ...] = (0,)) -> channel.Completed:
    """The checksum of a large backup may take as long as its restore."""
    return _channel().look(*argv, codes=codes, timeout=_settings()["timeouts"]["restore"])
