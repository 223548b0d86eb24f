"""What an operator does to HA's storage by hand: refused where it could end in two engines."""

from __future__ import annotations

import hosted_engine_command as command
import hosted_engine_ha_status as ha_status
import hosted_engine_lockspace as _lockspace
import hosted_engine_settings as settings
import hosted_engine_volume as volume
from hosted_engine_wait import wait
from salt.exceptions import CommandExecutionError, SaltInvocationError

COMMAND = "hosted-engine"
STORAGE_SECONDS = 300
# The broker reads the metadata again every few seconds.
SHOWN_SECONDS = 60


def reinitialise_lockspace() -> None:
    """
    Make the lockspace anew, in which sanlock keeps the hosts apart; all its locks are lost.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.reinitialise_lockspace

    Raises CommandExecutionError, and touches nothing, unless HA is in global maintenance, every
    host's agent is stopped, and no host's last word was that the engine's VM is up.
    """
    if problems := _in_use(ha_status.read()):
        raise CommandExecutionError("The lockspace stays as it is: " + "; ".join(problems))
    # Without --force: the command looks once more by itself.
    command.run(
        COMMAND, "--reinitialize-lockspace", timeout=STORAGE_SECONDS,
        advice="Look at: journalctl -u sanlock, /var/log/ovirt-hosted-engine-ha/broker.log",
    )  # fmt: skip
    if (found := __salt__["hosted_engine_ha.lockspace"]()["lockspace"]) != _lockspace.NAME:
        raise CommandExecutionError(f"The lockspace reads back as {found!r}: the storage?")


def _in_use(seen: ha_status.Status) -> list[str]:
    """Why the lockspace must not be made anew, with what to do about each."""
    problems = []
    if not seen["global_maintenance"]:
        problems.append(
            "there's no global maintenance (salt-call hosted_engine_ha.set_maintenance global)"
        )
    for host in seen["hosts"].values():
        name = host["name"]
        if host["alive"]:
            problems.append(f"the agent of {name} runs (systemctl stop ovirt-ha-agent there)")
        # An agent that is stopped says no more: what it said last counts.
        if host["vm"] == "up":
            problems.append(
                f"the engine's VM was up on {name} (hosted-engine --vm-shutdown, before its agent "
                f"is stopped; if {name} is gone for good: "
                f"salt-call hosted_engine_repair.clean_metadata {host['id']})"
            )
    return problems


def clean_metadata(host_id: int) -> None:
    """
    Make HA forget a host that is gone for good, by its id, and prove that it has.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_repair.clean_metadata 2

    Raises CommandExecutionError for a host whose agent reports, for one that HA doesn't know, and
    when it is still known afterwards.
    """
    if isinstance(host_id, bool) or not isinstance(host_id, int) or host_id < 1:
        raise SaltInvocationError(f"host_id: {host_id!r} isn't a number of a host, from 1 on")
    seen = ha_status.read()
    host = ha_status.by_id(seen, host_id)
    if host is None:
        known = ", ".join(f"{h['id']} ({h['name']})" for h in seen["hosts"].values()) or "none"
        raise CommandExecutionError(f"HA knows no host {host_id}. It knows: {known}")
    if host["alive"]:
        raise CommandExecutionError(
            f"{host['name']} (host {host_id}) is alive: its agent would write its metadata again. "
            "Take it out of HA first (the state ovirt_hosted_engine.undeployed), or stop its "
            "ovirt-ha-agent; HA takes it for dead a minute later"
        )
    # Without it only a host that said goodbye is cleaned; the code is 0 either way.
    command.run(
        COMMAND, "--clean-metadata", f"--host-id={host_id}", "--force-clean",
        timeout=STORAGE_SECONDS, advice="Look at: /var/log/ovirt-hosted-engine-ha/agent.log",
    )  # fmt: skip
    wait(
        f"HA to forget host {host_id}",
        lambda: sorted(h["id"] for h in ha_status.read()["hosts"].values()),
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
    ids = __salt__["hosted_engine_config.ids"]()
    storage = settings.merge(__pillar__, __grains__)["storage"]
    missing = [
        name
        for name, where in ids["disks"].items()
        if volume.find(ids["storage_domain"], where["image"], where["volume"], storage) is None
    ]
    if missing:
        raise CommandExecutionError(
            f"The storage is connected, but of its disks {', '.join(missing)} can't be seen: "
            "is it the right export, and is it this deployment's?"
        )
