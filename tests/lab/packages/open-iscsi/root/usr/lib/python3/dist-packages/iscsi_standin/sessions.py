"""The sessions of this host since its boot: where, and with whose secret; logged in to for real."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from . import wire
from .wire import Address, Unit

# Below /run: a boot ends all sessions. Only root reads it, for it holds CHAP's secrets.
KNOWN = Path("/run/iscsi-sessions.json")


class Login(NamedTuple):
    """A session: its portal and target, and CHAP's user and secret."""

    where: Address
    user: str
    password: str


def listed() -> list[Login]:
    """The sessions, in the order of their logins."""
    if not KNOWN.exists():
        return []
    return [Login(Address(*where), *chap) for where, *chap in json.loads(KNOWN.read_text())]


def login(where: Address, user: str = "", password: str = "") -> None:
    """Log in, once. Raises wire.IscsiError where portal or target refuse."""
    wire.units(where, user, password)
    others = [at for at in listed() if at.where != where]
    _write([*others, Login(where, user, password)])


def logout(where: Address) -> None:
    """Forget a session."""
    _write([at for at in listed() if at.where != where])


def units() -> list[tuple[Unit, list[Address]]]:
    """All disks that the sessions show, each with the paths to it; a dead path shows nothing."""
    found: dict[str, tuple[Unit, list[Address]]] = {}
    for session in listed():
        try:
            seen = wire.units(*session)
        except wire.IscsiError:
            continue
        for unit in seen:
            found.setdefault(unit.guid, (unit, []))[1].append(session.where)
    return list(found.values())


def _write(logins: list[Login]) -> None:
    temporary = KNOWN.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(logins, file)
    temporary.replace(KNOWN)
