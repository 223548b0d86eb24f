"""The engine's database as far as it is simulated, and engine-config, which is all about it."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from appliance_tools import files

WORD = re.compile(r"[A-Za-z0-9_.]+")


class DatabaseError(Exception):
    """What psql would have said."""


def query(sql: str) -> str:
    """Run one statement; rows as ``a|b``, or the statement's tag such as ``UPDATE 1``."""
    command = [sys.executable, "-m", "engine_simulator.sql", "--state", str(files.state())]
    result = subprocess.run(
        [*command, "-t", "-A", "-c", sql], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise DatabaseError(result.stderr.strip())
    return result.stdout.rstrip("\n")


def _where(key: str, version: str) -> str:
    for word in (key, version):
        if not WORD.fullmatch(word):
            raise DatabaseError(f"'{word}' is not a valid name")
    return f"WHERE option_name='{key}' AND version='{version}'"


def get(key: str, version: str) -> str:
    """An option's value; DatabaseError where there is no such option."""
    where = _where(key, version)
    if query(f"SELECT count(*) FROM vdc_options {where}") == "0":
        raise DatabaseError(
            f"Error fetching {key} value: no such entry. Please verify key name and property file"
            " support."
        )
    return query(f"SELECT option_value FROM vdc_options {where}")


def put(key: str, value: str, version: str) -> None:
    """Set an option that is there; DatabaseError where it isn't."""
    quoted = value.replace("'", "''")
    tag = query(f"UPDATE vdc_options SET option_value='{quoted}' {_where(key, version)}")
    if tag == "UPDATE 0":
        raise DatabaseError(f"Error setting {key}'s value. No such entry with version {version}.")


def engine_config() -> int:
    """Run engine-config as its arguments say; its exit code."""
    parser = argparse.ArgumentParser(prog="engine-config", allow_abbrev=False)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("-g", "--get", metavar="KEY")
    action.add_argument("-s", "--set", metavar="KEY=VALUE")
    parser.add_argument("--cver", default="general", metavar="VERSION")
    arguments = parser.parse_args()
    try:
        if arguments.get:
            value = get(arguments.get, arguments.cver)
            print(f"{arguments.get}: {value} version: {arguments.cver}")
            return 0
        key, equals, value = arguments.set.partition("=")
        if not equals:
            parser.error("-s wants KEY=VALUE")
        put(key, value, arguments.cver)
    except DatabaseError as err:
        print(err, file=sys.stderr)
        return 1
    return 0
