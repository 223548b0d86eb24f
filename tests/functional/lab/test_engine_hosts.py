"""How the simulator's hosts come up, or don't."""

from __future__ import annotations

from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from functional.engine_process import Engine

from .conftest import Site


def statuses(engine: Engine, host: Any, last: str) -> list[str]:
    """Each status that is seen until ``last``, once."""
    seen: list[str] = []

    def look() -> bool:
        status = host.get().status.value
        if status not in seen:
            seen.append(status)
        return status == last

    engine.wait(look)
    return seen


def test_a_host_is_installed_and_up(engine: Engine, site: Site) -> None:
    engine.stop()
    engine.start(speed="0.5")
    host = site.add_host()

    assert statuses(engine, host, "up")[-2:] == ["initializing", "up"]
    seen = engine.curl(f"/hosts/{host.get().id}")
    assert seen.findtext("ssh/fingerprint", "").startswith("SHA256:")
    assert engine.sql("SELECT vds_spm_id FROM vds WHERE vds_name='hv1'") == "1\n"


def test_a_host_reboots_unless_told_otherwise(engine: Engine, site: Site) -> None:
    engine.stop()
    engine.start(speed="0.5")

    assert "reboot" in statuses(engine, site.add_host(reboot=None), "up")


def test_a_failed_installation_says_why(engine: Engine, site: Site) -> None:
    engine.faults(host_install="install_failed")
    host = site.add_host()

    statuses(engine, host, "install_failed")

    events = engine.curl("/events?search=severity%3E%3Dwarning")
    assert "installation failed" in (events.findtext("event/description") or "")
    assert events.findtext("event/host/name") == "hv1"
    assert {e.findtext("severity") for e in events} == {"error"}


@pytest.mark.parametrize(
    ("fault", "text"), [("forbidden", "SSH authentication failed"), ("unreachable", "via SSH")]
)
def test_a_host_that_cannot_be_signed_in_to_is_not_added(
    engine: Engine, site: Site, fault: str, text: str
) -> None:
    engine.faults(**{fault: ["hv1.lab.test"]})

    with pytest.raises(ovirtsdk4.Error, match=text) as caught:
        site.add_host()

    assert caught.value.code == 409
    assert len(engine.curl("/hosts")) == 0


def test_lost_network_makes_it_non_operational_until_it_is_back(engine: Engine, site: Site) -> None:
    engine.faults(network_lost=True)
    host = site.add_host()
    statuses(engine, host, "non_operational")
    descriptions = [e.findtext("description") or "" for e in engine.curl("/events")]
    assert any("'ovirtmgmt'" in text for text in descriptions)

    engine.faults()
    assert statuses(engine, host, "up")[-1] == "up"


def test_a_host_that_vanishes_is_non_responsive(engine: Engine, site: Site) -> None:
    host = site.up_host()
    engine.faults(unreachable=["hv1.lab.test"])

    assert statuses(engine, host, "non_responsive")[-1] == "non_responsive"


def test_maintenance_and_back(engine: Engine, site: Site) -> None:
    host = site.up_host()
    with pytest.raises(ovirtsdk4.Error, match="Host in Up status"):
        host.activate()
    host.deactivate()
    statuses(engine, host, "maintenance")
    host.activate()
    statuses(engine, host, "up")
    with pytest.raises(ovirtsdk4.Error, match="Host is operational"):
        host.remove()


def test_ha_shows_with_all_content_only(engine: Engine, site: Site, api: Any) -> None:
    engine.faults(hosted_engine={"configured": True, "active": True, "score": 3400})
    site.up_host()
    hosts = api.hosts_service()

    assert hosts.list(all_content=True)[0].hosted_engine.score == 3400
    assert hosts.list()[0].hosted_engine is None


def test_spm_ids_are_unique_and_one_host_is_spm(engine: Engine, site: Site, api: Any) -> None:
    site.active_domain()
    site.up_host("hv2")

    assert engine.sql("SELECT vds_spm_id FROM vds ORDER BY vds_name") == "1\n2\n"
    spm = [host.spm.status for host in api.hosts_service().list()]
    assert sorted(status.value for status in spm) == ["none", "spm"]


def test_a_restart_keeps_the_state_and_fails_what_was_under_way(engine: Engine, site: Site) -> None:
    up = site.up_host().get().id
    engine.faults(stuck="host")
    under_way = site.add_host("hv2").get().id

    engine.stop()
    engine.faults()
    engine.start()

    assert engine.curl(f"/hosts/{under_way}").findtext("status") == "install_failed"
    assert engine.curl(f"/hosts/{up}").findtext("status") == "up"
    assert types.HostStatus.UP.value == "up"
