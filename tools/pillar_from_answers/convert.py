"""
Answers to another tool become a pillar: the rows of a table, and how they are read.

A row says which names of the other tool set which keys of the pillar. Its ``read`` gets the values
of the names (None: not given) and returns those of the keys (None: not set), or raises ValueError
with what it expects. Such a sentence never holds the value: it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ovirt_he.pillar import keys, mount_options
from ovirt_he.pillar.keys import Values

from pillar_from_answers import readers

NOTHING = "says nothing by itself, or what is so without it"


class Row(NamedTuple):
    """Names of the other tool, the pillar's keys that they set, and how they are read."""

    names: tuple[str, ...]
    paths: tuple[str, ...]
    read: Callable[..., Any]


class Converted(NamedTuple):
    """What came of it; ``pillar`` holds the secrets too."""

    pillar: Values
    unknown: list[str]
    left_out: dict[str, str]
    problems: list[str]


def table(tool: str, rows: list[Row]) -> list[Row]:
    """``rows``, then one row for each key that has a name of its own in the schema."""
    converted = {(name, path) for row in rows for name in row.names for path in row.paths}
    return rows + [
        Row((name,), (path,), readers.of(path))
        for path, name in keys.named(tool).items()
        if (name, path) not in converted
    ]


def convert(table: list[Row], reasons: Mapping[str, str], given: Values) -> Converted:
    """The pillar that a table makes of ``given``; ``reasons``: names without a place, and why."""
    values = {name: value for name, value in given.items() if value not in (None, "", [])}
    found: Values = {}
    sources: dict[str, str] = {}
    silent = {name for row in table for name in row.names if name in values}
    left_out = {name: reasons[name] for name in values if name in reasons}
    problems = []
    for row in table:
        names = [name for name in row.names if name in values]
        if not names:
            continue
        label = ", ".join(names)
        try:
            result = row.read(*(values.get(name) for name in row.names))
        except readers.LeftOut as reason:
            left_out |= dict.fromkeys(names, str(reason))
            silent -= set(names)
            continue
        except ValueError as error:
            problems.append(f"{label}: {error}")
            silent -= set(names)
            continue
        for path, value in zip(row.paths, result if len(row.paths) > 1 else (result,), strict=True):
            if value is None:
                continue
            if found.get(path, value) != value:
                problems.append(f"{path}: {sources[path]} and {label} differ: the latter counts")
            found[path], sources[path] = value, label
            silent -= set(names)
    left_out |= dict.fromkeys(silent, NOTHING) | _secret_options(found, sources)
    known = {name for row in table for name in row.names}
    unknown = sorted(name for name in given if name not in known and name not in reasons)
    problems += [*_nfs_version(found), *_network_test(found)]
    return Converted(keys.tree(found), unknown, dict(sorted(left_out.items())), problems)


def _secret_options(found: Values, sources: Mapping[str, str]) -> dict[str, str]:
    """Takes out of the mount options what is secret: whoever is on the host can read them."""
    path = "storage:mount_options"
    names = mount_options.secret(found.get(path, ""))
    if not names:
        return {}
    _set(found, path, mount_options.without_secrets(found[path]))
    reason = f"holds a secret ({', '.join(names)}=), which isn't taken: a mount shows its options"
    return {sources[path]: reason}


def _nfs_version(found: Values) -> Iterator[str]:
    """The version has a key of its own: the engine refuses it among a domain's mount options."""
    path = "storage:mount_options"
    version, others = mount_options.nfs_version(found.get(path, ""))
    if version is None or found.get("storage:type", "nfs") != "nfs":
        return
    key = "storage:nfs_version"
    if found.get(key, "auto") not in ("auto", version):
        yield f"{path}: its vers= and {key} differ: the latter counts"
        version = found[key]
    else:
        yield f"{path}: vers= is set by the engine itself: it became {key}: {version}"
    found[key] = version
    _set(found, path, others)


def _set(found: Values, path: str, value: str) -> None:
    if value:
        found[path] = value
    else:
        del found[path]


def _network_test(found: Values) -> Iterator[str]:
    """What to connect to is only for one of the tests."""
    given = [path for path in ("network:tcp_address", "network:tcp_port") if path in found]
    if given and "network:test" not in found:
        found["network:test"] = "tcp"
        yield f"network:test isn't given: concluded to be tcp by {', '.join(given)}. Check it"


def another_name(given: Values, fqdn: str, host: str, domain: str) -> list[str]:
    """The guest's name is the engine's: older versions take it a second time."""
    engine, name = given.get(fqdn), given.get(host)
    if not engine or not name or engine in (name, f"{name}.{given.get(domain)}"):
        return []
    if not given.get(domain) and str(engine).partition(".")[0] == name:
        return []
    return [f"{host} and {domain} say another name than {fqdn}: the guest is named by the latter"]
