"""The default gateway of the host, which is also the guest's in its final place."""

from __future__ import annotations

import json
from typing import Any

import hosted_engine_command as command
import hosted_engine_family as family_
import hosted_engine_record as record


def of(settings: dict[str, Any]) -> str:
    """
    The gateway that the pillar names, else the host's; "": there is none.

    While the engine's installation of the host has cost it its routes, those before count.
    """
    if named := settings["network"]["gateway"]:
        return str(named)
    family = family_.of(settings)
    before = [
        route
        for route in (record.read("routes") or {}).get("routes", [])
        if route.get("family", family_.IPV4) == family
    ]
    told = command.run("ip", "-j", family_.OPTIONS[family], "route", "show", "default").stdout
    for route in [*before, *json.loads(told or "[]")]:
        if route["dst"] == "default" and "gateway" in route:
            return str(route["gateway"])
    return ""
