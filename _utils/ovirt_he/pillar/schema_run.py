"""The schema's groups about how a run proceeds: mail, timeouts, checks, hooks."""

from __future__ import annotations

from ovirt_he.pillar import schema_types
from ovirt_he.pillar.schema_types import flag, group, number, text, texts

NOTIFICATION = group(
    "Mail about changes of HA's state.",
    smtp_server=text(
        "Mail server.", "localhost", pattern=r"^\S+$", named="NOTIF/smtpServer he_smtp_server"
    ),
    smtp_port=number("Its port.", 25, maximum=65535, named="NOTIF/smtpPort he_smtp_port"),
    source=text(
        "Sender.", "root@localhost", pattern=r"^\S+@\S+$", named="NOTIF/sourceEmail he_source_email"
    ),
    destinations=texts(
        "Recipients.",
        ["root@localhost"],
        pattern=r"^[^\s,]+@[^\s,]+$",
        named="NOTIF/destEmail he_dest_email",
    ),
    state_transition=text(
        "Regular expression of the transitions that are mailed.",
        "maintenance|start|stop|migrate|up|down",
    ),
)

TIMEOUTS = group(
    "Longest waits, in seconds.",
    renamed={"gap": "outage", "notice": "down_detection"},
    command=number("A command of HA or of the package manager, or one in the guest.", 120),
    boot=number("Start of a VM until ssh answers.", 600),
    setup=number("engine-setup.", 3600),
    engine=number("The engine's answer on its health page after a start.", 600),
    host=number("Host up in the engine.", 1800),
    storage=number("Storage domain active, disks there.", 900),
    ovf=number("The VM's definition on the storage.", 600),
    shutdown=number("Orderly shutdown of the bootstrap VM.", 300),
    copy=number("Copy of the disk.", 3600),
    ha=number("HA reports a healthy engine.", 1200),
    request=number("An answer of the engine's API, which may wait for a host.", 300),
    outage=number("Outage of the engine's API while it installs this host.", 120),
    down_detection=number("The engine detects that the bootstrap VM is off.", 60),
    hook=number("A command or script of a hook in the guest.", 3600),
    restore=number("Restore of a backup by engine-backup.", 3600),
)

PREFLIGHT = group(
    "Checks before anything is changed.",
    ignore=texts(
        "Names of checks whose problems are only reported, as docs/preflight.md lists them.",
        pattern=r"^[a-z0-9_]+$",
    ),
)

HOOKS = group(
    "Each item runs once per deployment; one that fails stops it. host_…: SLS, applied on the "
    "host. guest_…: commands, or scripts (salt://), run by root in the guest.",
    guest_before_setup=texts(
        "Before engine-setup; with a restore, before that.", pattern=schema_types.LINE
    ),
    guest_after_setup=texts("After engine-setup.", pattern=schema_types.LINE),
    guest_after_host=texts("After the host was added to the engine.", pattern=schema_types.LINE),
    host_before_setup=texts("Before engine-setup.", pattern=schema_types.SLS),
    host_after_setup=texts("After engine-setup.", pattern=schema_types.SLS),
    host_after_host=texts("After the host was added to the engine.", pattern=schema_types.SLS),
    host_after_deployment=texts(
        "Once the engine is healthy on shared storage.", pattern=schema_types.SLS
    ),
)

RESTORE = group(
    "A deployment from a backup of an engine.",
    backup=text(
        "File of engine-backup: a path on the host, or salt://. Empty: a new engine.",
        named="CORE/restoreFromFile he_restore_from_file",
    ),
    renew_pki=flag(
        "Renew the engine's certificates.", named="CORE/renewPKIonRestore he_pki_renew_on_restore"
    ),
)
