"""A storage server and a hypervisor whose kernels are their own: user-mode Linux."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from usermode.formula import Formula
from usermode.host import UserModeHost
from usermode.site import Site, running


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("taps and namespaces are root's")
    with running() as site:
        yield site


@pytest.fixture(scope="session")
def nas(site: Site) -> UserModeHost:
    return site.nas


@pytest.fixture(scope="session")
def hv(site: Site) -> UserModeHost:
    return site.hv


@pytest.fixture(scope="session")
def formula(hv: UserModeHost) -> Iterator[Callable[..., Formula]]:
    """Gives the formula with a pillar; one process for all that ask with the same."""
    open_ones: dict[str, Formula] = {}

    def with_pillar(**parts: Any) -> Formula:
        known = pillar(**parts)
        if str(known) not in open_ones:
            open_ones[str(known)] = Formula(hv, known)
        return open_ones[str(known)]

    yield with_pillar
    for one in open_ones.values():
        one.close()


def pillar(**parts: Any) -> dict[str, Any]:
    """A pillar for hv: NFS, unless ``storage`` says otherwise."""
    return {
        "hosted_engine": {
            "engine": {"fqdn": "engine.lab.test"},
            "host": {"name": "hv.lab.test", "address": "hv.lab.test"},
            "storage": nfs("engine1", "v3"),
            "secrets": {"admin_password": "not-to-be-seen-admin"},
            **parts,
        }
    }


def nfs(export: str, version: str) -> dict[str, str]:
    where = {"address": "nas.lab.test", "path": f"/exports/{export}"}
    return {"type": "nfs", "nfs_version": version, **where}
