"""Which storage type answers are about where they don't name it: by what else they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ovirt_he.pillar import mount_options
from ovirt_he.pillar.storage import ISCSI_PORT

from pillar_from_answers import readers

# An address with a port: a share has a path instead.
PORTAL = re.compile(r"(\[[^\]/]+\]|[^:/]+):[0-9]{2,5}")


class Names(NamedTuple):
    """What another tool calls its answers about the storage."""

    kind: str
    options: str
    nfs_version: str
    lun: tuple[str, ...]
    iscsi: tuple[str, ...]
    port: str
    address: str
    where: str
    hyperconverged: str


def concluded(given: Mapping[str, Any], names: Names) -> tuple[dict[str, str], list[str]]:
    """The storage type, where it isn't named and can be concluded; and what to report of it."""
    if _text(given, names.kind):
        return {}, []
    signs = dict(_signs(given, names))
    types = [f"{kind} by {sign}" for kind, sign in signs.items()]
    missing = f"storage:type: {names.kind} isn't given"
    if len(signs) > 1:
        return {}, [
            f"{missing}, and the other answers contradict each other: {', '.join(types)}. Set it"
        ]
    if signs:
        return {names.kind: next(iter(signs))}, [f"{missing}: concluded to be {types[0]}. Check it"]
    # A share has a path; what is no share, or can't be read, is another problem.
    if "/" not in _text(given, names.where):
        return {}, []
    hint = f", though {names.hyperconverged} is" if _text(given, names.hyperconverged) else ""
    return {}, [f"{missing}{hint}: the formula takes nfs. Set it"]


def _signs(given: Mapping[str, Any], names: Names) -> Iterator[tuple[str, str]]:
    """Kinds, each with the answer that only makes sense with it."""
    options = _text(given, names.options)
    for kind, known in mount_options.OF.items():
        if own := [name for name in mount_options.names(options) if name in known]:
            yield kind, f"{names.options} ({', '.join(own)})"
    if _text(given, names.nfs_version) not in ("", "auto"):
        yield "nfs", names.nfs_version
    iscsi = [name for name in names.iscsi if _text(given, name)]
    if not iscsi and _text(given, names.port) not in ("", str(ISCSI_PORT)):
        iscsi = [names.port]
    if not iscsi and PORTAL.fullmatch(_text(given, names.address)):
        iscsi = [names.address]
    lun = [name for name in names.lun if _text(given, name)]
    if iscsi:
        yield "iscsi", ", ".join(iscsi)
    elif lun:
        yield "fc", ", ".join(lun)


def _text(given: Mapping[str, Any], name: str) -> str:
    """An answer as a text; one that can't be read isn't empty, either."""
    try:
        return readers.text(given.get(name)) or ""
    except ValueError:
        return repr(type(given[name]))
