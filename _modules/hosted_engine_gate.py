"""The gate before engine-setup in the guest: closed until hooks have run and a backup is copied."""

from __future__ import annotations

from ovirt_he.core.wait import last_seen, wait_for
from ovirt_he.guest import channel, files
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar import settings

# While it waits, the unit is activating: cloud-init has finished everything else by then.
OPEN, WAITING = 0, 1
# One connection polls for a while, since a login costs a booting guest more than a poll. Rounds are
# counted, since the guest's clock may be set back; in a slow guest the clock ends them.
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
UNFINISHED = "unknown: cloud-init hasn't finished"
SSH_SECONDS = 120


def get() -> dict[str, str]:
    """
    ``gate``: open, waiting (engine-setup would begin at once), or why it can't be determined yet.

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
    # The marker was checked just now: only a single lost answer is retried.
    patience = _channel().patience
    return {"gate": last_seen(lambda: _poll(0), _answered, timeout=patience)}


def wait() -> None:
    """
    Wait until the guest has reached the gate.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_gate.wait

    Raises CommandExecutionError after ``timeouts:boot`` seconds, and as soon as the VM is off, with
    the last lines of the console.
    """
    name = _settings()["bootstrap"]["name"]

    def look() -> str:
        state = __salt__["hosted_engine_bootstrap.state"](name)
        return _poll(LOOK_SECONDS) if state == "running" else f"the VM is {state or 'not defined'}"

    wait_for(
        f"{name} to wait for its setup",
        look,
        lambda gate: gate in ("waiting", "open"),
        timeout=_settings()["timeouts"]["boot"],
        failed=lambda gate: gate if gate.startswith("the VM") else None,
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


def _poll(seconds: int) -> str:
    guest = _channel()
    if not guest.listens():
        return "unknown: the guest's ssh doesn't answer"
    argv = ("sh", "-c", LOOK, "look", str(seconds))
    result = guest.look(*argv, timeout=SSH_SECONDS, check=False, patience=0)
    gates = {OPEN: "open", WAITING: "waiting", 2: UNFINISHED}
    return gates.get(result.returncode, f"unknown: {result.stderr.strip()}")


def _answered(gate: str) -> bool:
    return gate == UNFINISHED or not gate.startswith("unknown")


def _settings() -> settings.Settings:
    return settings.load(__pillar__, __grains__)


def _channel() -> channel.Channel:
    return channel.of(_settings(), __salt__)
