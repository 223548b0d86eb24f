"""The gate before engine-setup in the guest: closed until hooks and a backup are through."""

from __future__ import annotations

from ovirt_he.core.wait import last_seen, wait_for
from ovirt_he.guest import channel, files
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar import settings

# The unit is activating while it waits: by then cloud-init is through with all else.
OPEN, WAITING = 0, 1
# One connection looks for a while: signing in costs a guest that boots more than looking. Rounds
# are counted, since the guest's clock may be set back; in a slow guest the clock ends them.
LOOK = f"""left=$1 end=$(($(date +%s) + $1))
while :; do
    [ -e {files.GATE} ] && exit {OPEN}
    unit=$(systemctl show -p ActiveState --value {files.SETUP_UNIT})
    [ "$unit" = activating ] && exit {WAITING}
    [ "$left" -gt 0 ] && [ "$(date +%s)" -lt "$end" ] || exit 2
    sleep 1
    left=$((left - 1))
done
"""
LOOK_SECONDS = 30
NOT_THROUGH = "unknown: cloud-init isn't through"
SSH_SECONDS = 120


def get() -> dict[str, str]:
    """
    ``gate``: open, waiting (engine-setup would begin at once), or why it can't be told yet.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_gate.get

    Raises NotYet while the bootstrap VM doesn't run.
    """
    setup = __salt__["hosted_engine_guest.get"]()["setup"]
    if setup in ("done", "complete"):
        return {"gate": "open"}
    if setup != "open":
        return {"gate": setup}
    # The marker was just looked for: what is asked again is a single answer that got lost.
    patience = _channel().patience
    return {"gate": last_seen(lambda: _seen(0), _answered, timeout=patience)}


def wait() -> None:
    """
    Wait until the guest waits at the gate.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_gate.wait

    Raises CommandExecutionError after ``timeouts:boot`` seconds, and as soon as the VM is off, with
    the last lines of the console.
    """
    name = _settings()["bootstrap"]["name"]

    def look() -> str:
        seen = __salt__["hosted_engine_bootstrap.state"](name)
        return _seen(LOOK_SECONDS) if seen == "running" else f"the VM is {seen or 'not defined'}"

    wait_for(
        f"{name} to wait for its setup",
        look,
        lambda seen: seen in ("waiting", "open"),
        timeout=_settings()["timeouts"]["boot"],
        failed=lambda seen: seen if seen.startswith("the VM") else None,
        explain=lambda: f"Last on its console:\n{__salt__['hosted_engine_guest.console']()}",
    )


def release() -> None:
    """
    Open the gate: engine-setup, or the restore before it, begins.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_gate.release
    """
    refuse_if_deployed(__salt__, "Opening the gate before engine-setup")
    opened = f"mkdir -p {files.FOLDER} && : > {files.GATE}"
    _channel().run("sh", "-c", opened, timeout=SSH_SECONDS)


def _seen(seconds: int) -> str:
    guest = _channel()
    if not guest.listens():
        return "unknown: the guest's ssh doesn't answer"
    asked = ("sh", "-c", LOOK, "look", str(seconds))
    seen = guest.look(*asked, timeout=SSH_SECONDS, check=False, patience=0)
    said = {OPEN: "open", WAITING: "waiting", 2: NOT_THROUGH}
    return said.get(seen.returncode, f"unknown: {seen.stderr.strip()}")


def _answered(seen: str) -> bool:
    return seen == NOT_THROUGH or not seen.startswith("unknown")


def _settings() -> settings.Settings:
    return settings.load(__pillar__, __grains__)


def _channel() -> channel.Channel:
    return channel.of(_settings(), __salt__)
