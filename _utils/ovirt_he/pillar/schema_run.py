"""Groups of the schema about the run itself: mail, timeouts, checks, hooks, restore."""

from __future__ import annotations

from ovirt_he.pillar import schema_types
from ovirt_he.pillar.schema_types import flag, group, number, text, texts

NOTIFICATION = group(
    "Mail about state transitions of HA.",
    smtp_server=text(
        "Mail server.", "localhost", pattern=r"^\S+$", named="NOTIF/smtpServer he_smtp_server"
    ),
    smtp_port=number(
        "Port of the mail server.", 25, maximum=65535, named="NOTIF/smtpPort he_smtp_port"
    ),
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
        "Regular expression of the transitions that are reported by mail.",
        "maintenance|start|stop|migrate|up|down",
    ),
)

TIMEOUTS = group(
    "Timeouts, in seconds.",
    renamed={"gap": "outage", "notice": "down_detection"},
    command=number("A command of HA or the package manager, or a command in the guest.", 120),
    boot=number("Boot of a VM until ssh answers.", 600),
    setup=number("engine-setup.", 3600),
    engine=number("The engine's health page answers after a start.", 600),
    host=number("The host is up in the engine.", 1800),
    storage=number("The storage domain is active and its disks exist.", 900),
    ovf=number("The definition of the engine VM is on shared storage.", 600),
    shutdown=number("Shutdown of the bootstrap VM.", 300),
    copy=number("Copy of the engine disk to shared storage.", 3600),
    ha=number("HA reports a healthy engine.", 1200),
    request=number("A single request to the engine's API, which may wait for a host.", 300),
    outage=number("Tolerated outage of the engine's API while it installs this host.", 120),
    down_detection=number("The engine notices that the bootstrap VM is off.", 60),
    hook=number("A command or script of a hook in the guest.", 3600),
    restore=number("Restore of a backup by engine-backup.", 3600),
)

PREFLIGHT = group(
    "Checks that run before anything is changed.",
    ignore=texts(
        "Names of checks whose problems are only reported, as docs/preflight.md lists them.",
        pattern=r"^[a-z0-9_]+$",
    ),
)

HOOKS = group(
    "Each item runs once per deployment; a failed item stops the run. host_…: SLS, applied on the "
    "host. guest_…: commands, or scripts (salt://), run as root in the guest.",
    guest_before_setup=texts(
        "Before engine-setup; with a restore, before the restore.", pattern=schema_types.LINE
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
    "Deployment from a backup of an engine.",
    backup=text(
        "Backup file from engine-backup: a path on the host, or salt://. Empty: a new engine.",
        named="CORE/restoreFromFile he_restore_from_file",
    ),
    renew_pki=flag(
        "Renew the certificates of the engine.",
        named="CORE/renewPKIonRestore he_pki_renew_on_restore",
    ),
)
