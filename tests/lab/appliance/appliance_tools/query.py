"""otopi-config-query: one value from answer files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance_tools import answers


def main() -> int:
    """Run otopi-config-query as its arguments say; its exit code."""
    parser = argparse.ArgumentParser(prog="otopi-config-query", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True)
    query = actions.add_parser("query")
    query.add_argument("-k", "--key", required=True)
    query.add_argument("-f", "--file", action="append", required=True, type=Path)
    arguments = parser.parse_args()
    values: dict[str, Any] = {}
    try:
        for file in arguments.file:
            values |= answers.read(file)
    except answers.AnswersError as err:
        print(err, file=sys.stderr)
        return 1
    if arguments.key not in values:
        print(f"Key '{arguments.key}' not found", file=sys.stderr)
        return 1
    print(values[arguments.key])
    return 0
