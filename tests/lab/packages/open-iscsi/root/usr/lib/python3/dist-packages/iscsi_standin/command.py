"""
``iscsiadm``: discovery by SendTargets with or without CHAP, and which sessions there are.

CHAP of a discovery comes from iscsid.conf, or from the portal's record (``-m discoverydb``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from . import sessions, wire

CONFIGURATION = Path("/etc/iscsi/iscsid.conf")
RECORDS = Path("/etc/iscsi/send_targets")
AUTH = "discovery.sendtargets.auth."
# Exit codes, as open-iscsi has them.
TRANSPORT, INVALID, NO_OBJECTS, REFUSED = 4, 7, 21, 24


class _Failed(Exception):
    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="iscsiadm", allow_abbrev=False)
    parser.add_argument("-m", "--mode", required=True)
    parser.add_argument("-t", "--type", default="sendtargets")
    parser.add_argument("-p", "--portal", default="")
    parser.add_argument("-o", "--op", default="")
    parser.add_argument("-n", "--name", default="")
    parser.add_argument("-v", "--value", default="")
    parser.add_argument("-D", "--discover", action="store_true")
    return parser


def _portal(text: str) -> tuple[str, int]:
    if not text:
        raise _Failed(INVALID, "--portal required for discovery")
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = text, "3260"
    return host.strip("[]"), int(port)


def _settings(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def _record(address: str, port: int) -> Path:
    return RECORDS / f"{address},{port}" / "st_config"


def _discoverydb(options: argparse.Namespace, address: str, port: int) -> None:
    path = _record(address, port)
    settings = _settings(path)
    if options.op != "new" and not path.exists():
        raise _Failed(NO_OBJECTS, "No records found")
    if options.op == "delete":
        shutil.rmtree(path.parent)
        return
    if options.op == "new":
        settings = {f"{AUTH}authmethod": "None", f"{AUTH}username": "", f"{AUTH}password": ""}
    if options.op == "update":
        settings[options.name] = options.value
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    with os.fdopen(descriptor, "w") as file:
        file.writelines(["# BEGIN RECORD 2.1.8\n", *lines, "# END RECORD\n"])


def _discover(address: str, port: int) -> None:
    settings = _settings(CONFIGURATION) | _settings(_record(address, port))
    chap = settings.get(f"{AUTH}authmethod") == "CHAP"
    user, password = (settings.get(f"{AUTH}{key}", "") for key in ("username", "password"))
    try:
        found = wire.discover(address, port, *((user, password) if chap else ()))
    except wire.IscsiError as err:
        what = "Could not perform SendTargets discovery:"
        if "Authentication failure" in str(err):
            said = "iSCSI login failed due to authorization failure"
            raise _Failed(REFUSED, f"{what} {said}") from err
        raise _Failed(TRANSPORT, f"{what} encountered connection failure") from err
    if not found:
        raise _Failed(NO_OBJECTS, "No portals found")
    for where in found:
        print(f"{wire.portal(where.address, where.port)},{where.group} {where.target}")


def _sessions() -> None:
    known = sessions.listed()
    if not known:
        raise _Failed(NO_OBJECTS, "No active sessions.")
    for number, (where, _user, _password) in enumerate(known, 1):
        place = f"{wire.portal(where.address, where.port)},{where.group}"
        print(f"tcp: [{number}] {place} {where.target} (non-flash)")


def _run(options: argparse.Namespace) -> None:
    if options.mode == "session":
        _sessions()
        return
    known = options.mode in ("discovery", "discoverydb") and options.type in ("sendtargets", "st")
    if not known:
        raise _Failed(INVALID, f"the lab has no mode {options.mode} of type {options.type}")
    address, port = _portal(options.portal)
    if options.mode == "discoverydb" and options.op not in ("", "nonpersistent"):
        _discoverydb(options, address, port)
    if options.mode == "discovery" or options.discover:
        _discover(address, port)


def main(arguments: list[str]) -> int:
    """Run the command: open-iscsi's exit code, words on stderr."""
    try:
        _run(_parser().parse_args(arguments))
    except _Failed as err:
        print(f"iscsiadm: {err}", file=sys.stderr)
        return err.code
    return 0
