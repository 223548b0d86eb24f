"""What is mutated, and which tests must notice: guards before something is lost, and parsers."""

from __future__ import annotations

from typing import NamedTuple

UNIT, FUNCTIONAL = "tests/unit/test_", "tests/functional/test_"


class Target(NamedTuple):
    """``functions``: all of the file where none is named. ``tests``: pytest's arguments."""

    path: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


def _utils(room: str, functions: str, *tests: str) -> Target:
    named = tuple(functions.split())
    return Target(f"_utils/ovirt_he/{room}.py", named, tuple(f"{UNIT}{one}.py" for one in tests))


TARGETS = [
    # Secrets
    _utils("core/text", "", "text"),
    _utils("core/state", "drift converge _shown refuse_other Outcome.changes", "state"),
    _utils("core/command", "run_binary brief _end", "command"),
    _utils("core/records", "", "record"),
    _utils("pillar/settings", "", "settings"),
    _utils("guest/answers", "", "guest_answers"),
    _utils("host/authorized_keys", "", "ovirt_authorized_keys"),
    # The pillar, and whatever refuses before anything is changed
    _utils("pillar/validate", "", "schema"),
    _utils("pillar/storage", "", "storage"),
    _utils("preflight/access", "", "preflight_access"),
    _utils("preflight/links", "", "preflight_links"),
    _utils("preflight/luns", "", "preflight_luns"),
    _utils("preflight/export", "", "preflight_export"),
    _utils("preflight/storage", "", "preflight_storage"),
    _utils("preflight/network", "", "preflight"),
    _utils("preflight/machine", "", "preflight"),
    # Parsers of what others wrote
    _utils("bootstrap/image", "", "image"),
    _utils("guest/backup", "", "restore"),
    _utils("ha/archive", "", "archive"),
    _utils("ha/conf", "properties _host_id ids unreadable", "conf"),
    _utils("ha/status", "parse _reason _host may_run_engine claims_health health", "ha_status"),
    _utils("host/address", "", "family"),
    _utils("host/ip", "", "ip"),
    _utils("host/iscsi", "", "san"),
    _utils("host/lun_selection", "choose why_not", "san"),
]
