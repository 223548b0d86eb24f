"""What is wrong with a pillar by itself, whatever the host: by the schema, and between its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hosted_engine_preflight as checks
import hosted_engine_preflight_engine as engine
import hosted_engine_preflight_storage as storage


def problems(pillar: Mapping[str, Any], host: checks.Host) -> list[checks.Problem]:
    """Every problem; ``host`` has the settings of that pillar. No secret's value is shown."""
    told: list[checks.Problem] = []
    for group in (checks, storage, engine):
        told += group.pillar_problems(pillar, host)
    return told
