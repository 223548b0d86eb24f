"""The configuration that the HA agent and broker read: on this host, and in the archive on disk."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from ovirt_he.core import records
from ovirt_he.core.errors import NotYet
from ovirt_he.core.state import Facts
from ovirt_he.ha import archive, conf, fhanswers
from ovirt_he.host import routes, volume
from ovirt_he.pillar import settings
from salt.exceptions import CommandExecutionError

OWNER = (archive.VDSM, archive.KVM)
MODES = {conf.HOSTED_ENGINE: 0o440, conf.VM: 0o640}
ARCHIVE = "archive "  # prefix of a member's facts
SECRET = {"password"}  # keys that are never shown
DISK_BYTES = 1024**3
IDS, IDS_SECONDS = "hosted_engine_config.ids", 60


def get() -> Facts:
    """
    What the files and the archive hold: ``FILE: KEY`` or ``archive MEMBER: KEY`` → value.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.get

    An archive whose storage isn't connected here has no facts. Nothing is changed.

    Raises CommandExecutionError when something is there and can't be read.
    """
    seen = _facts(
        conf.HOSTED_ENGINE,
        conf.HOSTED_ENGINE,
        records.read_file(conf.CONFIGURATION),
    )
    if access := _access(conf.CONFIGURATION):
        seen[f"{conf.HOSTED_ENGINE}: access"] = access
    seen |= _facts(conf.VM, conf.VM, records.read_file(conf.RUN_VM_CONF))
    path = _find(_ids())
    data = volume.read(path, archive.ARCHIVE_BYTES) if path else b""
    for member, text in archive.members(data).items():
        seen |= _facts(ARCHIVE + member, member, text)
    return seen


def wanted() -> Facts:
    """
    The facts that must hold, of those that ``get`` shows.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.wanted

    Ours, and so corrected on a deployed host too: the name of the engine, all ids, ``host_id``, the
    location of the storage, and owner and mode of the file. Everything else must only be there: its
    value is the operator's, who may change it by ``hosted-engine --set-shared-config``. In the
    archive ``host_id`` is that of whichever host wrote it.

    Raises NotYet before the engine made what is configured, CommandExecutionError where the file
    or the archive belong to another deployment.
    """
    ids, deployed = _ids(latest=True), __salt__["hosted_engine.deployed"]()
    path = _find(ids)
    _refuse_foreign_file(ids)
    current = archive.members(_archive(path, ids)) if path else {}
    fresh = _fresh(ids, current)
    found: Facts = {}
    # A deployed host in maintenance has no storage connected: nothing to compare, nothing to write.
    if path or not deployed:
        for member in conf.MEMBERS:
            lacking = archive.lacking(member, fresh[member], current.get(member))
            found |= _named(ARCHIVE + member, lacking)
    if not deployed:
        # The agent rewrites it, and it goes with the broker: it matters only during a deployment.
        found[f"{conf.VM}: vmId"] = ids["vm_id"]
    text = records.read_file(conf.CONFIGURATION)
    own = fresh[conf.HOSTED_ENGINE]
    lacking = archive.lacking(conf.HOSTED_ENGINE, own, text, shared=False)
    found |= _named(conf.HOSTED_ENGINE, lacking)
    found[f"{conf.HOSTED_ENGINE}: access"] = _shown_access(*OWNER, MODES[conf.HOSTED_ENGINE])
    return found


def ids() -> dict[str, Any]:
    """
    The deployment's ids as hosted-engine.conf on this host names them: the engine may be off.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.ids

    Raises NotYet where there is no such file yet.
    """
    values = conf.read()
    if not values.get("vmid"):
        raise NotYet(f"{conf.CONFIGURATION} isn't written yet: hosted_engine.handover does")
    return conf.ids(values)


def write_file(name: str) -> None:
    """
    Write ``hosted-engine.conf``, or ``vm.conf`` below /run, with its owner and mode.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.write_file hosted-engine.conf

    Keys that an operator changed or added to hosted-engine.conf stay.

    Raises CommandExecutionError where another deployment's file is there.
    """
    path = {
        conf.HOSTED_ENGINE: conf.CONFIGURATION,
        conf.VM: conf.RUN_VM_CONF,
    }[name]
    ids = _ids()
    _refuse_foreign_file(ids)
    current = records.read_file(conf.CONFIGURATION) if path == conf.CONFIGURATION else ""
    text = archive.updated(name, _fresh(ids, {})[name], current, shared=False)
    if path == conf.RUN_VM_CONF:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        os.chown(path.parent, *OWNER)
    records.write_file(path, text, mode=MODES[name], owner=OWNER)


def write_archive() -> None:
    """
    Write the configuration archive to its disk, and prove it by reading each member back.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.write_archive

    What an operator changed in a member of an archive that is there stays.

    Raises CommandExecutionError before the first byte is written when the disk is too small or
    holds something that isn't ours, or when the archive is too long.
    """
    ids = _ids()
    where = ids["disks"]["configuration"]
    path = Path(
        __salt__["vdsm.prepare_image"](ids["storage_domain"], where["image"], where["volume"])
    )
    if (length := volume.size(path)) < DISK_BYTES:
        raise CommandExecutionError(
            f"{path} has {length} bytes: a configuration disk has {DISK_BYTES}. Not written to"
        )
    current = archive.members(_archive(path, ids))
    fresh = _fresh(ids, current)
    members = {name: archive.updated(name, fresh[name], current.get(name)) for name in conf.MEMBERS}
    volume.write(path, archive.build(members))
    back = archive.members(volume.read(path, archive.ARCHIVE_BYTES))
    if wrong := [name for name in conf.MEMBERS if back.get(name) != members[name]]:
        raise CommandExecutionError(
            f"{path}: {', '.join(wrong)} read back other than written: look at the storage"
        )


def _ids(latest: bool = False) -> dict[str, Any]:
    """The engine and its database are asked once by a state, not by each of its verbs again."""
    asked, ids = __context__.get(IDS, (0.0, None))
    if latest or ids is None or time.monotonic() - asked > IDS_SECONDS:
        ids = dict(__salt__["hosted_engine_deployment.ids"]())
        __context__[IDS] = (time.monotonic(), ids)
    return dict(ids)


def _find(ids: dict[str, Any]) -> Path | None:
    where = ids["disks"]["configuration"]
    storage = settings.merge(__pillar__, __grains__)["storage"]
    return volume.find(ids["storage_domain"], where["image"], where["volume"], storage)


def _archive(path: Path, ids: dict[str, Any]) -> bytes:
    data = volume.read(path, archive.ARCHIVE_BYTES)
    if reason := archive.foreign(data, ids):
        raise CommandExecutionError(f"{path} isn't ours to write: {reason}. Look at it first")
    return data


def _refuse_foreign_file(ids: dict[str, Any]) -> None:
    values = conf.read()
    for key, wanted_ in (("vmid", ids["vm_id"]), ("sdUUID", ids["storage_domain"])):
        if values.get(key, wanted_) != wanted_:
            raise CommandExecutionError(
                f"{conf.CONFIGURATION} belongs to another deployment: its {key} is {values[key]}, "
                f"this engine's is {wanted_}. If that deployment is gone, remove what is left of "
                "it by salt-call --local state.apply hosted_engine.clean"
            )


def _fresh(ids: dict[str, Any], current: dict[str, str]) -> dict[str, str]:
    """The five texts as they are written where nothing is there; a version that is there stays."""
    known = settings.load(__pillar__, __grains__)
    gateway = routes.default_gateway(known)
    if not gateway and not records.read_file(conf.CONFIGURATION):
        raise CommandExecutionError(
            "This host has no default route, so what HA should ping isn't known: "
            "set hosted_engine:network:gateway"
        )
    texts = {
        conf.HOSTED_ENGINE: conf.hosted_engine_conf(known, ids, gateway, _password()),
        conf.VM: conf.vm_conf(known, ids),
        conf.BROKER: conf.broker_conf(known),
        conf.VERSION: current.get(conf.VERSION) or _version(),
        conf.ANSWERS: fhanswers.text(__pillar__["hosted_engine"], ids, conf.connection_uuid(known)),
    }
    for key, value in conf.properties(texts[conf.HOSTED_ENGINE]).items():
        if reason := conf.unreadable(value):
            shown = "a character of it can't be carried" if key in SECRET else reason
            raise CommandExecutionError(f"{conf.HOSTED_ENGINE}: {key}: {shown}")
    return texts


def _password() -> str:
    """The iSCSI session's: HA logs in by itself."""
    found = settings.secret(__pillar__, "iscsi_password")
    return found.value if found else ""


def _told(fact: str, value: str) -> str:
    """A fact's value as it may be shown: of a password only whether it is the pillar's."""
    if fact not in SECRET or not value:
        return value
    return "as in the pillar" if value == _password() else "another one"


def _version() -> str:
    """Upstream's part of the version: no epoch, no release."""
    installed = str(__salt__["pkg.version"]("ovirt-hosted-engine-ha") or "")
    if not installed:
        raise NotYet("ovirt-hosted-engine-ha isn't installed yet: hosted_engine.appliance does")
    return re.sub(r"^\d+:", "", installed).split("-")[0] + "\n"


def _facts(prefix: str, name: str, text: str) -> Facts:
    return _named(prefix, archive.facts(name, text))


def _named(prefix: str, facts: dict[str, str]) -> Facts:
    return {f"{prefix}: {fact}": _told(fact, value) for fact, value in facts.items()}


def _access(path: Path) -> str | None:
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return _shown_access(seen.st_uid, seen.st_gid, seen.st_mode & 0o7777)


def _shown_access(owner: int, group: int, mode: int) -> str:
    return f"{owner}:{group} {mode:04o}"
