"""``hosted-engine --vm-status``: for people, or as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from hosted_engine_ha_standin.link import broker

TITLES = {
    "host-id": "Host ID",
    "host-ts": "Host timestamp",
    "score": "Score",
    "engine-status": "Engine status",
    "hostname": "Hostname",
    "maintenance": "Local maintenance",
    "live-data": "Status up-to-date",
}
GLOBAL = "\n\n!! Cluster is in GLOBAL MAINTENANCE mode !!\n"


def as_json(stats: dict[str, Any]) -> str:
    """All hosts by their id, and the global flag beside them."""
    return json.dumps(
        stats["hosts"] | {"global_maintenance": stats["global"].get("maintenance", False)}
    )


def _shown(key: str, value: Any, facts: dict[str, Any]) -> Any:
    if key != "engine-status":
        return value
    return json.dumps(value) if facts["live-data"] else "unknown stale-data"


def as_text(stats: dict[str, Any]) -> str:
    """What a person reads."""
    maintenance = [GLOBAL] if stats["global"].get("maintenance") else []
    lines = list(maintenance)
    for host_id, facts in stats["hosts"].items():
        lines.append(f"\n\n--== Host {facts['hostname']} (id: {host_id}) status ==--\n")
        for key, value in facts.items():
            if key != "extra":
                lines.append(f"{TITLES.get(key, key):35}: {_shown(key, value, facts)}")
        lines.append(f"{'Extra metadata (valid at timestamp)':35}:")
        lines += [f"\t{line}" for line in facts["extra"].splitlines()]
    return "\n".join([*lines, *maintenance])


def vm_status(*options: str) -> int:
    """
    Print the status: 0, or 1 where there is nothing to say.

    With the broker down: words on stderr and 1; with ``--json`` a traceback and no JSON.
    """
    with_json = "--json" in options
    try:
        stats = broker("get_stats")
    except OSError as err:
        if with_json:
            raise
        sys.stderr.write(f"{err}\nCannot connect to the HA daemon, please check the logs.\n")
        sys.stderr.write(
            "An error occured while retrieving vm status, please make sure the HA daemon is ready"
            " and reachable.\nUnable to connect the HA Broker \n"
        )
        return 1
    if with_json:
        print(as_json(stats))
        return 0
    print(as_text(stats))
    return 0 if stats["hosts"] else 1
