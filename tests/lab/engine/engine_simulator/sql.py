"""The engine's database, as far as a deployment asks it: what engine-psql.sh runs.

A running engine answers through its socket; without one the state file is changed here.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from .state import Data, Store, alone

SOCKET = "sql.socket"
STARTING_SECONDS = 60
# One statement: up to a semicolon that isn't in a string.
STATEMENT = re.compile(r"(?:[^;']|'[^']*')+")
# vms and vds are views in the engine, too.
SCHEMA = """
CREATE TABLE vm_static (vm_guid TEXT PRIMARY KEY, vm_name TEXT, description TEXT, origin INTEGER,
  cluster_id TEXT, mem_size_mb INTEGER);
CREATE TABLE vm_dynamic (vm_guid TEXT PRIMARY KEY, status INTEGER, run_on_vds TEXT,
  migrating_to_vds TEXT);
CREATE VIEW vms AS SELECT * FROM vm_static JOIN vm_dynamic USING (vm_guid);
CREATE TABLE vds_static (vds_id TEXT PRIMARY KEY, vds_name TEXT, vds_unique_id TEXT, host_name TEXT,
  cluster_id TEXT);
CREATE TABLE vds_spm_id_map (vds_id TEXT PRIMARY KEY, vds_spm_id INTEGER);
CREATE TABLE vds_dynamic (vds_id TEXT PRIMARY KEY, status INTEGER);
CREATE VIEW vds AS SELECT * FROM vds_static JOIN vds_spm_id_map USING (vds_id)
  JOIN vds_dynamic USING (vds_id);
CREATE TABLE storage_domain_static (id TEXT PRIMARY KEY, storage_name TEXT);
CREATE TABLE vdc_options (option_name TEXT, option_value TEXT, version TEXT);
"""
VM_STATUS = {"down": 0, "up": 1, "image_locked": 15}
HOST_STATUS = {
    "unassigned": 0,
    "down": 1,
    "maintenance": 2,
    "up": 3,
    "non_responsive": 4,
    "installing": 6,
    "install_failed": 7,
    "reboot": 8,
    "non_operational": 10,
    "initializing": 13,
    "connecting": 14,
}


class SqlError(Exception):
    """What the database says to a statement."""


def execute(data: Data, text: str) -> list[dict[str, Any]]:
    """Run statements on the state: ``{"columns", "rows"}`` of each, or ``{"tag"}`` of a change.

    All or, when one is refused, none of them, as psql does with ``-c``.
    """
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    _fill(database, data)
    gone: list[tuple[str, str]] = []
    for function, kind in (("deletevm", "vms"), ("deletevds", "hosts")):
        database.create_function(function, 1, _remover(gone, kind))
    answers = [
        _one(database, statement) for statement in STATEMENT.findall(text) if statement.strip()
    ]
    _write_back(database, data, gone)
    return answers


def _one(database: sqlite3.Connection, statement: str) -> dict[str, Any]:
    columns = re.findall(r'"([^"]*)"', re.sub(r"'[^']*'", "", statement))
    for name in columns:
        # SQLite takes an unknown name in double quotes for a string, PostgreSQL refuses it.
        if name not in SCHEMA:
            raise SqlError(f'column "{name}" does not exist')
    try:
        cursor = database.execute(statement)
        rows = cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as err:
        raise SqlError(_as_postgres(str(err))) from err
    if cursor.description:
        return {
            "columns": [column[0] for column in cursor.description],
            "rows": [["" if value is None else value for value in row] for row in rows],
        }
    verb = statement.split(maxsplit=1)[0].upper()
    return {"tag": f"{verb}{' 0' if verb == 'INSERT' else ''} {cursor.rowcount}"}


def _as_postgres(message: str) -> str:
    table = re.match(r"no such table: (\S+)", message)
    column = re.match(r"no such column: (\S+)", message)
    if table:
        return f'relation "{table.group(1)}" does not exist'
    if column:
        return f'column "{column.group(1)}" does not exist'
    return message


def _remover(gone: list[tuple[str, str]], kind: str) -> Any:
    def remove(identifier: str) -> str:
        gone.append((kind, identifier))
        return ""

    return remove


def _rows(data: Data) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each table, in the order of its columns."""
    vms, hosts = data["vms"].values(), data["hosts"].values()
    return {
        "vm_static": [
            (
                *(v["id"], v["name"], v.get("description", ""), v["_origin"]),
                *(v["cluster"]["id"], v["memory"] // 1024**2),
            )
            for v in vms
        ],
        "vm_dynamic": [
            (v["id"], VM_STATUS.get(v["status"], 1), (v.get("host") or {}).get("id"), None)
            for v in vms
        ],
        "vds_static": [
            (
                *(h["id"], h["name"], (h.get("hardware_information") or {}).get("uuid")),
                *(h["address"], h["cluster"]["id"]),
            )
            for h in hosts
        ],
        "vds_spm_id_map": [(h["id"], h["_spm_id"]) for h in hosts],
        "vds_dynamic": [(h["id"], HOST_STATUS.get(h["status"], 0)) for h in hosts],
        "storage_domain_static": [(d["id"], d["name"]) for d in data["storagedomains"].values()],
        "vdc_options": [
            (name, value, version)
            for name, versions in data["options"].items()
            for version, value in versions.items()
        ],
    }


def _fill(database: sqlite3.Connection, data: Data) -> None:
    for table, rows in _rows(data).items():
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _write_back(database: sqlite3.Connection, data: Data, gone: list[tuple[str, str]]) -> None:
    for identifier, name, description, origin in database.execute(
        "SELECT vm_guid, vm_name, description, origin FROM vm_static"
    ):
        data["vms"][identifier] |= {"name": name, "_origin": origin}
        if description:
            data["vms"][identifier]["description"] = description
    for identifier, status, host in database.execute(
        "SELECT vm_guid, status, run_on_vds FROM vm_dynamic"
    ):
        vm = data["vms"][identifier]
        if status != VM_STATUS.get(vm["status"], 1):
            vm["status"] = next(name for name, number in VM_STATUS.items() if number == status)
        if host is None:
            vm.pop("host", None)
    for identifier, name in database.execute("SELECT id, storage_name FROM storage_domain_static"):
        data["storagedomains"][identifier]["name"] = name
    data["options"] = {}
    for name, value, version in database.execute("SELECT * FROM vdc_options"):
        data["options"].setdefault(name, {})[version] = value
    for kind, identifier in gone:
        entity = data[kind].pop(identifier, {})
        for disk in entity.get("_disks", {}):
            data["disks"][disk]["_attachments"].remove(identifier)


def ask(folder: Path, text: str) -> list[dict[str, Any]]:
    """Have the running engine run it; else run it here, on the state file.

    An engine that holds its state and doesn't answer yet is starting: it's waited for.
    """
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return _by_engine(folder, text)
        except (FileNotFoundError, ConnectionRefusedError):
            try:
                with alone(folder, seconds=0), Store(folder).change() as data:
                    return execute(data, text)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
        time.sleep(0.1)


def _by_engine(folder: Path, text: str) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(folder / SOCKET))
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        answer = json.loads(client.makefile("rb").read())
    if "error" in answer:
        raise SqlError(answer["error"])
    return answer["answers"]


def shown(answer: dict[str, Any], *, tuples_only: bool, unaligned: bool) -> str:
    """An answer as psql prints it."""
    if "tag" in answer:
        return f"{answer['tag']}\n"
    rows = [[str(value) for value in row] for row in answer["rows"]]
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    if unaligned:
        lines = ["|".join(row) for row in rows]
        return "".join(
            f"{line}\n"
            for line in (lines if tuples_only else ["|".join(answer["columns"]), *lines, count])
        )
    table = [answer["columns"], *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(answer["columns"]))]
    lines = [
        "|".join(
            f" {value.rjust(width) if isinstance(raw, int) else value.ljust(width)} "
            for value, width, raw in zip(row, widths, original, strict=True)
        ).rstrip()
        for row, original in zip(rows, answer["rows"], strict=True)
    ]
    if tuples_only:
        return "".join(f"{line}\n" for line in [*lines, ""])
    head = "|".join(f" {name.center(w)} " for name, w in zip(table[0], widths, strict=True))
    rule = "+".join("-" * (width + 2) for width in widths)
    return "".join(f"{line}\n" for line in [head, rule, *lines, count, ""])


def main() -> int:
    """Run statements as psql would; exit code 1 with ``ERROR:  …`` on standard error."""
    parser = argparse.ArgumentParser(prog="engine-psql.sh", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    # With -q psql leaves the command tag out, such as UPDATE 1.
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-t", "--tuples-only", action="store_true")
    parser.add_argument("-A", "--no-align", action="store_true")
    parser.add_argument("-c", "--command", required=True)
    given = parser.parse_args()
    try:
        answers = ask(given.state, given.command)
    except (SqlError, TimeoutError) as err:
        print(f"ERROR:  {err}", file=sys.stderr)
        return 1
    for answer in answers:
        if given.quiet and "tag" in answer:
            continue
        sys.stdout.write(shown(answer, tuples_only=given.tuples_only, unaligned=given.no_align))
    return 0


if __name__ == "__main__":
    sys.exit(main())
