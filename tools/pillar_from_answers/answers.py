"""Answers of ``hosted-engine --deploy``: those that really convert, and what they make."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ovirt_he.core import text
from ovirt_he.pillar import keys
from ovirt_he.pillar.keys import DEPLOY, ENGINE_SETUP, Values
from ovirt_he.pillar.schema_types import ANSWER_NAME

from pillar_from_answers import answer_file, convert, questions, readers, reasons
from pillar_from_answers.convert import Converted, Row
from pillar_from_answers.storage_type import Names, concluded

# Keys that earlier versions of the formula wrote into fhanswers.conf, as JSON.
FORMULA = f"{DEPLOY}FORMULA/"


def row(names: str, paths: str, read: Any) -> Row:
    return Row(tuple(DEPLOY + name for name in names.split()), tuple(paths.split()), read)


def _kind(value: Any) -> tuple[str | None, str | None]:
    """Files of the first versions say nfs3 or nfs4."""
    answer = readers.kind(value)
    return ("nfs", f"v{answer[-1]}") if answer in ("nfs3", "nfs4") else (answer, None)


def _storage(kind: Any, connection: Any, addresses: Any, ports: Any) -> tuple[Any, ...]:
    kind = _kind(kind)[0] or "nfs"
    listed = readers.portals(kind, connection, addresses, ports)
    return *readers.share(kind, connection), listed


def _cidr(value: Any) -> str | None:
    answer = readers.text(value)
    if answer and "/" not in answer:
        raise ValueError("ADDRESS/PREFIX is wanted: files that the role wrote lack the prefix")
    return answer


TABLE = convert.table(
    DEPLOY,
    [
        # engine-setup's own, which some files have as well: a key of the pillar decides them.
        *convert.table(ENGINE_SETUP, []),
        row("CORE/pauseonRestore", "pause_before", readers.pause),
        row("CORE/localVMDir", "bootstrap:directory", readers.directory),
        row("NETWORK/bridgeIf", "host:interface network:vlan", readers.interface),
        row("NETWORK/forceIPv4 NETWORK/forceIPv6", "network:family", readers.family),
        row("STORAGE/domainType", "storage:type storage:nfs_version", _kind),
        row(
            "STORAGE/domainType STORAGE/storageDomainConnection STORAGE/iSCSIPortalIPAddress "
            "STORAGE/iSCSIPortalPort",
            "storage:address storage:path storage:portals",
            _storage,
        ),
        # As files of the first versions name it.
        row("STORAGE/iSCSILunId", "storage:lun", readers.text),
        row("VM/cloudinitVMStaticCIDR", "vm:address", _cidr),
        row(
            "VM/applyOpenScapProfile VM/OpenScapProfileName",
            "vm:openscap_profile",
            readers.profile,
        ),
    ],
)

GUEST = tuple(
    f"{DEPLOY}{name}"
    for name in ("NETWORK/fqdn", "VM/cloudinitInstanceHostName", "VM/cloudinitInstanceDomainName")
)
STORAGE = Names(
    kind=f"{DEPLOY}STORAGE/domainType",
    options=f"{DEPLOY}STORAGE/mntOptions",
    nfs_version=f"{DEPLOY}STORAGE/nfsVersion",
    lun=(f"{DEPLOY}STORAGE/LunID", f"{DEPLOY}STORAGE/iSCSILunId"),
    iscsi=tuple(
        f"{DEPLOY}STORAGE/{name}"
        for name in ("iSCSITargetName", "iSCSIPortalIPAddress", "iSCSIPortalUser")
    ),
    port=f"{DEPLOY}STORAGE/iSCSIPortalPort",
    address=f"{DEPLOY}STORAGE/storageDomainConnection",
    where=f"{DEPLOY}STORAGE/storageDomainConnection",
    hyperconverged=f"{DEPLOY}ENGINE/enableHcGlusterService",
)


def read(answers: Mapping[str, str]) -> Converted:
    """
    The pillar that answers make; ``answers``: name to value as ``answer_file.parse`` gives them.

    Answers of engine-setup (OVESETUP_…) become ``engine:answers``, or a secret by their name or by
    what is in them.
    """
    values: Values = {}
    broken: list[str] = []
    for name, typed in answers.items():
        try:
            values[name] = answer_file.value(typed)
        except ValueError as error:
            broken.append(f"{name}: {error}")
    known = {name for row in TABLE for name in row.names} | reasons.ANSWERS.keys()
    asked = questions.read(values, known)
    others = {name for name in asked.values if not name.startswith(DEPLOY) and name not in known}
    kind, remarks = concluded(asked.values, STORAGE)
    ours = {name: item for name, item in asked.values.items() if name not in others}
    converted = convert.convert(TABLE, reasons.ANSWERS, ours | kind)
    found = keys.leaves(converted.pillar)
    unknown = _engine_setup(found, {name: answers[name] for name in others})
    unknown += _own_keys(found, {name: values[name] for name in converted.unknown})
    problems = [
        *broken,
        *asked.problems,
        *remarks,
        *converted.problems,
        *convert.another_name(values, *GUEST),
    ]
    left_out = dict(sorted((converted.left_out | asked.left_out).items()))
    return Converted(keys.tree(found), sorted(unknown), left_out, problems)


def _engine_setup(found: Values, others: Mapping[str, str]) -> list[str]:
    """Adds the answers of engine-setup; returns the names that aren't its."""
    unknown = []
    for name, typed in sorted(others.items()):
        secret = text.SECRET_NAME.search(name) or text.holds_secret(typed.partition(":")[2])
        if questions.of_engine_setup(name) and re.search(ANSWER_NAME, name):
            found.setdefault(f"{'secrets' if secret else 'engine'}:answers", {})[name] = typed
        else:
            unknown.append(name)
    return unknown


def _own_keys(found: Values, given: Values) -> list[str]:
    """Adds what stands in keys of our own; returns the names that aren't such a key."""
    unknown = []
    paths = {
        FORMULA + path.replace(":", "__"): path
        for path in keys.ALL
        if not path.startswith("secrets:")
    }
    for name, value in given.items():
        try:
            found[paths[name]] = json.loads(value)
        except (KeyError, TypeError, ValueError, RecursionError):
            unknown.append(name)
    return unknown
