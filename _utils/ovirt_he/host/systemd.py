"""States of systemd's units, read in one place: by its words, since exit codes vary."""

from __future__ import annotations

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command

# All answers that mean: the unit doesn't start by itself.
NOT_ENABLED = {"disabled", "masked", "masked-runtime", "static", "indirect", "not-found", "linked"}


def active_state(unit: str) -> str:
    """active, activating, reloading, deactivating, inactive or failed; "": no such unit."""
    return command.run("systemctl", "is-active", unit, check=False).stdout.strip()


def enabled_state(unit: str) -> str:
    """systemd's word for whether a unit starts by itself, or its complaint."""
    asked = command.run("systemctl", "is-enabled", unit, check=False)
    # Before version 253 a missing unit is reported on stderr only.
    missing = not asked.stdout.strip() and "No such file or directory" in asked.stderr
    return "not-found" if missing else asked.stdout.strip() or asked.stderr.strip()


def is_enabled(unit: str) -> bool:
    """
    Whether a unit starts by itself. Salt's own ``service.enabled`` answers True without systemd.

    Raises CommandExecutionError when that cannot be determined.
    """
    state = enabled_state(unit)
    if state in ("enabled", "enabled-runtime"):
        return True
    if state in NOT_ENABLED:
        return False
    raise CommandExecutionError(
        f"Cannot determine whether {unit} is enabled: systemctl is-enabled answered {state!r}"
    )
