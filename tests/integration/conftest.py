"""Sites of the lab: a hypervisor, its engine, its share. Each module takes the state it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .site import Site, lab


@pytest.fixture(scope="session", autouse=True)
def switched_off() -> Iterator[None]:
    """No hypervisor runs on after the tests; their disks stay, for a look: `lab up`."""
    yield
    lab("down")


@pytest.fixture(scope="module")
def site() -> Site:
    """hv1 and its site, with nothing on it: a fresh lab."""
    return Site.fresh("hv1")
