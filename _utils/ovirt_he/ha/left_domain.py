"""What is left on the storage of the domain that this deployment made, and whether it may go."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NoReturn

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records
from ovirt_he.ha import conf, own_domain
from ovirt_he.host import iscsi, storage_probe, volume
from ovirt_he.pillar import storage as kinds

log = logging.getLogger(__name__)

MOUNTED = Path("/proc/self/mounts")
RECORD = "/var/lib/hosted-engine/deployment.json"


def found(known: own_domain.Own) -> dict[str, Any] | None:
    """
    As ``hosted_engine_clean.storage`` tells it: looked for where it was made; None: nothing.

    Raises CommandExecutionError where an export can't be looked at.
    """
    left = {"storage_domain": known.id, "storage": kinds.where(known.storage), "path": None}
    if kinds.is_block(known.storage["type"]):
        return None if _is_free(known.storage) else left
    if known.id and (point := mount(known.storage)):
        path = point / known.id
        return left | {"path": str(path)} if volume.exists(path) else None
    seen = storage_probe.inspect(known.storage)
    if not seen["looked"] or seen["domains"] is None:
        return left
    there = {domain["id"] for domain in seen["domains"]}
    return left if (known.id in there if known.id else there) else None


def mount(storage: kinds.Storage) -> Path | None:
    """Where vdsm mounts it; None: not mounted, whatever directory is there."""
    path = volume.MOUNTS / str(kinds.mount_point(storage))
    # Not by a look at the path: a dead server would keep that waiting.
    mounted = (line.split()[1] for line in records.read_file(MOUNTED).splitlines())
    return path if str(path) in mounted else None


def images(domain: Path) -> dict[str, str]:
    """A domain's images by their ids, and what their volumes' metadata says of them."""
    folder = domain / "images"
    if not volume.exists(folder):
        return {}
    listed = _as_vdsm("find", str(folder), "-mindepth", "1", "-maxdepth", "1", "-printf", "%f\\n")
    found = dict.fromkeys(listed.splitlines(), "")
    for line in _as_vdsm("grep", "-rH", "", "--include=*.meta", str(folder)).splitlines():
        name, _, text = line.removeprefix(f"{folder}/").partition(".meta:")
        found[name.partition("/")[0]] += f"{text}\n"
    return found


def check(path: Path, known: own_domain.Own) -> None:
    """Raise unless a directory is certainly the domain that this deployment made."""
    named = conf.properties(_read(path / "dom_md" / "metadata")).get("SDUUID", known.id)
    if named != known.id:
        raise CommandExecutionError(
            f"{path} says that it is the storage domain {named}, not {known.id}: not removed"
        )


def refuse_unknown(known: own_domain.Own) -> NoReturn:
    """What lies on an export that was empty before a run was interrupted may be anybody's."""
    raise CommandExecutionError(
        f"{kinds.where(known.storage)} was empty before a run was interrupted while it made a "
        "storage domain there. What lies there now may be that one or somebody else's: remove its "
        f"directory if nobody needs it, then {RECORD}, and apply this again"
    )


def refuse_lun(known: own_domain.Own) -> NoReturn:
    """A LUN isn't wiped from here: other hosts may use its volume group, and no file tells."""
    what = f"the storage domain {known.id}" if known.id else "a storage domain, or somebody's data"
    raise CommandExecutionError(
        f"The LUN ({kinds.where(known.storage)}) still holds {what}, as far as this host sees, and "
        "nothing here formats a LUN. If nobody needs it: vdsm-client StorageDomain format "
        f"storagedomainID={known.id or 'ID'} autoDetach=true on a host that sees it, or make the "
        f"LUN anew on the storage. Where this host can't see that it's free, remove {RECORD} then. "
        "Apply this again"
    )


def _is_free(storage: kinds.Storage) -> bool:
    """Whether this host sees the LUN, and nothing on it."""
    try:
        seen = iscsi.devices()
    except CommandExecutionError as error:
        log.warning("LUNs can't be looked at: %s", error)
        return False
    return any(lun["id"] == storage["lun"] and lun["status"] == "free" for lun in seen)


def _read(path: Path) -> str:
    return _as_vdsm("cat", str(path)) if volume.exists(path) else ""


def _as_vdsm(*asked: str) -> str:
    """Root may be nobody there; and for no longer than storage that answers takes."""
    # grep: 1 where it found nothing.
    codes = (0, 1) if asked[0] == "grep" else (0,)
    return command.run(*volume.AS_VDSM, *asked, timeout=volume.ASK_SECONDS, codes=codes).stdout
