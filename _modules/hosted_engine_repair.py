"""An operator's repairs of HA's storage: refused where two engines could result."""

from __future__ import annotations

from collections.abc import Collection

from ovirt_he.core import command
from ovirt_he.core.wait import wait_for
from ovirt_he.ha import sanlock, status
from salt.exceptions import CommandExecutionError, SaltInvocationError

COMMAND = "hosted-engine"
STORAGE_SECONDS = 300
# The broker rereads the metadata every few seconds.
SHOWN_SECONDS = 60


def reinitialise_lockspace() -> None:
    """
    Write the lockspace again, in which sanlock gives each host an id; all its locks are lost.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.reinitialise_lockspace

    Raises CommandExecutionError, and changes nothing, unless HA is in global maintenance, every
    host's agent was stopped (one that crashed: ``clean_metadata`` first), and no host's
    last report was that the engine's VM is up. Watches the hosts' timestamps for a minute.
    """
    if problems := _in_use(*status.living()):
        raise CommandExecutionError("The lockspace stays as it is: " + "; ".join(problems))
    # Without --force: the command checks as well.
    done = command.run(COMMAND, "--reinitialize-lockspace", timeout=STORAGE_SECONDS, codes=(0, 1))
    if done.returncode:
        # A refusal is the last line of a traceback.
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise CommandExecutionError(
            f"{COMMAND} --reinitialize-lockspace: {reason}. See: "
            "/var/log/ovirt-hosted-engine-ha/broker.log, journalctl -u sanlock"
        )
    if (found := __salt__["hosted_engine_ha.lockspace"]()["lockspace"]) != sanlock.LOCKSPACE:
        raise CommandExecutionError(f"The lockspace reads back as {found!r}: check the storage")


def _in_use(now: status.Status, living: Collection[int] = ()) -> list[str]:
    """Why the lockspace must not be written again, with what to do about each."""
    problems = []
    if not now["global_maintenance"]:
        problems.append(
            "there's no global maintenance (salt-call hosted_engine_ha.set_maintenance global)"
        )
    for number, host in now["hosts"].items():
        who = f"{host['name']} (host {number})"
        if host["alive"] or number in living:
            problems.append(f"the agent of {who} runs (systemctl stop ovirt-ha-agent there)")
        elif not host["stopped"]:
            # The command refuses it too: it only checks the flag.
            problems.append(
                f"the agent of {who} ended without reporting that. If that host is off: "
                f"salt-call hosted_engine_repair.clean_metadata {number}"
            )
        # A stopped agent's last report counts. ``unknown``: vdsm didn't answer, the VM may be up.
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
    Make HA forget a host that no longer exists, by its id, and verify that it has.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.clean_metadata 2

    Raises CommandExecutionError for a host whose agent reports (its timestamp changes within a
    minute), for one that HA doesn't have, and when HA still has it afterwards.
    """
    if isinstance(host_id, bool) or not isinstance(host_id, int) or host_id < 1:
        raise SaltInvocationError(f"host_id: {host_id!r} isn't a host id: a number from 1 on")
    now, living = status.living({host_id})
    host = status.by_id(now, host_id)
    if host is None:
        hosts = ", ".join(f"{n} ({h['name']})" for n, h in now["hosts"].items()) or "none"
        raise CommandExecutionError(f"HA has no host {host_id}. It has: {hosts}")
    if host_id in living:
        raise CommandExecutionError(
            f"{host['name']} (host {host_id}) is alive: its agent would write its metadata again. "
            "Remove it from HA first (the state ovirt_hosted_engine.undeployed), or stop its "
            "ovirt-ha-agent; a minute later HA considers it dead"
        )
    # Without it only a host that reported its stop is cleaned; the exit code is 0 in both cases.
    command.run(
        COMMAND, "--clean-metadata", f"--host-id={host_id}", "--force-cleanup",
        timeout=STORAGE_SECONDS, advice="Look at: /var/log/ovirt-hosted-engine-ha/agent.log",
    )  # fmt: skip
    wait_for(
        f"HA to forget host {host_id}",
        lambda: sorted(status.read()["hosts"]),
        lambda hosts: host_id not in hosts,
        timeout=SHOWN_SECONDS,
    )


def connect_storage() -> None:
    """
    Connect the hosted engine's storage to this host, and check that its four disks are there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.connect_storage

    HA does this when it starts. Raises CommandExecutionError when the storage refuses, and
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
            # On a LUN a volume only appears once it is prepared, which the command doesn't do.
            __salt__["vdsm.prepare_image"](ids["storage_domain"], where["image"], where["volume"])
        except CommandExecutionError as error:
            missing.append(f"{name} ({error})")
    if missing:
        raise CommandExecutionError(
            f"The storage is connected, but not all of its disks are there: {', '.join(missing)}. "
            "Is it the right storage, and is it this deployment's?"
        )
