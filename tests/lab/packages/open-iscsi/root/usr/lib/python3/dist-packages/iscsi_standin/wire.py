"""iSCSI over the wire, by libiscsi: discovery, login with CHAP, SCSI commands."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

NAME = Path("/etc/iscsi/initiatorname.iscsi")
DISCOVERY, NORMAL = 1, 2
FROM_DEVICE = 1
GOOD = 0
# A unit tells a new session first that it was reset, by failing one command.
ATTEMPTS = 3
SECONDS = 10
NAA, NAA_EXTENDED = 3, 6
LUNS_BYTES = 4096


class IscsiError(Exception):
    """What a portal or a target refused, in libiscsi's words."""


class Address(NamedTuple):
    """Where a target is: one portal with its portal group."""

    address: str
    port: int
    group: int
    target: str


class Unit(NamedTuple):
    """What a logical unit says of itself; capacity in bytes."""

    guid: str
    capacity: int
    vendor: str
    product: str
    serial: str
    discard: bool


class _Portal(ctypes.Structure):
    pass


_Portal._fields_ = [("next", ctypes.POINTER(_Portal)), ("portal", ctypes.c_char_p)]


class _Target(ctypes.Structure):
    pass


_Target._fields_ = [
    ("next", ctypes.POINTER(_Target)),
    ("name", ctypes.c_char_p),
    ("portals", ctypes.POINTER(_Portal)),
]


@functools.cache
def _library() -> Any:
    library = ctypes.CDLL("libiscsi.so.7")
    for function, result in {
        "iscsi_create_context": ctypes.c_void_p,
        "iscsi_get_error": ctypes.c_char_p,
        "iscsi_discovery_sync": ctypes.POINTER(_Target),
        "scsi_create_task": ctypes.c_void_p,
        "iscsi_scsi_command_sync": ctypes.c_void_p,
    }.items():
        getattr(library, function).restype = result
    return library


def portal(address: str, port: int) -> str:
    """An address and port as iSCSI writes them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def initiator() -> str:
    """This host's name as an initiator."""
    lines = NAME.read_text().splitlines() if NAME.exists() else []
    named = (line.partition("=")[2].strip() for line in lines if line.startswith("InitiatorName="))
    return next(named, "iqn.2026-11.test.lab:unnamed")


@contextlib.contextmanager
def _session(kind: int, where: str, target: str, user: str, password: str) -> Iterator[Session]:
    library = _library()
    context = ctypes.c_void_p(library.iscsi_create_context(initiator().encode()))
    try:
        library.iscsi_set_timeout(context, SECONDS)
        library.iscsi_set_session_type(context, kind)
        if target:
            library.iscsi_set_targetname(context, target.encode())
        if user:
            library.iscsi_set_initiator_username_pwd(context, user.encode(), password.encode())
        session = Session(library, context)
        if library.iscsi_connect_sync(context, where.encode()):
            raise IscsiError(f"{where}: {session.said()}")
        if library.iscsi_login_sync(context):
            raise IscsiError(f"{where}: {session.said()}")
        yield session
        library.iscsi_logout_sync(context)
    finally:
        library.iscsi_destroy_context(context)


class Session:
    """One that is logged in."""

    def __init__(self, library: Any, context: ctypes.c_void_p) -> None:
        self._library, self._context = library, context

    def said(self) -> str:
        """libiscsi's last words."""
        return self._library.iscsi_get_error(self._context).decode(errors="replace").strip()

    def targets(self) -> Iterator[tuple[str, str]]:
        """Of a discovery: targets' names, with their portals as ``address:port,group``."""
        first = found = self._library.iscsi_discovery_sync(self._context)
        if not found:
            # No target is a null pointer as well as a failure is; only the latter has words.
            if said := self.said():
                raise IscsiError(said)
            return
        while found:
            at = found.contents.portals
            while at:
                yield found.contents.name.decode(), at.contents.portal.decode()
                at = at.contents.next
            found = found.contents.next
        self._library.iscsi_free_discovery_data(self._context, first)

    def read(self, lun: int, command: bytes, length: int) -> bytes:
        """What a SCSI command that reads gives. Raises IscsiError where the unit refuses it."""
        for _attempt in range(ATTEMPTS):
            status, data = self._command(lun, command, length)
            if status == GOOD:
                return data
        raise IscsiError(f"LUN {lun}, command {command[0]:#x}: {self.said()}")

    def _command(self, lun: int, command: bytes, length: int) -> tuple[int, bytes]:
        buffer = ctypes.create_string_buffer(length)
        task = ctypes.c_void_p(
            self._library.scsi_create_task(len(command), command, FROM_DEVICE, length)
        )
        try:
            self._library.scsi_task_add_data_in_buffer(task, length, buffer)
            if not self._library.iscsi_scsi_command_sync(self._context, lun, task, None):
                raise IscsiError(f"LUN {lun}, command {command[0]:#x}: {self.said()}")
            # The status is a task's first member.
            return ctypes.cast(task, ctypes.POINTER(ctypes.c_int)).contents.value, buffer.raw
        finally:
            self._library.scsi_free_scsi_task(task)


def discover(address: str, port: int, user: str = "", password: str = "") -> list[Address]:
    """A portal's targets, by SendTargets. Raises IscsiError: no answer, CHAP refused."""
    with _session(DISCOVERY, portal(address, port), "", user, password) as session:
        found = []
        for target, where in session.targets():
            place, _comma, group = where.partition(",")
            host, _colon, number = place.rpartition(":")
            found.append(Address(host.strip("[]"), int(number), int(group or 1), target))
        return found


def units(where: Address, user: str = "", password: str = "") -> list[Unit]:
    """Log in to a target and ask each of its disks. Raises IscsiError: no answer, CHAP refused."""
    place = portal(where.address, where.port)
    with _session(NORMAL, place, where.target, user, password) as session:
        listed = session.read(0, _report_luns(), LUNS_BYTES)
        (length,) = struct.unpack_from(">I", listed)
        numbers = [listed[at + 1] for at in range(8, 8 + length, 8)]
        return [unit for lun in numbers if (unit := _unit(session, lun))]


def _unit(session: Session, lun: int) -> Unit | None:
    about = session.read(lun, _inquiry(), 96)
    if about[0] & 0x1F:
        return None  # a controller, no disk
    capacity = session.read(lun, _capacity(), 32)
    last, block = struct.unpack_from(">QI", capacity)
    serial = session.read(lun, _inquiry(0x80), 252)
    return Unit(
        guid=_identity(session.read(lun, _inquiry(0x83), 252)),
        capacity=(last + 1) * block,
        vendor=about[8:16].decode().strip(),
        product=about[16:32].decode().strip(),
        serial=serial[4 : 4 + serial[3]].decode().strip(),
        discard=bool(capacity[14] & 0x80),
    )


def _identity(page: bytes) -> str:
    """The id that multipath gives: 3, then the longest NAA designator of page 0x83."""
    (length,) = struct.unpack_from(">H", page, 2)
    at, found = 4, []
    while at < 4 + length:
        kind, size = page[at + 1] & 0x0F, page[at + 3]
        if kind == NAA:
            found.append(page[at + 4 : at + 4 + size].hex())
        at += 4 + size
    return f"3{max(found, key=len)}"


def _inquiry(page: int | None = None) -> bytes:
    return bytes([0x12, int(page is not None), page or 0, 0, 252 if page else 96, 0])


def _capacity() -> bytes:
    return bytes([0x9E, 0x10, *bytes(11), 32, 0, 0])


def _report_luns() -> bytes:
    return bytes([0xA0, *bytes(5)]) + struct.pack(">I", LUNS_BYTES) + bytes(2)
