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

# The HA tools refuse any other length when they edit the archive.
ARCHIVE_BYTES = 20480
VDSM, KVM = 36, 36
HEADER = "[environment:default]"
ID = re.compile(r"/(vm|sd|img|vol|\w+Image|\w+Vol|\w+Volume)UUID$")


def build(members: Mapping[str, str]) -> bytes:
    """
    An uncompressed USTAR archive with bare member names, padded to exactly 20480 bytes.

    Raises CommandExecutionError when it would be longer, with the longest lines: a truncated one
    would still list all members, and their missing ends read as NULs.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in conf.MEMBERS:
            data = members[name].encode()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o640
            member.uid, member.gid, member.uname, member.gname = VDSM, KVM, "vdsm", "kvm"
            archive.addfile(member, io.BytesIO(data))
    # Without the padding: two zero blocks end an archive.
    content = len(buffer.getvalue().rstrip(b"\0")) + 2 * tarfile.BLOCKSIZE
    if content > ARCHIVE_BYTES:
        raise CommandExecutionError(
            f"The configuration archive would take {content} bytes, the HA tools read "
            f"{ARCHIVE_BYTES}. Its longest lines: {_largest(members)}. Shorten these; nothing was "
            "written"
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
    """The readable members, by name; an empty dict for anything but an archive."""
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content and member.name in conf.MEMBERS:
                    found[member.name] = content.read().decode(errors="replace").strip("\0")
    except tarfile.TarError:
        # An interrupted write: the members up to here are readable.
        pass
    return found


def foreign(data: bytes, ids: Mapping[str, Any]) -> str | None:
    """
    Why a configuration disk must not be overwritten; None: it is empty or this deployment's.

    No reader finds an archive after a first block of zeros, whatever an interrupted write left.
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
    own = {"VM": ids["vm_id"], "storage domain": ids["storage_domain"]}
    for what, found_ids in named.items():
        if others := found_ids - {own[what]}:
            return f"it belongs to {what} {', '.join(sorted(others))}, not to {own[what]}"
    if not named["VM"]:
        return f"it starts with {data[:16]!r}, which is no configuration archive"
    return None


def facts(name: str, text: str) -> dict[str, str]:
    """The facts of a file that are compared: ``{fact: value}``, as far as it has them."""
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
    """Whether a fact must have the formula's value; the others must only exist."""
    if name != conf.HOSTED_ENGINE:
        return True
    # In the archive, it is the id of the host that wrote it.
    return fact in conf.OURS and not (shared and fact == "host_id")


def lacking(name: str, fresh: str, current: str | None, shared: bool = True) -> dict[str, str]:
    """
    The facts that ``current`` must have: the formula's, and those that it lacks.

    ``shared``: a member of the archive, not this host's file.
    """
    have = facts(name, current or "")
    all_facts = facts(name, fresh).items()
    # An empty value of the formula: a key of another storage type, which must only exist.
    return {
        fact: value
        for fact, value in all_facts
        if (value and durable(name, fact, shared)) or fact not in have
    }


def updated(name: str, fresh: str, current: str | None, shared: bool = True) -> str:
    """``current`` with what it lacks of ``fresh``; an operator's changes and additions stay."""
    have = facts(name, current or "")
    required = lacking(name, fresh, current, shared).items()
    missing = {fact: value for fact, value in required if have.get(fact) != value}
    if current and not missing:
        return current
    if name not in (conf.HOSTED_ENGINE, conf.ANSWERS) or not have:
        # The others are short; with a wrong id, nothing else in them is of use.
        return fresh
    lines = []
    for line in (current or "").splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={missing.pop(key)}" if key in missing else line)
    return "".join(f"{line}\n" for line in [*lines, *(f"{k}={v}" for k, v in missing.items())])
