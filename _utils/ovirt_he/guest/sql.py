"""Statements for the engine's database in the guest, and the answers of psql."""

from __future__ import annotations

PSQL = "/usr/share/ovirt-engine/dbscripts/engine-psql.sh"
# Where older engines look for the configuration disk.
OPTION = "option_name='HostedEngineConfigurationImageGuid' AND version='general'"
ASK = f"SELECT option_value FROM vdc_options WHERE {OPTION}"  # noqa: S608, constant
TELL = f"UPDATE vdc_options SET option_value='@DISK@' WHERE {OPTION}"  # noqa: S608, constant


def only_looks(statement: str) -> bool:
    """Whether a statement may be repeated where its answer got lost."""
    return statement.lstrip().upper().startswith("SELECT")


def rows(said: str) -> list[list[str]]:
    """Rows of psql's unaligned output; what a statement changed isn't one."""
    lines = said.splitlines()
    return [row.split("|") for row in lines if row and not row.startswith(("UPDATE ", "INSERT "))]
