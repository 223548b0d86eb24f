"""Output of lsblk in JSON, parsed in one place: block devices, and the LUNs that they lead to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from salt.exceptions import CommandExecutionError

from ovirt_he.core import command, records

COMMAND = (
    "lsblk", "--json", "--bytes", "--output",
    "NAME,KNAME,TYPE,SIZE,WWN,VENDOR,MODEL,SERIAL,TRAN,FSTYPE,MOUNTPOINT",
)  # fmt: skip
SYSFS = Path("/sys/block")
TRANSPORTS = {"iscsi": "iscsi", "fc": "fc", "fcoe": "fc"}
# udev's mark of a path that multipath takes, whether its map is there yet or not.
PATH_OF_A_MAP = "mpath_member"


class Device(NamedTuple):
    """
    A block device: ``name`` is the kernel's, ``kind`` disk, part, mpath, lvm and so on, ``size``
    in bytes; ``content`` is the file system or other signature on it, ``children`` the devices
    made of it. What lsblk doesn't know is "".
    """

    name: str
    kind: str
    size: int
    wwn: str
    vendor: str
    model: str
    serial: str
    transport: str
    content: str
    mount_point: str
    children: tuple[Device, ...]

    @property
    def multipath_map(self) -> Device | None:
        """What multipath made of this path, if it did."""
        return next((child for child in self.children if child.kind == "mpath"), None)

    @property
    def is_used(self) -> bool:
        """Whether something lies on it or was made of it."""
        content = self.content not in ("", PATH_OF_A_MAP)
        return content or bool(self.mount_point or self.children)

    @property
    def lun(self) -> str:
        """The LUN's id as multipath names it, and so the engine; else the device's own name."""
        uuid = records.read_file(SYSFS / (self.multipath_map or self).name / "dm" / "uuid").strip()
        if uuid.startswith("mpath-"):
            return uuid.removeprefix("mpath-")
        # 3 marks an NAA name, as scsi_id writes it.
        return f"3{self.wwn.removeprefix('0x')}" if self.wwn else self.name


def devices() -> list[Device]:
    """
    All block devices; what was made of others is among their children.

    Raises CommandExecutionError where lsblk is missing, or answers in another form than its JSON.
    """
    output = command.run(*COMMAND, package="util-linux").stdout
    try:
        return [_device(entry) for entry in json.loads(output)["blockdevices"]]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise CommandExecutionError(
            f"lsblk's answer isn't the JSON of block devices ({type(error).__name__}: {error}): "
            f"{output[:200]!r}. Look at: {' '.join(COMMAND)}"
        ) from error


def _device(entry: dict[str, Any]) -> Device:
    return Device(
        name=_text(entry, "kname"),
        kind=_text(entry, "type"),
        size=int(entry.get("size") or 0),
        wwn=_text(entry, "wwn"),
        vendor=_text(entry, "vendor"),
        model=_text(entry, "model"),
        serial=_text(entry, "serial"),
        transport=_text(entry, "tran"),
        content=_text(entry, "fstype"),
        mount_point=_text(entry, "mountpoint"),
        children=tuple(map(_device, entry.get("children") or [])),
    )


def _text(entry: dict[str, Any], field: str) -> str:
    value = entry.get(field)
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise TypeError(f"{field} is {value!r:.80}")
    return (value or "").strip()


def luns() -> list[dict[str, Any]]:
    """
    LUNs that the host has as devices: ``id``, ``type``, ``size`` (bytes), ``status``, ``vendor``,
    ``product``, ``serial``, ``paths``. Those of a target appear once somebody logged in to it.

    Raises CommandExecutionError as ``devices``.
    """
    found: dict[str, dict[str, Any]] = {}
    paths = [device for device in devices() if device.transport in TRANSPORTS]
    # A path whose map isn't there, or not yet, is one to the same LUN as the others.
    mapped = {path.wwn: path.lun for path in paths if path.wwn and path.multipath_map}
    for path in paths:
        identifier = mapped.get(path.wwn) or path.lun
        lun = found.setdefault(identifier, {"id": identifier, "paths": 0, "status": "free"})
        # What lies on a LUN shows at the map, if there is one.
        used = (path.multipath_map or path).is_used or lun["status"] == "used"
        lun |= {
            "type": TRANSPORTS[path.transport],
            "size": path.size,
            "status": "used" if used else "free",
            "vendor": path.vendor,
            "product": path.model,
            "serial": path.serial or None,
            "paths": lun["paths"] + 1,
        }
    return list(found.values())
