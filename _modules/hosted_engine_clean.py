"""Removes a failed or unwanted deployment, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovirt_he.core import command, records
from ovirt_he.ha import conf, left_domain, own_domain, status
from ovirt_he.host import authorized_keys, hypervisor, stage, volume
from ovirt_he.pillar import settings
from ovirt_he.pillar.storage import server_path
from salt.exceptions import CommandExecutionError, CommandNotFoundError

NETWORKS = Path("/etc/libvirt/qemu/networks")


def refusal() -> str | None:
    """
    Why the deployment of this host must not be removed; None: it may be.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.refusal
    """
    pillar = settings.merge(__pillar__, __grains__)
    fqdn = pillar["engine"]["fqdn"]
    configured = conf.read().get("fqdn")
    if configured not in (None, fqdn):
        return f"{conf.CONFIGURATION} belongs to the engine {configured}, the pillar names {fqdn}"
    if pillar["host"]["joins"]:
        return (
            "it joined a running engine, whose storage isn't this host's: remove it from HA by the "
            "state ovirt_hosted_engine.undeployed"
        )
    if pillar["clean"] == fqdn or not _finished():
        return None
    return (
        f"this host runs the deployed engine {fqdn}. To remove it for good, with its disk: "
        f"set the pillar key hosted_engine:clean to {fqdn}, or give it on the command line: "
        f"pillar='{{hosted_engine: {{clean: {fqdn}}}}}' beside the rest of the pillar"
    )


def in_libvirt() -> bool:
    """
    Whether libvirt has the bootstrap VM or its network; read from files, so on a bare host as well.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.in_libvirt
    """
    bootstrap = settings.merge(__pillar__, __grains__)["bootstrap"]
    network = NETWORKS / f"{bootstrap['network']}.xml"
    return stage.vm_state(bootstrap["name"]) is not None or network.exists()


def engine_vm() -> str | None:
    """
    ``running``, ``defined`` or None: the engine's VM on shared storage, on this host.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.engine_vm
    """
    return stage.vm_state(settings.merge(__pillar__, __grains__)["vm"]["name"])


def stop_engine_vm() -> None:
    """
    Remove the engine's VM from this host; its disk is removed with the storage.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.stop_engine_vm

    Raises CommandExecutionError where a deployed engine must not be removed.
    """
    _refuse()
    pillar = settings.load(__pillar__, __grains__)
    with hypervisor.libvirt(pillar) as connection:
        domain = connection.lookupByName(pillar["vm"]["name"])
        persistent = domain.isPersistent()
        if domain.isActive():
            domain.destroy()
        if persistent:
            domain.undefineFlags(hypervisor.library().VIR_DOMAIN_UNDEFINE_NVRAM)


def unrecorded() -> str | None:
    """
    The storage domain that the engine made for an interrupted run, which didn't record it; None:
    there is none.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.unrecorded

    Only the bootstrap VM's engine knows its id. Where it doesn't answer and something may lie on
    the storage, this raises CommandExecutionError: the VM is removed next.
    """
    pillar = settings.merge(__pillar__, __grains__)
    if not own_domain.is_pending() or not stage.runs(pillar["bootstrap"]["name"]):
        return None
    try:
        domain = __salt__["ovirt_storage_domain.get"](pillar["storage"]["name"])
    except CommandExecutionError as error:
        if storage() is None:
            return None
        raise CommandExecutionError(
            f"The engine can't be asked which storage domain it made: {error}\nApply this again "
            f"when it answers, or look at the storage yourself and remove {left_domain.RECORD}"
        ) from error
    return str(domain["id"]) if domain else None


def record_storage() -> None:
    """
    Record the storage domain that the bootstrap VM's engine made.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.record_storage

    Raises CommandExecutionError where it may belong to another deployment.
    """
    if unrecorded():
        name = settings.merge(__pillar__, __grains__)["storage"]["name"]
        __salt__["hosted_engine_storage_domain.record"](name)


def key() -> str | None:
    """
    The engine's key that this deployment authorised for root; None: it isn't authorised.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.key
    """
    recorded = (records.read("deployment") or {}).get("key")
    return recorded if recorded and authorized_keys.holds(recorded) else None


def remove_key() -> None:
    """
    Remove the engine's key from root's authorized_keys.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.remove_key
    """
    _refuse()
    if authorized := key():
        authorized_keys.remove(authorized)


def storage() -> dict[str, Any] | None:
    """
    What is left of the storage domain that this deployment made; None: nothing.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.storage

    It is identified by the record, or by this engine's hosted-engine.conf, and looked for where it
    was made, whatever the pillar names now. ``storage_domain``: its id, empty where a run was
    interrupted before recording it. ``path`` is None where its storage isn't connected: then the
    export is mounted temporarily, and the LUN examined.

    Raises CommandExecutionError where an export can't be looked at.
    """
    known = own_domain.known(settings.merge(__pillar__, __grains__))
    return left_domain.found(known) if known else None


def remove_storage() -> None:
    """
    Remove this deployment's storage domain: its directory, and nothing else on the export.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.remove_storage

    The host removes it, since an engine doesn't release its only data domain.

    Raises CommandExecutionError where it isn't certainly this deployment's, where the storage can't
    be connected, or where it is a LUN, with what to do.
    """
    _refuse()
    pillar = settings.load(__pillar__, __grains__)
    if any(map(stage.runs, (pillar["vm"]["name"], pillar["bootstrap"]["name"]))):
        raise CommandExecutionError("The engine's VM still runs: its storage isn't removed")
    known, found = own_domain.known(pillar), storage()
    if known is None or found is None:
        return
    left_domain.refuse_unremovable(known)
    path = Path(found["path"] or _connected(known))
    left_domain.check(path, known, conf.ids(conf.read()) if conf.is_written() else None)
    # Ends vdsm's role as storage pool manager, which needs the domain's leases.
    command.run("systemctl", "try-restart", "vdsmd", timeout=pillar["timeouts"]["command"])
    argv = (*volume.AS_VDSM, "rm", "-rf", "--", str(path))
    command.run(*argv, timeout=pillar["timeouts"]["storage"])


def _connected(known: own_domain.Own) -> Path:
    """The domain's directory, once vdsm has connected its storage."""
    reason = ""
    try:
        __salt__["vdsm.connect_storage"](known.storage)
    except (CommandExecutionError, CommandNotFoundError) as error:
        reason = f" ({error})"
    mount = left_domain.mount(known.storage)
    if mount is None:
        raise CommandExecutionError(
            f"{server_path(known.storage)} isn't mounted here{reason}: remove the directory "
            f"{known.id} from it by hand, and {left_domain.RECORD}"
        )
    return mount / known.id


def _finished() -> bool:
    """Whether there is an engine in use: healthy at some time, or deployed by another tool."""
    if (records.read("deployment") or {}).get("healthy"):
        return True
    if not __salt__["hosted_engine.deployed"]():
        return False
    if records.read("setup") is None:
        return True
    # Past the point of no return, never recorded as healthy: failed, unless a host reports health.
    try:
        return status.claims_health(status.read())
    except CommandExecutionError:
        return True


def _refuse() -> None:
    if reason := refusal():
        raise CommandExecutionError(f"Not removed: {reason}")
