"""
The script that restores a backup in the guest, before engine-setup starts the engine with it.

No engine runs meanwhile: nothing of the old site is fenced, started or contacted. The script reads
each change back; a failure is a failure of the setup, with this script's output.
"""

from __future__ import annotations

import shlex

from ovirt_he.guest import files

LOG = "/var/log/ovirt-engine/setup/restore-backup.log"
# The backup's value of the option that delays fencing.
FENCING = f"{files.FOLDER}/fencing-before"
OPTION = "option_name='DisableFenceAtStartupInSec' AND version='general'"
DELAY_SECONDS = 86400
# Origins of the old engine's own VMs: external (bootstrap), hosted engine, managed hosted engine.
ENGINES = "(4, 5, 6)"
GET = f"SELECT option_value FROM vdc_options WHERE {OPTION}"  # noqa: S608, constant
SET = f"UPDATE vdc_options SET option_value='@VALUE@' WHERE {OPTION}"  # noqa: S608, constant

SCRIPT = f"""#!/bin/sh
# Restores the backup, and takes out of its database what this deployment replaces.
set -eu
sql() {{ /usr/share/ovirt-engine/dbscripts/engine-psql.sh -t -A -c "$1"; }}
none() {{
    [ "$(sql "SELECT count(*) FROM $1")" = 0 ] && return
    echo "The restored database still has: $1" >&2
    exit 1
}}
nobody() {{
    [ "$(sql "SELECT count(*) FROM $1")" = 0 ] && return
    echo "In the backup, VMs run on another machine of this host's name:" \
        "set hosted_engine:host:name to a name of its own" >&2
    exit 1
}}
mkdir -p {LOG.rpartition("/")[0]}
if ! engine-backup --mode=restore --file={files.BACKUP} --log={LOG} \\
    --provision-all-databases --restore-permissions; then
    tail -n 20 {LOG} >&2
    exit 1
fi
rm -f {files.BACKUP}
# The versions that the old machine held fast aren't this one's.
for list in /etc/dnf/plugins/versionlock.list /etc/yum/pluginconf.d/versionlock.list; do
    [ ! -e $list ] || : > $list
done
@STATEMENTS@
[ -e {FENCING} ] || sql {shlex.quote(GET)} > {FENCING}
sql {shlex.quote(SET.replace("@VALUE@", str(DELAY_SECONDS)))}
if [ "$(sql {shlex.quote(GET)})" != {DELAY_SECONDS} ]; then
    echo "Fencing can't be held back: the database lacks DisableFenceAtStartupInSec" >&2
    exit 1
fi
sync
"""  # noqa: S608, constants


def text(host: str, unique_id: str, storage_domain: str, stamp: str) -> str:
    """
    The script. ``host`` and ``unique_id``: of this host, which is added again; ``stamp``: suffix of
    the old storage domain's name, which the new one takes.
    """
    same = f"vds_name={_quoted(host)}"
    if unique_id:
        same += f" OR upper(vds_unique_id)=upper({_quoted(unique_id)})"
    here = f"(SELECT vds_id FROM vds WHERE {same})"  # noqa: S608, quoted
    engine_vms = "vms WHERE origin=6"
    domain = f"storage_domain_static WHERE storage_name={_quoted(storage_domain)}"
    renamed = _quoted(f"{storage_domain}_old_{stamp}")
    # Another machine of this name: it may be up, with running VMs.
    other = f"vds_name={_quoted(host)} AND upper(vds_unique_id)<>upper({_quoted(unique_id)})"
    alive = (
        f"vms WHERE run_on_vds IN (SELECT vds_id FROM vds WHERE {other}) "  # noqa: S608, quoted
        f"AND origin NOT IN {ENGINES}"
    )
    lines = [
        *([f"nobody {shlex.quote(alive)}"] if unique_id else []),
        # A host that VMs run on, or move to, can't be deleted.
        *(
            _sql(f"UPDATE vm_dynamic SET {column}=NULL, status=0 WHERE {column} IN {here}")  # noqa: S608
            for column in ("run_on_vds", "migrating_to_vds")
        ),
        _sql(f"SELECT deletevm(vm_guid) FROM (SELECT vm_guid FROM {engine_vms}) t"),  # noqa: S608
        _sql(f"SELECT deletevds(vds_id) FROM {here} t"),  # noqa: S608
        _sql(
            f"UPDATE storage_domain_static SET storage_name={renamed} "  # noqa: S608
            f"WHERE storage_name={_quoted(storage_domain)}"
        ),
        *(f"none {shlex.quote(what)}" for what in (engine_vms, f"vds WHERE {same}", domain)),
    ]
    return SCRIPT.replace("@STATEMENTS@", "\n".join(lines))


def _sql(statement: str) -> str:
    return f"sql {shlex.quote(statement)}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
