"""Checks of preflight: whether the configuration archive has room for the pillar's settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.ha import archive, conf, fhanswers
from ovirt_he.pillar import keys
from ovirt_he.preflight.check import Check, Host, Problem, problem

# As long as the real ones; an address of IPv6 for the gateway that the host will have.
ADDRESS = "2001:db8:1234:5678:1234:5678:1234:5678"
DISK = {"image": conf.NO_UUID, "volume": conf.NO_UUID}
IDS: dict[str, Any] = {
    "vm_id": conf.NO_UUID,
    "storage_domain": conf.NO_UUID,
    "host_id": 1000,
    "disks": dict.fromkeys(conf.DISKS, DISK),
    "cpu_type": "Cascadelake-Server-noTSX",
    "emulated_machine": "pc-q35-rhel9.2.0",
}


def archive_has_room(host: Host) -> Iterator[Problem]:
    """The configuration archive, limited to 20,480 bytes, has room for what the pillar says."""
    settings = host.settings
    members = {
        conf.HOSTED_ENGINE: conf.hosted_engine_conf(settings, IDS, ADDRESS),
        conf.VM: conf.vm_conf(settings, IDS),
        conf.BROKER: conf.broker_conf(settings),
        conf.VERSION: "2.5.2\n",
        conf.ANSWERS: fhanswers.text(settings, IDS, conf.NO_UUID),
    }
    try:
        archive.build(members)
    except CommandExecutionError as error:
        written = keys.named(keys.DEPLOY).keys() & keys.leaves(settings).keys()
        lengths = {path: len(str(keys.leaves(settings)[path])) for path in written}
        longest = max(sorted(lengths), key=lambda path: lengths[path])
        yield problem(longest, str(error), "Shorten it, or set the remaining ones in a hook")


CHECKS: list[Check] = [archive_has_room]
