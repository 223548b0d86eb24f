"""The stand-in of the module sanlock, as the real one answered; leases as vdsm asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .standins import SD, VOLUME, standin

agent = standin("hosted_engine_ha_standin.agent")
broker = standin("hosted_engine_ha_standin.broker")
client = standin("sanlock_standin.client")
daemon = standin("sanlock_standin.daemon")
leases = standin("vdsm_standin.leases")
sanlock = standin("sanlock")

SPACE = b"hosted-engine"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    """This host's daemon."""
    made = daemon.Daemon("hv1")
    monkeypatch.setattr(client, "call", lambda verb, **words: getattr(made, verb)(**words))
    monkeypatch.setattr(daemon, "DEAD_SECONDS", 0.1)
    monkeypatch.setattr(sanlock, "DEAD_SECONDS", 0.1)
    return made


@pytest.fixture
def path(tmp_path: Path) -> str:
    volume = tmp_path / "lockspace"
    volume.write_bytes(bytes(1 << 20))
    sanlock.write_lockspace(SPACE, str(volume))
    return str(volume)


def test_a_host_id_is_owned_once(path: str) -> None:
    sanlock.add_lockspace(SPACE, 1, path)

    assert sanlock.inq_lockspace(SPACE, 1, path) is True
    assert sanlock.inq_lockspace(SPACE, 2, path) is False
    (space,) = sanlock.get_lockspaces()
    assert (space["lockspace"], space["host_id"], space["flags"]) == (SPACE, 1, 0)
    assert broker.host_id_is_locked()
    sanlock.rem_lockspace(SPACE, 1, path)
    assert not broker.host_id_is_locked()


def test_codes_are_the_real_ones(path: str, tmp_path: Path) -> None:
    """sanlock 3.8.5: the system's are positive, its own negative."""
    sanlock.add_lockspace(SPACE, 1, path)
    empty = tmp_path / "empty"
    empty.write_bytes(bytes(1 << 20))
    for place, code in {
        (SPACE, 1, path): 17,
        (SPACE, 2, path): 22,
        (b"other", 1, str(empty)): -223,
        (b"other", 1, path): -228,
    }.items():
        with pytest.raises(sanlock.SanlockException) as caught:
            sanlock.add_lockspace(*place)
        assert caught.value.errno == code
        assert len(caught.value.args) == 3


class Elsewhere:
    """Another host, which renews its id at each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
        self.daemon, self.path = daemon.Daemon("hv2"), path
        self.clock = 100.0
        self.daemon.add_lockspace("hosted-engine", 2, path)
        monkeypatch.setattr(daemon.time, "sleep", self.sleep)

    def sleep(self, _seconds: float) -> None:
        space = self.daemon.spaces.get("hosted-engine")
        if space:
            space["generation"] += 1
            self.daemon._renew("hosted-engine", space)


def test_a_living_host_s_id_is_busy(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Elsewhere(monkeypatch, path)

    with pytest.raises(sanlock.SanlockException) as caught:
        sanlock.add_lockspace(SPACE, 2, path)

    assert caught.value.errno == -262


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("alive", [True, False])
def test_metadata_of_a_living_host_is_spared(
    path: str, monkeypatch: pytest.MonkeyPatch, own: bool, alive: bool
) -> None:
    other = Elsewhere(monkeypatch, path)
    if own:
        sanlock.add_lockspace(SPACE, 1, path)
    if not alive:
        other.daemon.spaces.clear()

    assert agent._is_leased(2, path) is alive
    assert agent._is_leased(3, path) is False
    assert [space["host_id"] for space in sanlock.get_lockspaces()] == [1] * own


def test_libvirt_is_given_the_leases() -> None:
    chain = {"domainID": SD, "volumeID": VOLUME, "leasePath": "/a/b.lease", "leaseOffset": 4096}

    xml = leases.add("<domain><devices/></domain>", [leases.Lease.of(chain)])

    (lease,) = ElementTree.fromstring(xml).iter("lease")
    assert (lease.findtext("lockspace"), lease.findtext("key")) == (SD, VOLUME)
    assert lease.find("target").attrib == {"path": "/a/b.lease", "offset": "4096"}


def test_a_domains_lockspace_is_this_hosts_once_it_is_monitored(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = type("Domain", (), {"ids": lambda self: path})()
    monkeypatch.setattr(leases.storage, "find", lambda _id: domain)
    monkeypatch.setattr(leases, "MONITORED", {})
    sanlock.write_lockspace(SD.encode(), path)

    leases.start_monitoring(SD, 1)
    leases.start_monitoring(SD, 1)

    assert leases.monitored([SD]) == {SD: {"acquired": True}}
