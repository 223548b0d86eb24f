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
    Contents of the files and the archive: ``FILE: KEY`` or ``archive MEMBER: KEY`` → value.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.get

    An archive whose storage isn't connected here has no facts. Nothing is changed.

    Raises CommandExecutionError when one of them can't be read.
    """
    found = _facts(
        conf.HOSTED_ENGINE,
        conf.HOSTED_ENGINE,
        records.read_file(conf.CONFIGURATION),
    )
    if access := _access(conf.CONFIGURATION):
        found[f"{conf.HOSTED_ENGINE}: access"] = access
    found |= _facts(conf.VM, conf.VM, records.read_file(conf.RUN_VM_CONF))
    path = _find(_ids())
    data = volume.read(path, archive.ARCHIVE_BYTES) if path else b""
    for member, text in archive.members(data).items():
        found |= _facts(ARCHIVE + member, member, text)
    return found


def wanted() -> Facts:
    """
    The facts of ``get`` that must hold.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.wanted

    The formula's, and corrected on a deployed host too: the name of the engine, all ids,
    ``host_id``, the location of the storage, and owner and mode of the file. Everything else must
    only exist: its value is the operator's, who may change it by ``hosted-engine
    --set-shared-config``. In the archive, ``host_id`` is that of the host that wrote it.

    Raises NotYet before the engine has made what is configured, CommandExecutionError where the
    file or the archive belong to another deployment.
    """
    ids, deployed = _ids(latest=True), __salt__["hosted_engine.deployed"]()
    path = _find(ids)
    _refuse_foreign_file(ids)
    current = archive.members(_archive(path, ids)) if path else {}
    fresh = _fresh(ids, current)
    found: Facts = {}
    # On a deployed host in maintenance the storage isn't connected: nothing can be compared.
    if path or not deployed:
        for member in conf.MEMBERS:
            lacking = archive.lacking(member, fresh[member], current.get(member))
            found |= _named(ARCHIVE + member, lacking)
    if not deployed:
        # The agent rewrites it, and the broker removes it: it only matters during a deployment.
        found[f"{conf.VM}: vmId"] = ids["vm_id"]
    text = records.read_file(conf.CONFIGURATION)
    host_text = fresh[conf.HOSTED_ENGINE]
    lacking = archive.lacking(conf.HOSTED_ENGINE, host_text, text, shared=False)
    found |= _named(conf.HOSTED_ENGINE, lacking)
    found[f"{conf.HOSTED_ENGINE}: access"] = _shown_access(*OWNER, MODES[conf.HOSTED_ENGINE])
    return found


def ids() -> dict[str, Any]:
    """
    The deployment's ids from this host's hosted-engine.conf, even if the engine is off.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.ids

    Raises NotYet before the file is written.
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

    Raises CommandExecutionError where the file is another deployment's.
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
    Write the configuration archive to its disk, and verify it by reading each member back.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_config.write_archive

    An operator's changes in a member of an existing archive stay.

    Raises CommandExecutionError before the first byte is written when the disk is too small or
    holds something else, or when the archive is too long.
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
            f"{path}: {', '.join(wrong)} read back differently: check the storage"
        )


def _ids(latest: bool = False) -> dict[str, Any]:
    """Cached, so that each state reads the engine and its database only once."""
    cached, ids = __context__.get(IDS, (0.0, None))
    if latest or ids is None or time.monotonic() - cached > IDS_SECONDS:
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
        raise CommandExecutionError(f"{path} isn't overwritten: {reason}. Check what it is")
    return data


def _refuse_foreign_file(ids: dict[str, Any]) -> None:
    values = conf.read()
    for key, expected in (("vmid", ids["vm_id"]), ("sdUUID", ids["storage_domain"])):
        if values.get(key, expected) != expected:
            raise CommandExecutionError(
                f"{conf.CONFIGURATION} belongs to another deployment: its {key} is {values[key]}, "
                f"this engine's is {expected}. If that deployment no longer exists, remove its "
                "rest by salt-call --local state.apply hosted_engine.clean"
            )


def _fresh(ids: dict[str, Any], current: dict[str, str]) -> dict[str, str]:
    """The five texts for an empty archive; an existing version stays."""
    pillar = settings.load(__pillar__, __grains__)
    gateway = routes.default_gateway(pillar)
    if not gateway and not records.read_file(conf.CONFIGURATION):
        raise CommandExecutionError(
            "This host has no default route, so HA has no address to ping: "
            "set hosted_engine:network:gateway"
        )
    texts = {
        conf.HOSTED_ENGINE: conf.hosted_engine_conf(pillar, ids, gateway, _password()),
        conf.VM: conf.vm_conf(pillar, ids),
        conf.BROKER: conf.broker_conf(pillar),
        conf.VERSION: current.get(conf.VERSION) or _version(),
        conf.ANSWERS: fhanswers.text(
            __pillar__["hosted_engine"], ids, conf.connection_uuid(pillar)
        ),
    }
    for key, value in conf.properties(texts[conf.HOSTED_ENGINE]).items():
        if reason := conf.unreadable(value):
            shown = "it holds a character that isn't supported" if key in SECRET else reason
            raise CommandExecutionError(f"{conf.HOSTED_ENGINE}: {key}: {shown}")
    return texts


def _password() -> str:
    """The iSCSI session's, since HA logs in by itself."""
    found = settings.secret(__pillar__, "iscsi_password")
    return found.value if found else ""


def _shown(fact: str, value: str) -> str:
    """A fact's value without secrets: of a password, whether it is the pillar's."""
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
    return {f"{prefix}: {fact}": _shown(fact, value) for fact, value in facts.items()}


def _access(path: Path) -> str | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return _shown_access(found.st_uid, found.st_gid, found.st_mode & 0o7777)


def _shown_access(owner: int, group: int, mode: int) -> str:
    return f"{owner}:{group} {mode:04o}"
