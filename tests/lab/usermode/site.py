"""nas and hv: up, with all that they serve, and gone again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hosts.cache import locked

from . import build, host

SETUP = "/srv/formula/tests/lab/usermode"


@dataclass(frozen=True)
class Site:
    """A storage server and a hypervisor, each with a kernel of its own."""

    nas: host.UserModeHost
    hv: host.UserModeHost


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """Build what isn't built, start both, and leave nothing of them."""
    with locked(host.LOCK):
        yield from _running()


def _running() -> Iterator[Site]:
    parts = build.build()
    build.link(parts)
    site = Site(
        host.UserModeHost(parts, "nas", "10.78.0.2", 768, 1),
        host.UserModeHost(parts, "hv", "10.78.0.12", 1024, 2),
    )
    host.network_up(site.nas.taps + site.hv.taps)
    try:
        for each in (site.nas, site.hv):
            each.start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(_set_up, (site.nas, site.hv)))
        yield site
    finally:
        # A hypervisor whose storage is gone doesn't shut down.
        for each in (site.hv, site.nas):
            each.stop()
        host.network_down()


def _set_up(each: host.UserModeHost) -> None:
    each.wait()
    each.run(f"{SETUP}/{each.name}-setup")
