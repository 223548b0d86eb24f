"""
What was answered to another tool, turned into a pillar: a table's rows, and how they are read.

A row says which names of the other tool tell which keys of the pillar. Its ``read`` gets the values
of the names (None: not given) and returns those of the keys (None: not said), or raises ValueError
with what it wants. Such a sentence never holds the value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import hosted_engine_storage as storage_kinds
from hosted_engine_schema import SCHEMA

Values = dict[str, Any]

ISCSI_PORT = 3260
# Phases are the only places to stop at: this one is after engine-setup, before the host is added.
PAUSE = "engine"
DIRECTORY = "hosted-engine"
NOTHING = "says nothing by itself, or what is so without it"


class Row(NamedTuple):
    """Names of the other tool, the pillar's keys that they tell, and both ways between them."""

    names: tuple[str, ...]
    paths: tuple[str, ...]
    read: Callable[..., Any]
    write: Callable[..., Any] | None = None


class Converted(NamedTuple):
    """What came of it; ``pillar`` holds the secrets too."""

    pillar: Values
    unknown: list[str]
    left_out: dict[str, str]
    problems: list[str]


def convert(table: list[Row], reasons: Mapping[str, str], given: Values) -> Converted:
    """The pillar that ``given`` tells by a table; ``reasons``: names without a place, and why."""
    values = {name: value for name, value in given.items() if value not in (None, "", [])}
    found: Values = {}
    sources: dict[str, str] = {}
    silent = {name for row in table for name in row.names if name in values}
    problems = []
    for row in table:
        names = [name for name in row.names if name in values]
        if not names:
            continue
        said = ", ".join(names)
        try:
            told = row.read(*(values.get(name) for name in row.names))
        except ValueError as error:
            problems.append(f"{said}: {error}")
            silent -= set(names)
            continue
        for path, value in zip(row.paths, told if len(row.paths) > 1 else (told,), strict=True):
            if value is None:
                continue
            if found.get(path, value) != value:
                problems.append(f"{path}: {sources[path]} and {said} differ: the latter counts")
            found[path], sources[path] = value, said
            silent -= set(names)
    known = {name for row in table for name in row.names}
    left_out = {name: reasons[name] for name in values if name in reasons}
    left_out |= dict.fromkeys(silent, NOTHING)
    unknown = sorted(name for name in given if name not in known and name not in reasons)
    problems += contradictions(found)
    return Converted(tree(found), unknown, dict(sorted(left_out.items())), problems)


def contradictions(found: Values) -> Iterator[str]:
    """Keys that the storage's type has no use for, and others that don't go together."""
    kind = found.get("storage:type", "nfs")
    for path, value in found.items():
        group, _, key = path.partition(":")
        kinds = [name for name, keys in storage_kinds.KEYS.items() if key in keys]
        if group == "storage" and kinds and kind not in kinds and value != default(path):
            yield (
                f"{path} is given, which is for {' and '.join(kinds)}, but storage:type is {kind}: "
                "one of them is wrong"
            )
    family, address = found.get("network:family"), str(found.get("vm:address", ""))
    if family in ("ipv4", "ipv6") and address and (":" in address) != (family == "ipv6"):
        yield f"network:family is {family}, vm:address is {address}: one of them is wrong"
    if found.get("network:test") == "tcp":
        for path in ("network:tcp_address", "network:tcp_port"):
            if not found.get(path):
                yield f"{path} isn't given, though network:test is tcp"


def leaves(pillar: Mapping[str, Any]) -> Values:
    """The keys of a pillar with their values, by path: ``engine:fqdn``; mappings are values."""
    found: Values = {}
    for name, item in SCHEMA["properties"].items():
        if "properties" not in item:
            found |= {name: pillar[name]} if name in pillar else {}
            continue
        group = pillar.get(name, {})
        found |= {f"{name}:{key}": group[key] for key in item["properties"] if key in group}
    return found


def tree(values: Values) -> Values:
    """The pillar of some leaves."""
    pillar: Values = {}
    for path, value in values.items():
        group, _, key = path.partition(":")
        if key:
            pillar.setdefault(group, {})[key] = value
        else:
            pillar[group] = value
    return pillar


def schema_of(path: str) -> dict[str, Any]:
    """A key's schema."""
    group, _, key = path.partition(":")
    item: dict[str, Any] = SCHEMA["properties"][group]
    return item["properties"][key] if key else item


def default(path: str) -> Any:
    """A key's default; None for one that must be given."""
    return schema_of(path).get("default")


def text(value: Any) -> str | None:
    """A text; a number that YAML or otopi made of it is one too, as the other tool takes it."""
    if value is None or (isinstance(value, str) and not value):
        return None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("a text is wanted: put it in quotes")


def number(value: Any) -> int | None:
    """A whole number, or a text that is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    said = text(value)
    if said is None:
        return None
    if said == "max":
        raise ValueError("'max' isn't a number: say how much, or take the formula's default")
    if not re.fullmatch(r"[0-9]{1,18}", said):
        raise ValueError("a whole number is wanted")
    return int(said)


def flag(value: Any) -> bool | None:
    """Yes or no, in any of the ways to write it."""
    if value is None or isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise ValueError("yes or no is wanted") from None


def texts(value: Any) -> list[str] | None:
    """A list, or a text with commas."""
    if isinstance(value, list):
        return [said for item in value if (said := text(item))]
    said = text(value)
    return None if said is None else [part for item in said.split(",") if (part := item.strip())]


def lines(value: Any) -> list[str] | None:
    """A list, or a text with a line for each: commas are part of an ssh key."""
    if isinstance(value, list):
        return texts(value)
    said = text(value)
    return None if said is None else [line for item in said.splitlines() if (line := item.strip())]


def family(ipv4: Any, ipv6: Any) -> str | None:
    """``network:family`` of the two wishes to force one."""
    if flag(ipv4) and flag(ipv6):
        raise ValueError("only one family can be forced")
    return "ipv4" if flag(ipv4) else "ipv6" if flag(ipv6) else None


def profile(apply: Any, name: Any) -> str | None:
    """``vm:openscap_profile``; a name alone says nothing: the other tool always has one."""
    return (text(name) or "stig").lower() if flag(apply) else None


def interface(value: Any) -> tuple[str | None, int | None]:
    """``host:interface``, and ``network:vlan`` where it's named DEVICE.VLAN."""
    name = text(value)
    vlan = re.search(r"\.([1-9][0-9]{0,3})$", name or "")
    return name, int(vlan.group(1)) if vlan and int(vlan.group(1)) <= 4094 else None


def root_login(value: Any) -> str | None:
    """``vm:root_login`` of sshd's PermitRootLogin; YAML reads a bare yes as true."""
    words = {"yes": "password", "no": "none", "without-password": "keys"}
    words |= {"prohibit-password": "keys", "true": "password", "false": "none"}
    if value is None or value == "":
        return None
    if str(value).lower() not in words:
        raise ValueError("yes, no or without-password is wanted")
    return words[str(value).lower()]


def directory(value: Any) -> str | None:
    """``bootstrap:directory`` below one that is shared with others: ours is ours alone."""
    said = text(value)
    return f"{said.rstrip('/')}/{DIRECTORY}" if said else None


def pause(value: Any) -> list[str] | None:
    """``pause_before`` of the wish to pause once the engine is set up."""
    return [PAUSE] if flag(value) else None


def share(kind: Any, connection: Any) -> tuple[str | None, str | None]:
    """``storage:address`` and ``path`` of HOST:/PATH; on a block storage it says other things."""
    said = text(connection)
    if said is None or kind == "iscsi" or (kind == "fc" and ":/" not in said):
        return None, None
    host, colon, path = said.partition(":/")
    if not colon and kind == "glusterfs":
        host, colon, path = said.partition(":")
    if not host or not path.strip("/"):
        raise ValueError("SERVER:/PATH is wanted")
    bracketed = host.startswith("[") and host.endswith("]")
    return host[1:-1] if bracketed else host, f"/{path.rstrip('/')}"


def portals(kind: Any, connection: Any, addresses: Any, ports: Any) -> list[str] | None:
    """``storage:portals`` of addresses and ports side by side; one port is for all of them."""
    hosts = texts(addresses)
    if kind == "iscsi":
        others = texts(connection)
        if hosts and others and hosts != others:
            raise ValueError("the portal's address is given twice, and differs")
        hosts = hosts or others
    if not hosts:
        if set(texts(ports) or ()) - {str(ISCSI_PORT)}:
            raise ValueError("a portal's port is given without its address")
        return None
    numbers = texts(ports) or [str(ISCSI_PORT)]
    numbers = numbers * len(hosts) if len(numbers) == 1 else numbers
    if len(numbers) != len(hosts):
        raise ValueError("there are as many ports as addresses, or one for all")
    return [portal(host, number(port)) for host, port in zip(hosts, numbers, strict=True)]


def portal(host: str, port: int | None) -> str:
    """ADDRESS, or ADDRESS:PORT for a port that isn't iSCSI's own."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if port in (None, ISCSI_PORT):
        return bare
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def portal_group(value: Any) -> int | None:
    """``storage:portal_group``; several portals have one group in common."""
    groups = set(texts(value) or [])
    if len(groups) > 1:
        raise ValueError("the portals lie in different portal groups: only one can be given")
    return number(groups.pop()) if groups else None
