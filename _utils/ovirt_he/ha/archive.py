"""The configuration archive: built, taken apart, compared, repaired. Bytes in, bytes out."""

from __future__ import annotations

import configparser
import io
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.ha import conf

# The HA tools refuse another length when they edit the archive.
ARCHIVE_BYTES = 20480
VDSM, KVM = 36, 36
HEADER = "[environment:default]"
ID = re.compile(r"/(vm|sd|img|vol|\w+Image|\w+Vol|\w+Volume)UUID$")


def build(members: Mapping[str, str]) -> bytes:
    """
    An uncompressed USTAR archive with bare member names, padded to exactly 20480 bytes.

    Raises CommandExecutionError when it would be longer, with what takes the room: cut short it
    would still list all its members, and read back as NULs.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in conf.MEMBERS:
            data = members[name].encode()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o640
            member.uid, member.gid, member.uname, member.gname = VDSM, KVM, "vdsm", "kvm"
            archive.addfile(member, io.BytesIO(data))
    # Trailing padding isn't content: two zero blocks end an archive.
    content = len(buffer.getvalue().rstrip(b"\0")) + 2 * tarfile.BLOCKSIZE
    if content > ARCHIVE_BYTES:
        raise CommandExecutionError(
            f"The configuration archive would take {content} bytes, the HA tools read "
            f"{ARCHIVE_BYTES}. What is largest in it: {_largest(members)}. Shorten these; nothing "
            "was written"
        )
    return buffer.getvalue()[:ARCHIVE_BYTES].ljust(ARCHIVE_BYTES, b"\0")


def _largest(members: Mapping[str, str]) -> str:
    lines = sorted(
        ((len(line), name, line) for name in members for line in members[name].splitlines()),
        reverse=True,
    )
    return ", ".join(
        f"{re.split('[={]', line)[0].strip()} in {name} ({size} bytes)"
        for size, name, line in lines[:3]
    )


def members(data: bytes) -> dict[str, str]:
    """The members that can be read, by name; an empty dict for what is no archive."""
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content and member.name in conf.MEMBERS:
                    found[member.name] = content.read().decode(errors="replace").strip("\0")
    except tarfile.TarError:
        # A write that a power cut tore: what was read up to here is what there is.
        pass
    return found


def foreign(data: bytes, ids: Mapping[str, Any]) -> str | None:
    """
    Why the start of a configuration disk isn't ours to write; None: it is empty or ours.

    A first block of zeros is no archive for any reader, whatever a torn write left behind it.
    """
    if not any(data[:4096]):
        return None
    found = members(data)
    vm = facts(conf.VM, found.get(conf.VM, ""))
    host = facts(conf.HOSTED_ENGINE, found.get(conf.HOSTED_ENGINE, ""))
    named = {
        "VM": {vm.get("vmId", ""), host.get("vmid", "")} - {""},
        "storage domain": {host.get("sdUUID", ""), vm.get("disk", "").split("/")[0]} - {""},
    }
    wanted = {"VM": ids["vm_id"], "storage domain": ids["storage_domain"]}
    for what, seen in named.items():
        if others := seen - {wanted[what]}:
            return f"it belongs to {what} {', '.join(sorted(others))}, not to {wanted[what]}"
    if not named["VM"]:
        return f"it starts with {data[:16]!r}, which is no configuration archive"
    return None


def facts(name: str, text: str) -> dict[str, str]:
    """What in a file takes part in comparisons: ``{fact: value}``, of what is there."""
    if name == conf.HOSTED_ENGINE:
        return conf.properties(text)
    if name == conf.VM:
        return _vm_facts(text)
    if name == conf.BROKER:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except configparser.Error:
            return {}
        return {"sections": ", ".join(sorted(parser.sections()))} if parser.sections() else {}
    if name == conf.VERSION:
        return {"there": "yes"} if text.strip("\0\n ") else {}
    found = conf.properties(text).items() if HEADER in text else ()
    return {key: value for key, value in found if ID.search(key)}


def _vm_facts(text: str) -> dict[str, str]:
    found = {"vmId": vm} if (vm := conf.properties(text).get("vmId")) else {}
    for line in text.splitlines():
        device = dict(re.findall(r"\b(domainID|imageID|volumeID):([^,}]*)", line))
        if "imageID" in device:
            keys = ("domainID", "imageID", "volumeID")
            found["disk"] = "/".join(device.get(key, "") for key in keys)
    return found


def durable(name: str, fact: str, shared: bool) -> bool:
    """Whether a fact must have our value; of the others only their presence matters."""
    if name != conf.HOSTED_ENGINE:
        return True
    # In the archive, the number is of whichever host wrote it.
    return fact in conf.OURS and not (shared and fact == "host_id")


def lacking(name: str, fresh: str, current: str | None, shared: bool = True) -> dict[str, str]:
    """
    The facts that ``current`` must have: ours, and those it doesn't have at all.

    ``shared``: it is a member of the archive, not this host's file.
    """
    have = facts(name, current or "")
    wanted = facts(name, fresh).items()
    # Ours, but empty: a key of another kind of storage, which must only be there.
    return {
        fact: value
        for fact, value in wanted
        if (value and durable(name, fact, shared)) or fact not in have
    }


def updated(name: str, fresh: str, current: str | None, shared: bool = True) -> str:
    """``current`` with what it lacks of ``fresh``; what an operator changed or added is kept."""
    have = facts(name, current or "")
    wanted = lacking(name, fresh, current, shared).items()
    missing = {fact: value for fact, value in wanted if have.get(fact) != value}
    if current and not missing:
        return current
    if name not in (conf.HOSTED_ENGINE, conf.ANSWERS) or not have:
        # The others are short, and broken as a whole when an id in them is wrong.
        return fresh
    lines = []
    for line in (current or "").splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={missing.pop(key)}" if key in missing else line)
    return "".join(f"{line}\n" for line in [*lines, *(f"{k}={v}" for k, v in missing.items())])
