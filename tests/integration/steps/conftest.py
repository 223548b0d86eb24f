"""
One deployment, phase by phase: the files' order is that of the phases.

docs/steps.md is made from the tests' markers.
"""

from __future__ import annotations

import pytest

from ..site import Site, failures


def _phase(site: Site, name: str) -> Site:
    states = site.apply(f"hosted_engine.{name}")
    assert not failures(states), failures(states)
    # What README advises before each phase: it must be green behind each, too.
    tried = site.apply(test=True)
    assert not failures(tried), f"test=True after {name}: {failures(tried)}"
    return site


@pytest.fixture(scope="package")
def site() -> Site:
    """hv1 and its site, with nothing on it: a fresh lab."""
    return Site.fresh("hv1")


@pytest.fixture(scope="package")
def fresh(site: Site) -> dict[str, str]:
    """How the host was before the formula touched it."""
    return {
        "default network": site.run(["virsh", "net-info", "default"], codes=(0, 1)).stdout,
        "routes": site.output("ip", "-j", "route"),
    }


@pytest.fixture(scope="package")
def appliance(site: Site, fresh: dict[str, str]) -> Site:
    return _phase(site, "appliance")


@pytest.fixture(scope="package")
def bootstrap(appliance: Site) -> Site:
    return _phase(appliance, "bootstrap")


@pytest.fixture(scope="package")
def engine(bootstrap: Site) -> Site:
    return _phase(bootstrap, "engine")


@pytest.fixture(scope="package")
def handover(engine: Site) -> Site:
    return _phase(engine, "handover")


@pytest.fixture(scope="package")
def deployed(handover: Site) -> Site:
    return _phase(handover, "ha")
