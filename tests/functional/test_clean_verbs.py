"""Verbs of clean where there is nothing to do: a run of another process may have been faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ovirt_he.core import records
from unit.configured import DOMAIN, OTHER

from functional.clean_host import PLACE, looked, mount
from functional.storage_host import StorageHost, host, minions, wants_root

__all__ = ["host", "looked", "minions", "mount"]
pytestmark = wants_root


@pytest.mark.parametrize("recorded", [None, {"made": DOMAIN, "storage": PLACE}])
def test_where_nothing_is_left_nothing_is_touched(
    host: StorageHost, mount: Path, looked: dict[str, Any], recorded: dict[str, Any] | None
) -> None:
    if recorded:
        records.write("deployment", recorded)
        (mount / DOMAIN).rename(mount / "elsewhere")
    before = sorted(path.name for path in mount.iterdir())

    host.minions[False]("hosted_engine_clean.remove_storage")

    assert sorted(path.name for path in mount.iterdir()) == before
    assert OTHER in before
    assert host.systemctl() == [], "vdsm isn't restarted either"


@pytest.mark.parametrize("recorded", [{}, {"made": DOMAIN, "storage": PLACE}])
def test_a_domain_that_is_recorded_or_was_never_begun_is_not_asked_for(
    host: StorageHost, recorded: dict[str, Any]
) -> None:
    """Though the bootstrap VM runs; its engine isn't there, and would be an error."""
    records.write("deployment", recorded)
    host.run("HostedEngineLocal")
    minion = host.minions[False]

    assert minion("hosted_engine_clean.unrecorded") is None
    minion("hosted_engine_clean.record_storage")

    assert records.read("deployment") == recorded


def test_what_isn_t_authorised_any_more_is_not_removed(host: StorageHost) -> None:
    assert host.minions[False]("hosted_engine_clean.key") is None
    host.minions[False]("hosted_engine_clean.remove_key")
