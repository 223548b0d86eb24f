"""
Strict readers of values that another tool wrote; each returns the pillar's value, None for nothing.

They raise ValueError with what is wanted, or LeftOut with the reason why the value isn't taken.
Neither sentence ever holds the value: it may be a secret.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any

from ovirt_he.pillar import keys, storage
from ovirt_he.pillar.storage import ISCSI_PORT

# Phases are the only places to stop at: this one is after engine-setup, before the host is added.
PAUSE = "engine"
DIRECTORY = "hosted-engine"
# How Python prints a list, a tuple, or a text of its second version, and JSON a list.
PRINTED = re.compile(r"[ubr]?'.*'|[ubr]\".*\"|[\[(].*[\])]", re.DOTALL)
# What Ansible prints for a variable that is to be left out.
OMITTED = "__omit_place_holder__"
BARE_LIST = re.compile(r"\[([^\[\]]*)\]")
# Where the packages of oVirt's and RHV's appliance put their image.
PACKAGED_IMAGE = re.compile(r"/usr/share/(ovirt-engine|rhvm)-appliance/")


class LeftOut(ValueError):
    """What the other tool wrote by itself, and would stop a deployment of today: and why."""


def plain(value: Any) -> Any:
    """
    A value as it was before Python or JSON printed it; any other text as it is.

    >>> plain("['192.0.2.53', '192.0.2.54']"), plain("u'eno1'"), plain("[2001:db8::1]")
    (['192.0.2.53', '192.0.2.54'], 'eno1', '[2001:db8::1]')
    """
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    answer = value.strip()
    if answer in ("None", "null") or answer.startswith(OMITTED):
        return None
    if not PRINTED.fullmatch(answer):
        return value
    for reader in (json.loads, ast.literal_eval):
        try:
            found = reader(answer)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        return plain(found) if isinstance(found, str | bytes | list | tuple) else value
    return value


def password(value: Any) -> str | None:
    """A secret: as it is, whatever it looks like."""
    if value is None or value is False or value == "":
        return None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("a text is wanted: put it in quotes")


def text(value: Any) -> str | None:
    """A text; a number that YAML or otopi made of it is one too, as the other tool takes it."""
    answer = plain(value)
    if isinstance(answer, list) and len(answer) == 1:
        answer = plain(answer[0])
    return password(None if answer == [] else answer)


def number(value: Any) -> int | None:
    """A whole number, or a text that is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    answer = text(value)
    if answer is None:
        return None
    if answer == "max":
        raise ValueError("'max' isn't a number: say how much, or take the formula's default")
    if not re.fullmatch(r"[0-9]{1,18}", answer):
        raise ValueError("a whole number is wanted")
    return int(answer)


def flag(value: Any) -> bool | None:
    """Yes or no, in any of the ways to write it."""
    answer = plain(value)
    if answer is None or isinstance(answer, bool):
        return answer
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(answer).strip().lower()]
    except KeyError:
        raise ValueError("yes or no is wanted") from None


def texts(value: Any) -> list[str] | None:
    """A list, or a text with commas."""
    return _items(value, lambda answer: answer.split(","))


def lines(value: Any) -> list[str] | None:
    """A list, or a text with a line for each: commas are part of an ssh key."""
    return _items(value, str.splitlines)


def _items(value: Any, split: Callable[[str], list[str]]) -> list[str] | None:
    answer = plain(value)
    if isinstance(answer, list):
        return [item for one in answer if (item := text(one))]
    if (line := text(answer)) is None:
        return None
    # A list as YAML has it; an IPv6 address in brackets is none.
    if (bare := BARE_LIST.fullmatch(line.strip())) and bare[1].count(":") < 2:
        line = bare[1]
    return [part for item in split(line) if (part := item.strip())]


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


def machine(value: Any) -> str | None:
    """``vm:machine``; the other tool always names one, and made a Q35 of it all the same."""
    answer = text(value)
    if answer and "q35" not in answer:
        raise LeftOut(
            "the other tool writes such a machine by itself, and the engine's VM has been a Q35 "
            "since 4.4: the cluster's own is taken"
        )
    return answer


def image(value: Any) -> str | None:
    """``appliance:source``; the image of an installed package isn't anybody's wish."""
    answer = text(value)
    if answer and PACKAGED_IMAGE.match(answer):
        raise LeftOut("the image of the package that was installed then: today's is taken")
    return answer


def package(value: Any) -> str | None:
    """``appliance:package``; the role takes a file as well."""
    answer = text(value)
    if answer and (answer.startswith("/") or answer.endswith(".rpm")):
        raise ValueError(
            "a package's name is wanted: install that file first, and name its package"
        )
    return answer


def graphics(value: Any) -> str | None:
    """``vm:graphics``; qxl is how files of the first versions ask for SPICE."""
    answer = text(value)
    return "spice" if answer == "qxl" else answer


def subnet(value: Any) -> list[str] | None:
    """``bootstrap:subnets`` of the first three numbers."""
    return [f"{answer.rstrip('.')}.0/24"] if (answer := text(value)) else None


def subnet_ipv6(value: Any) -> list[str] | None:
    """``bootstrap:subnets_ipv6`` of the first four groups."""
    return [f"{answer.rstrip(':')}::/64"] if (answer := text(value)) else None


def kind(value: Any) -> str | None:
    """``storage:type``; the role's first README says gluster."""
    answer = text(value)
    return "glusterfs" if answer == "gluster" else answer


def root_login(value: Any) -> str | None:
    """``vm:root_login`` of sshd's PermitRootLogin; YAML reads a bare yes as true."""
    words = {"yes": "password", "no": "none", "without-password": "keys"}
    words |= {"prohibit-password": "keys", "true": "password", "false": "none"}
    answer = plain(value)
    if answer is None or answer == "":
        return None
    if str(answer).lower() not in words:
        raise ValueError("yes, no or without-password is wanted")
    return words[str(answer).lower()]


def directory(value: Any) -> str | None:
    """``bootstrap:directory`` below one that is shared with others: ours is ours alone."""
    answer = text(value)
    return f"{answer.rstrip('/')}/{DIRECTORY}" if answer else None


def pause(value: Any) -> list[str] | None:
    """``pause_before`` of the wish to pause once the engine is set up."""
    return [PAUSE] if flag(value) else None


def share(kind: Any, connection: Any) -> tuple[str | None, str | None]:
    """``storage:address`` and ``path`` of HOST:/PATH; on a block storage it says other things."""
    answer = text(connection)
    if answer is None or kind == "iscsi" or (kind == "fc" and ":/" not in answer):
        return None, None
    host, colon, path = answer.partition(":/")
    if not colon and kind == "glusterfs":
        host, colon, path = answer.partition(":")
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
    try:
        bare, own = storage.portal(host)
    except ValueError:
        bare, own = host, ISCSI_PORT
    if own != ISCSI_PORT and port not in (None, ISCSI_PORT, own):
        raise ValueError("a portal's port is given twice, and differs")
    port = own if own != ISCSI_PORT else port
    if port in (None, ISCSI_PORT):
        return bare
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def portal_group(value: Any) -> int | None:
    """``storage:portal_group``; several portals have one group in common."""
    groups = set(texts(value) or [])
    if len(groups) > 1:
        raise ValueError("the portals lie in different portal groups: only one can be given")
    return number(groups.pop()) if groups else None


BY_TYPE: dict[str, Callable[..., Any]] = {
    "string": text,
    "integer": number,
    "boolean": flag,
    "array": texts,
}
# Of keys whose type doesn't say how their values were written.
BY_KEY: dict[str, Callable[..., Any]] = {
    "appliance:package": package,
    "appliance:source": image,
    "bootstrap:directory": directory,
    "bootstrap:subnets": subnet,
    "bootstrap:subnets_ipv6": subnet_ipv6,
    "storage:portal_group": portal_group,
    "storage:type": kind,
    "vm:graphics": graphics,
    "vm:machine": machine,
    "vm:root_login": root_login,
    "vm:root_ssh_keys": lines,
}


def of(path: str) -> Callable[..., Any]:
    """The reader of a key's value."""
    if path.startswith("secrets:"):
        return password
    return BY_KEY.get(path) or BY_TYPE[keys.ALL[path]["type"]]
