"""What is mutated, and which tests must notice: guards before something is lost, and parsers."""

from __future__ import annotations

from typing import NamedTuple

UNIT, FUNCTIONAL = "tests/unit/test_", "tests/functional/test_"
PROXY = "no_proxy_of_the_environment_is_asked_for_the_engine"


class Target(NamedTuple):
    """``functions``: all of the file where none is named. ``tests``: pytest's arguments."""

    path: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


def _utils(room: str, functions: str, *tests: str) -> Target:
    """A module of the package; the examples in its docstrings are tests as well."""
    files = tuple(f"{UNIT}{one}.py" for one in (*tests, "examples"))
    return Target(f"_utils/ovirt_he/{room}.py", tuple(functions.split()), files)


def _functional(path: str, functions: str, *tests: str) -> Target:
    """A module whose tests want the real loader, or real files and mounts."""
    return Target(path, tuple(functions.split()), tuple(f"{FUNCTIONAL}{one}" for one in tests))


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
    _utils("pillar/validate", "", "schema", "schema_messages"),
    _utils("pillar/storage", "", "storage"),
    _utils("preflight/access", "", "preflight_access"),
    _utils("preflight/links", "", "preflight_links", "preflight_mtu"),
    _utils("preflight/luns", "", "preflight_luns"),
    _utils("preflight/export", "", "preflight_export"),
    _utils("preflight/storage", "", "preflight_storage"),
    _utils("preflight/network", "", "preflight_network"),
    _utils("preflight/machine", "", "preflight_machine"),
    # Parsers of what others wrote
    _utils("bootstrap/image", "", "image", "image_packages"),
    _utils("guest/backup", "", "restore"),
    _utils("ha/archive", "", "archive"),
    _utils("ha/conf", "properties _host_id ids unreadable", "conf"),
    _utils("ha/status", "parse _reason _host may_run_engine claims_health health", "ha_status"),
    _utils("host/address_family", "", "address_family"),
    _utils("host/ip", "", "ip", "next_hops"),
    _utils("host/iscsi", "", "iscsi"),
    _utils("host/block_devices", "", "block_devices"),
    _utils("host/lun_selection", "choose why_not", "lun_selection"),
    # Whose it is, before it is removed or written to
    _utils("ha/own_domain", "", "own_domain"),
    _utils("engine/connection", "named find", "engine_requests"),
    _utils("engine/storage_request", "", "storage_request", "engine_requests"),
    # What becomes SQL, and what goes past proxies
    _utils("engine/vm_devices", "checked_id resources bios_type chipset", "engine_requests"),
    _utils("guest/restore_script", "", "restore_script"),
    _functional("_modules/hosted_engine_guest.py", "prepared prepare", "guest_prepared.py"),
    _functional("_utils/ovirt_he/engine/https.py", "", f"ovirt_answers.py::test_{PROXY}"),
    # What is removed, and what is written to shared disks
    Target(
        "_utils/ovirt_he/ha/left_domain.py",
        (),
        (f"{UNIT}left_domain.py", f"{FUNCTIONAL}clean_storage.py"),
    ),
    _functional("_utils/ovirt_he/ha/metadata.py", "", "disk.py"),
    _utils("ha/sanlock", "name place holds_host_id", "sanlock"),
    _functional("_utils/ovirt_he/ha/sanlock.py", "initialise", "lockspace.py"),
    _functional("_utils/ovirt_he/host/volume.py", "", "volume.py", "config.py"),
    _functional(
        "_modules/hosted_engine_clean.py", "", "clean_verbs.py", "clean.py", "clean_storage.py"
    ),
    _functional("_modules/hosted_engine_config.py", "", "config.py"),
    _functional("_modules/hosted_engine_disk.py", "", "disk_copy.py", "disk.py"),
]
