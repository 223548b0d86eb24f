"""A look at the hosted engine's storage from this host, before an engine uses it."""

from __future__ import annotations

from typing import Any

from ovirt_he.host import storage_probe
from ovirt_he.pillar import settings, storage
from ovirt_he.preflight import registry
from salt.exceptions import SaltInvocationError


def inspect() -> dict[str, Any]:
    """
    Mount the pillar's storage (nfs, glusterfs) for a moment, as vdsm would, and look at it.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_probe.inspect

    It's mounted in namespaces of the look's own: other mounts, vdsm's among them, aren't touched,
    and it ends with the look. A file ``.hosted-engine-probe-UUID`` is written as vdsm (36:36) and
    removed again; where the server hangs meanwhile it may stay, and counts as nothing.

    ``storage``: what was looked at. ``looked``: False where it can't be looked at from this host
    yet, such as without nfs-utils; ``why_not`` is the reason, and nothing else is returned.
    ``domains``: the storage domains there: ``id``, ``name``, ``pool`` (the data center's id), and
    ``problem``: why its metadata can't be read. ``others``: what else there is, without hidden
    entries and what file systems keep for themselves. Both are None where vdsm can't list it.
    ``writable``: whether vdsm can make and write a file; None where that isn't tried, since a
    storage domain lies there. ``block_size`` (bytes): the smallest that direct I/O takes, 0 for
    none; ``write_problem``: why not. ``qemu_problem``: why QEMU's user can't read the directory;
    empty if it can. ``free`` and ``size``: bytes.

    Raises CommandExecutionError with the mount's own reason, and when there is no answer within
    90 s; SaltInvocationError for storage that is no mount.
    """
    place = settings.merge(__pillar__, __grains__)["storage"]
    if place["type"] not in storage.MOUNT:
        raise SaltInvocationError(
            f"storage:type {place['type']} has no export: hosted_engine.storage_devices shows "
            "its LUNs"
        )
    return storage_probe.inspect(place)


def examine() -> dict[str, Any]:
    """
    What is wrong with the pillar's storage, of whatever type, as this host sees it: ``problems``
    (key, problem, advice, check), those that are ``ignored`` because ``preflight:ignore`` names
    their check, and ``notes``: what couldn't be looked at from here, and why.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_storage_probe.examine

    Preflight's checks of the storage, alone. An export is mounted for a moment; targets are asked
    for, and not logged in to.
    """
    host = registry.Host(settings.merge(__pillar__, __grains__), __grains__, __salt__, __pillar__)
    found, ignored = registry.examine(registry.OF_STORAGE, host)
    return {"problems": found, "ignored": ignored, "notes": host.notes}
