"""
fhanswers.conf of the configuration archive, and what any answer file tells.

What otopi has no key for, or can't say exactly, stands in keys of our own,
``OVEHOSTED_FORMULA/GROUP__KEY``, as JSON: otopi takes a key that it doesn't know into its
environment, where nobody asks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ovirt_he.core.text import SECRET_NAME, holds_secret
from ovirt_he.migrate import answer_file, answer_questions, convert
from ovirt_he.migrate.answer_reasons import REASONS
from ovirt_he.migrate.answer_storage import Names, concluded
from ovirt_he.migrate.answer_table import PREFIX, TABLE
from ovirt_he.migrate.convert import Converted, Values
from ovirt_he.pillar.patterns import ANSWER_NAME
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import with_defaults

OWN = f"{PREFIX}FORMULA/"
NO_UUID = "00000000-0000-0000-0000-000000000000"
# How each of the four disks is called in the names of its ids.
DISKS = {
    "vm": ("imgUUID", "volUUID"),
    "metadata": ("metadataImageUUID", "metadataVolumeUUID"),
    "lockspace": ("lockspaceImageUUID", "lockspaceVolumeUUID"),
    "configuration": ("confImageUUID", "confVolUUID"),
}
# What a person confirms at the terminal: whoever applies the states has done so.
CONFIRMED = {
    **dict.fromkeys(("CORE/screenProceed", "CORE/deployProceed", "CORE/confirmSettings"), True),
    "VM/cloudInitISO": "generate",
    **dict.fromkeys(("VM/cloudinitExecuteEngineSetup", "VM/automateVMShutdown"), True),
}


GUEST = tuple(
    f"{PREFIX}{name}"
    for name in ("NETWORK/fqdn", "VM/cloudinitInstanceHostName", "VM/cloudinitInstanceDomainName")
)
STORAGE = Names(
    kind=f"{PREFIX}STORAGE/domainType",
    options=f"{PREFIX}STORAGE/mntOptions",
    nfs_version=f"{PREFIX}STORAGE/nfsVersion",
    lun=(f"{PREFIX}STORAGE/LunID", f"{PREFIX}STORAGE/iSCSILunId"),
    iscsi=tuple(
        f"{PREFIX}STORAGE/{name}"
        for name in ("iSCSITargetName", "iSCSIPortalIPAddress", "iSCSIPortalUser")
    ),
    port=f"{PREFIX}STORAGE/iSCSIPortalPort",
    address=f"{PREFIX}STORAGE/storageDomainConnection",
    where=f"{PREFIX}STORAGE/storageDomainConnection",
    hyperconverged=f"{PREFIX}ENGINE/enableHcGlusterService",
)


def read(answers: Mapping[str, str]) -> Converted:
    """
    The pillar that answers tell; ``answers``: name to value as ``answer_file.parse`` gives them.

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
    known = {name for row in TABLE for name in row.names} | REASONS.keys()
    asked = answer_questions.read(values, known)
    others = {name for name in asked.values if not name.startswith(PREFIX) and name not in known}
    kind, said = concluded(asked.values, STORAGE)
    ours = {name: item for name, item in asked.values.items() if name not in others}
    told = convert.convert(TABLE, REASONS, ours | ({STORAGE.kind: kind} if kind else {}))
    found = convert.leaves(told.pillar)
    unknown = _engine_setup(found, {name: answers[name] for name in others})
    unknown += _own_keys(found, {name: values[name] for name in told.unknown})
    problems = [
        *broken,
        *asked.problems,
        *said,
        *told.problems,
        *convert.another_name(values, *GUEST),
    ]
    left_out = dict(sorted((told.left_out | asked.left_out).items()))
    return Converted(convert.tree(found), sorted(unknown), left_out, problems)


def _engine_setup(found: Values, others: Mapping[str, str]) -> list[str]:
    """Adds the answers of engine-setup; returns the names that aren't its."""
    unknown = []
    for name, typed in sorted(others.items()):
        secret = SECRET_NAME.search(name) or holds_secret(typed.partition(":")[2])
        if answer_questions.of_engine_setup(name) and re.search(ANSWER_NAME, name):
            found.setdefault(f"{'secrets' if secret else 'engine'}:answers", {})[name] = typed
        else:
            unknown.append(name)
    return unknown


def _own_keys(found: Values, given: Values) -> list[str]:
    """Adds what stands in keys of our own; returns the names that aren't such a key."""
    unknown = []
    paths = {OWN + path.replace(":", "__"): path for path in convert.paths()}
    for name, value in given.items():
        try:
            found[paths[name]] = json.loads(value)
        except (KeyError, TypeError, ValueError, RecursionError):
            unknown.append(name)
    return unknown


def text(given: Mapping[str, Any], ids: Mapping[str, Any], connection: str) -> str:
    """
    The text of fhanswers.conf: what the user answered, by ``given`` and its defaults, and ids.

    Never a secret. Read back it is the same pillar, once both have their defaults filled in.
    """
    settings = with_defaults(given, SCHEMA)
    answers = {f"{PREFIX}{name}": answer_file.typed(value) for name, value in CONFIRMED.items()}
    leaves = convert.leaves(settings)
    for item in TABLE:
        if item.write is None or item.paths[0].startswith("secrets:"):
            continue
        written = item.write(*(leaves[path] for path in item.paths))
        for name, value in zip(
            item.names, written if len(item.names) > 1 else (written,), strict=True
        ):
            if value is not None or name not in answers:
                answers[name] = answer_file.typed(value)
    answers |= {name: answer_file.typed(value) for name, value in _ids(settings, ids, connection)}
    leaves["engine:answers"] = {
        name: answer
        for name, answer in leaves["engine:answers"].items()
        if not SECRET_NAME.search(name) and not holds_secret(answer)
    }
    return answer_file.render(answers | _own(answers, leaves))


def _own(answers: Mapping[str, str], leaves: Values) -> dict[str, str]:
    """Keys of our own for what doesn't come back from ``answers`` as it is in ``leaves``."""
    back = read(answer_file.parse(answer_file.render(answers)).answers).pillar
    seen = convert.leaves(with_defaults(back, SCHEMA))
    return {
        OWN + path.replace(":", "__"): answer_file.typed(json.dumps(value))
        for path, value in leaves.items()
        if seen[path] != value
    }


def _ids(settings: Values, ids: Mapping[str, Any], connection: str) -> list[tuple[str, Any]]:
    host, _, domain = (settings["engine"]["fqdn"] or "").partition(".")
    found = {
        "STORAGE/connectionUUID": connection,
        "STORAGE/sdUUID": ids["storage_domain"],
        "STORAGE/spUUID": NO_UUID,
        "STORAGE/hostID": int(ids["host_id"]),
        "VM/vmUUID": ids["vm_id"],
        "VM/cloudinitInstanceHostName": host,
        "VM/cloudinitInstanceDomainName": domain,
        "VDSM/cpu": ids.get("cpu_type"),
    }
    for disk, names in DISKS.items():
        for name, part in zip(names, ("image", "volume"), strict=True):
            found[f"STORAGE/{name}"] = ids["disks"][disk][part]
    return [(PREFIX + name, value) for name, value in found.items()]
