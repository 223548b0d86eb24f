"""
``--get-shared-config`` and ``--set-shared-config``: values by key and type.

A key of broker.conf is SECTION.option. A type that there isn't is a traceback, as really.
"""

from __future__ import annotations

import configparser
import io
import re
import sys
from pathlib import Path
from typing import Any

from hosted_engine_ha_standin import configuration
from hosted_engine_ha_standin.link import broker
from vdsm_standin.rpc import RemoteError

# Type → the file it is in, or the archive's member.
TYPES = {
    "he_local": configuration.HOSTED_ENGINE_CONF,
    "broker": "broker.conf",
    "he_shared": "hosted-engine.conf",
    "ha": configuration.HA_CONF,
}
# Known though no file need hold it.
OPTIONAL = ("iscsi_paths_blacklist",)


def _text(kind: str) -> str:
    where = TYPES[kind]
    return where.read_text() if isinstance(where, Path) else broker("get_archive")[where]


def _values(kind: str) -> dict[str, Any]:
    if kind != "broker":
        optional = dict.fromkeys(OPTIONAL) if kind.startswith("he_") else {}
        return optional | configuration.parse(_text(kind))
    parser = configparser.ConfigParser()
    parser.read_string(_text(kind))
    return {
        f"{section}.{key}": value
        for section in parser.sections()
        for key, value in parser[section].items()
    }


def _complain(key: str, kinds: list[str]) -> int:
    sys.stderr.write(f"Invalid configuration key {key}.\nAvailable keys are:\n")
    for kind in kinds:
        sys.stderr.write(f"{kind} : {sorted(_values(kind))}\n")
    return 1


def _kind(key: str, kind: str) -> tuple[str | None, int]:
    """The type that holds a key, or the exit code after saying why there is none."""
    if kind and kind not in TYPES:
        raise KeyError(kind)
    kinds = [kind] if kind else list(TYPES)
    having = [at for at in kinds if key in _values(at)]
    if not having:
        return None, _complain(key, kinds)
    if len(having) > 1:
        sys.stderr.write(
            f"Duplicate key {key}, please specify the key type. Available types are: {having}\n"
        )
        return None, 1
    return having[0], 0


def get(key: str, kind: str = "") -> int:
    """Print a key's value and type."""
    try:
        found, code = _kind(key, kind)
        if found:
            print(f"\n{key} : {_values(found)[key]}, type : {found}\n")
        return code
    except (OSError, RemoteError) as err:
        sys.stderr.write(f"Cannot connect to the HA daemon, please check the logs: {err}\n")
        return 1


def _changed(kind: str, key: str, value: str) -> str:
    if kind == "broker":
        parser = configparser.ConfigParser()
        parser.read_string(_text(kind))
        section, _, option = key.partition(".")
        parser.set(section, option, value)
        buffer = io.StringIO()
        parser.write(buffer)
        return buffer.getvalue()
    text = _text(kind)
    if kind != "he_shared":
        # Written anew, without comments.
        values = configuration.parse(text) | {key: value}
        return "".join(f"{name}={at}\n" for name, at in values.items())
    # As the real one: what isn't changed by replacing is appended, without an end of line.
    text = "".join(f"{line}\n" for line in text.splitlines())
    line = re.compile(f"^{re.escape(key)}=.*$", re.MULTILINE)
    changed = line.sub(lambda _match: f"{key}={value}", text)
    return changed if changed != text else f"{text}{key}={value}"


def put(key: str, value: str, kind: str = "") -> int:
    """Write a key's value: locally, or into the archive on the configuration disk."""
    try:
        found, code = _kind(key, kind)
        if not found:
            return code
        text, where = _changed(found, key, value), TYPES[found]
        if isinstance(where, Path):
            where.write_text(text)
        else:
            broker("set_archive", name=where, text=text)
    except (OSError, RemoteError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0
