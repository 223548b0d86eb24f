"""Takes a failed or unwanted deployment down, as far as it is this deployment's own."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import hosted_engine_archive as archive
import hosted_engine_authorized_keys as authorized_keys
import hosted_engine_command as command
import hosted_engine_config_files as files
import hosted_engine_ha_status as ha_status
import hosted_engine_hypervisor as hypervisor
import hosted_engine_record as record
import hosted_engine_settings as settings
import hosted_engine_stage as progress
import hosted_engine_storage as kinds
import hosted_engine_volume as volume
from salt.exceptions import CommandExecutionError

log = logging.getLogger(__name__)

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NETWORKS = Path("/etc/libvirt/qemu/networks")


def refusal() -> str | None:
    """
    Why this host's deployment isn't taken down; None: nothing speaks against it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.refusal
    """
    known = settings.merge(__pillar__, __grains__)
    fqdn = known["engine"]["fqdn"]
    configured = archive.properties(_configuration()).get("fqdn")
    if configured not in (None, fqdn):
        return (
            f"{files.CONFIGURATION} belongs to the engine {configured}, the pillar is about {fqdn}"
        )
    if known["clean"] == fqdn or not _finished():
        return None
    return (
        f"this host runs the deployed engine {fqdn}. To take it down for good, with its disk: "
        f"set the pillar key hosted_engine:clean to {fqdn}, or give it on the command line: "
        f"pillar='{{hosted_engine: {{clean: {fqdn}}}}}' beside the rest of the pillar"
    )


def in_libvirt() -> bool:
    """
    Whether libvirt knows anything of the bootstrap: told by files, on a bare host too.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.in_libvirt
    """
    bootstrap = settings.merge(__pillar__, __grains__)["bootstrap"]
    network = NETWORKS / f"{bootstrap['network']}.xml"
    return progress.vm_state(bootstrap["name"]) is not None or network.exists()


def engine_vm() -> str | None:
    """
    ``running``, ``defined`` or None: the engine's VM in its final place, on this host.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.engine_vm
    """
    return progress.vm_state(settings.merge(__pillar__, __grains__)["vm"]["name"])


def stop_engine_vm() -> None:
    """
    Throw the engine's VM on this host away: its disk goes with the storage.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.stop_engine_vm

    Raises CommandExecutionError where a deployed engine may not be taken down.
    """
    _refuse()
    known = settings.load(__pillar__, __grains__)
    with hypervisor.libvirt(known) as connection:
        domain = connection.lookupByName(known["vm"]["name"])
        persistent = domain.isPersistent()
        if domain.isActive():
            domain.destroy()
        if persistent:
            domain.undefineFlags(hypervisor.library().VIR_DOMAIN_UNDEFINE_NVRAM)


def unrecorded() -> str | None:
    """
    The storage domain that the bootstrap VM's engine made and no record tells of; None: none.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.unrecorded

    A run may be killed before it writes down what the engine made. What no engine answers for any
    more is not guessed at.
    """
    known = settings.merge(__pillar__, __grains__)
    if not progress.runs(known["bootstrap"]["name"]):
        return None
    try:
        domain = __salt__["ovirt_storage_domain.get"](known["storage"]["name"])
    except CommandExecutionError as error:
        log.warning("What the engine made can't be asked: %s", error)
        return None
    recorded = (record.read("deployment") or {}).get("made")
    return str(domain["id"]) if domain and domain["id"] != recorded else None


def record_storage() -> None:
    """
    Record the storage domain that the bootstrap VM's engine made.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.record_storage
    """
    if made := unrecorded():
        record.write("deployment", (record.read("deployment") or {}) | {"made": made})


def key() -> str | None:
    """
    The engine's key that this deployment authorised for root, while it still is; None: it isn't.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.key
    """
    recorded = (record.read("deployment") or {}).get("key")
    return recorded if recorded and authorized_keys.holds(recorded) else None


def remove_key() -> None:
    """
    Take the engine's key out of root's authorized_keys.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.remove_key
    """
    _refuse()
    if there := key():
        authorized_keys.remove(there)


def storage() -> dict[str, Any] | None:
    """
    The storage domain that this deployment made, by its record; None: nothing of it is left.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.storage

    ``path`` is None where its storage isn't connected.
    """
    made = (record.read("deployment") or {}).get("made")
    if made is None:
        return None
    mount = _mount()
    if mount is None:
        return {"storage_domain": made, "path": None}
    path = mount / made
    return {"storage_domain": made, "path": str(path)} if path.exists() else None


def remove_storage() -> None:
    """
    Remove what this deployment wrote to the storage: its domain's directory, nothing beside it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_clean.remove_storage

    It's done on the host, not by the engine: an engine doesn't let go of its only data domain.

    Raises CommandExecutionError where that isn't certainly ours, where the storage isn't connected,
    or where it is a LUN, with what to do.
    """
    _refuse()
    known = settings.load(__pillar__, __grains__)
    if any(map(progress.runs, (known["vm"]["name"], known["bootstrap"]["name"]))):
        raise CommandExecutionError("The engine's VM still runs: its storage isn't removed")
    if kinds.is_block(known["storage"]["type"]):
        return _refuse_lun(known)
    if _mount() is None and _configuration():
        command.run("hosted-engine", "--connect-storage", timeout=known["timeouts"]["command"])
    found = storage()
    if found is None:
        return
    where, made = kinds.server_path(known["storage"]), found["storage_domain"]
    if found["path"] is None:
        raise CommandExecutionError(
            f"{where} isn't mounted here: remove the directory {made} from it by hand, and "
            f"{record.DIRECTORY / 'deployment.json'}"
        )
    path = Path(found["path"])
    named = archive.properties(record.read_file(path / "dom_md" / "metadata")).get("SDUUID", made)
    if named != made or not UUID.fullmatch(made):
        raise CommandExecutionError(
            f"{path} says that it is the storage domain {named}, not {made}: not removed"
        )
    if others := _others(path):
        raise CommandExecutionError(
            f"The storage domain {made} also holds disks of others: {', '.join(others)}. Move or "
            "remove them in the engine first"
        )
    # So that it isn't the pool's manager any more: it would miss its leases.
    command.run("systemctl", "try-restart", "vdsmd", timeout=known["timeouts"]["command"])
    command.run(*volume.AS_VDSM, "rm", "-rf", "--", str(path), timeout=known["timeouts"]["storage"])


def _refuse_lun(known: dict[str, Any]) -> None:
    """A LUN isn't wiped from here: other hosts may use its volume group, and no file tells."""
    if (found := storage()) is None:
        return
    made = found["storage_domain"]
    raise CommandExecutionError(
        f"The LUN ({kinds.where(known['storage'])}) still holds the storage domain {made}, and "
        "nothing here formats a LUN. If nobody needs it: vdsm-client StorageDomain format "
        f"storagedomainID={made} autoDetach=true on a host that sees it, or make the LUN anew on "
        f"the storage. Then remove {record.DIRECTORY / 'deployment.json'} and apply this again"
    )


def _others(domain: Path) -> list[str]:
    """Images that neither this deployment nor the engine's own bookkeeping put there."""
    if not _configuration():
        # Before its end, nobody but the deployment could have put one there.
        return []
    disks = __salt__["hosted_engine_config.ids"]()["disks"].values()
    ours = {disk["image"] for disk in disks}
    images = [path for path in domain.glob("images/*") if path.name not in ours]
    return sorted(
        image.name
        for image in images
        if not any("OVF_STORE" in record.read_file(meta) for meta in image.glob("*.meta"))
    )


def _finished() -> bool:
    """Whether an engine is there that somebody may need: healthy once or now, or another tool's."""
    if (record.read("deployment") or {}).get("healthy"):
        return True
    if not __salt__["hosted_engine.deployed"]():
        return False
    if record.read("setup") is None:
        return True
    # Past the point of no return, and never recorded as healthy: failed, unless a host says else.
    try:
        return ha_status.claims_health(ha_status.read())
    except CommandExecutionError:
        return True


def _refuse() -> None:
    if reason := refusal():
        raise CommandExecutionError(f"Not taken down: {reason}")


def _configuration() -> str:
    return record.read_file(files.CONFIGURATION)


def _mount() -> Path | None:
    """Where vdsm mounts our storage; None: not mounted, whatever directory is there, or a LUN."""
    name = kinds.mount_point(settings.merge(__pillar__, __grains__)["storage"])
    path = volume.MOUNTS / name if name else None
    return path if path and path.is_mount() else None
