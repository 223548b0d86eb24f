"""What an operator does to HA's storage by hand: refused where it could end in two engines."""

from __future__ import annotations

from collections.abc import Collection

from ovirt_he.core import command
from ovirt_he.core.wait import wait_for
from ovirt_he.ha import sanlock, status
from salt.exceptions import CommandExecutionError, SaltInvocationError

COMMAND = "hosted-engine"
STORAGE_SECONDS = 300
# The broker reads the metadata again every few seconds.
SHOWN_SECONDS = 60


def reinitialise_lockspace() -> None:
    """
    Write the lockspace again, in which sanlock keeps the hosts apart; all its locks are lost.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.reinitialise_lockspace

    Raises CommandExecutionError, and touches nothing, unless HA is in global maintenance, every
    host's agent was stopped (one that crashed: ``clean_metadata`` first), and no host
    reported last that the engine's VM is up. Watches the hosts' timestamps for a minute.
    """
    if problems := _in_use(*status.living()):
        raise CommandExecutionError("The lockspace stays as it is: " + "; ".join(problems))
    # Without --force: the command looks once more by itself.
    done = command.run(COMMAND, "--reinitialize-lockspace", timeout=STORAGE_SECONDS, codes=(0, 1))
    if done.returncode:
        # A refusal is the last line of a traceback.
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise CommandExecutionError(
            f"{COMMAND} --reinitialize-lockspace: {reason}. Look at: "
            "/var/log/ovirt-hosted-engine-ha/broker.log, journalctl -u sanlock"
        )
    if (found := __salt__["hosted_engine_ha.lockspace"]()["lockspace"]) != sanlock.LOCKSPACE:
        raise CommandExecutionError(f"The lockspace reads back as {found!r}: check the storage")


def _in_use(seen: status.Status, living: Collection[int] = ()) -> list[str]:
    """Why the lockspace must not be made anew, with what to do about each."""
    problems = []
    if not seen["global_maintenance"]:
        problems.append(
            "there's no global maintenance (salt-call hosted_engine_ha.set_maintenance global)"
        )
    for number, host in seen["hosts"].items():
        who = f"{host['name']} (host {number})"
        if host["alive"] or number in living:
            problems.append(f"the agent of {who} runs (systemctl stop ovirt-ha-agent there)")
        elif not host["stopped"]:
            # The command refuses it too: it looks at nothing but the flag.
            problems.append(
                f"the agent of {who} ended without reporting that. If that host is off: "
                f"salt-call hosted_engine_repair.clean_metadata {number}"
            )
        # What a stopped agent reported last counts. With ``unknown`` its vdsm didn't know: the VM
        # may be up.
        if host["vm"] in ("up", "unknown"):
            verb = "was" if host["vm"] == "up" else "may be"
            problems.append(
                f"the engine's VM {verb} up on {who} (hosted-engine --vm-shutdown, before its "
                "agent is stopped; if that host is gone for good: "
                f"salt-call hosted_engine_repair.clean_metadata {number})"
            )
    return problems


def clean_metadata(host_id: int) -> None:
    """
    Make HA forget a host that is gone for good, by its id, and prove that it has.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.clean_metadata 2

    Raises CommandExecutionError for a host whose agent reports (its timestamp moves within a
    minute), for one that HA doesn't know, and when it is still known afterwards.
    """
    if isinstance(host_id, bool) or not isinstance(host_id, int) or host_id < 1:
        raise SaltInvocationError(f"host_id: {host_id!r} isn't a number of a host, from 1 on")
    seen, living = status.living({host_id})
    host = status.by_id(seen, host_id)
    if host is None:
        known = ", ".join(f"{n} ({h['name']})" for n, h in seen["hosts"].items()) or "none"
        raise CommandExecutionError(f"HA knows no host {host_id}. It knows: {known}")
    if host_id in living:
        raise CommandExecutionError(
            f"{host['name']} (host {host_id}) is alive: its agent would write its metadata again. "
            "Take it out of HA first (the state ovirt_hosted_engine.undeployed), or stop its "
            "ovirt-ha-agent; a minute later HA takes it for dead"
        )
    # Without it only a host that reported its stop is cleaned; the exit code is 0 in both cases.
    command.run(
        COMMAND, "--clean-metadata", f"--host-id={host_id}", "--force-cleanup",
        timeout=STORAGE_SECONDS, advice="Look at: /var/log/ovirt-hosted-engine-ha/agent.log",
    )  # fmt: skip
    wait_for(
        f"HA to forget host {host_id}",
        lambda: sorted(status.read()["hosts"]),
        lambda known: host_id not in known,
        timeout=SHOWN_SECONDS,
    )


def connect_storage() -> None:
    """
    Connect the hosted engine's storage to this host, and see that its four disks are there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.connect_storage

    HA does so by itself when it starts. Raises CommandExecutionError when the storage refuses, and
    with the disks that aren't seen afterwards.
    """
    command.run(
        COMMAND, "--connect-storage", timeout=STORAGE_SECONDS,
        advice="Look at: systemctl status vdsmd, /var/log/vdsm/vdsm.log",
    )  # fmt: skip
    missing = []
    ids = __salt__["hosted_engine_config.ids"]()
    for name, where in ids["disks"].items():
        try:
            # On a LUN a volume is seen only once it's prepared, and the command prepares none.
            __salt__["vdsm.prepare_image"](ids["storage_domain"], where["image"], where["volume"])
        except CommandExecutionError as error:
            missing.append(f"{name} ({error})")
    if missing:
        raise CommandExecutionError(
            f"The storage is connected, but not all of its disks are there: {', '.join(missing)}. "
            "Is it the right storage, and is it this deployment's?"
        )
