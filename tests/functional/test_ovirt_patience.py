"""One unanswered look is no verdict: what waits for the engine goes on when it's heard again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from minion import ROOT, Minion
from ovirt_he.core.errors import Unreachable
from ovirt_he.engine import patience

from functional.engine_proxy import Proxy, between, by
from functional.ovirt import Host, host, pillar
from functional.ovirt_vm import FOUR, NAME, defined, marked, present
from functional.test_ovirt_storage import DISKS, active

__all__ = ["host"]

NODE = "node1.example.com"


@pytest.fixture
def proxy(host: Host) -> Iterator[Proxy]:
    """The host reaches the engine through the proxy."""
    with between(host.engine) as made:
        modules = [str(host.folder / "modules"), str(ROOT / "_modules")]
        known = by(pillar(host.engine), made)
        host.minion = Minion(host.folder / "by-proxy", known, module_dirs=modules)
        yield made


def up(host: Host) -> None:
    host.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
    host.minion("ovirt_host.wait", NODE)


def test_an_unanswered_look_at_a_host_goes_on(host: Host, proxy: Proxy) -> None:
    host.minion("ovirt_host.add", NODE, "127.0.0.1", "Default")
    proxy.lose_once("GET", "/hosts", "html")

    host.minion("ovirt_host.wait", NODE)

    assert host.engine.curl("/hosts").findtext("host/status") == "up"


def test_an_unanswered_look_at_disks_goes_on(host: Host, proxy: Proxy) -> None:
    up(host)
    assert active(host)["result"] is True
    host.minion("ovirt_disk.add", "hosted_storage", DISKS)
    proxy.lose_once("GET", "/storagedomains/[^/]+/disks", "html")

    host.minion("ovirt_disk.wait", "hosted_storage", list(DISKS))

    assert {each.findtext("status") for each in host.engine.curl("/disks")} == {"ok"}


def test_an_unanswered_look_at_a_vm_goes_on(host: Host, proxy: Proxy) -> None:
    proxy.lose_once("GET", "/vms", "html")

    host.minion("ovirt_vm.add", NAME, "Default", 1024, 1, "uefi")

    assert host.engine.curl("/vms").findtext("vm/status") == "down"


def test_an_unanswered_look_at_ha_goes_on(host: Host, proxy: Proxy) -> None:
    host.engine.faults(hosted_engine={"configured": True, "active": True, "score": 3400})
    up(host)
    proxy.lose_once("GET", "/hosts", "html")

    host.minion("ovirt_hosted_engine.wait", NODE, "active")


def test_an_unanswered_look_at_the_ovf_stores_goes_on(host: Host, proxy: Proxy) -> None:
    up(host)
    assert active(host)["result"] is True
    state = host.minion.state
    assert state("ovirt_disk.present", "x", storage_domain="hosted_storage", disks=FOUR)["result"]
    assert present(host)["result"] is True
    assert marked(host)["result"] is True
    # The first look is the state's, the next one finds out what is to be changed.
    proxy.lose_once("GET", "/storagedomains/[^/]+/disks", "html", skip=2)

    result = defined(host)

    assert result["result"] is True, result["comment"]


def test_an_engine_that_stays_silent_is_said_to_be() -> None:
    asked: list[int] = []

    def read() -> None:
        asked.append(1)
        raise Unreachable(f"silent {len(asked)}")

    with pytest.raises(Unreachable, match="silent"):
        patience.patient(read, 0.5)()
    assert len(asked) > 1


def test_what_it_answers_is_believed_at_once() -> None:
    answers = iter([Unreachable("not now"), "up"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    assert patience.patient(read, 5)() == "up"
    with pytest.raises(ZeroDivisionError):
        patience.patient(lambda: 1 / 0, 5)()
