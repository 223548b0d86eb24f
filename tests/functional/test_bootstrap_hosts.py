"""hosted_engine_hosts on a file of its own: other lines stay, byte for byte."""

from __future__ import annotations

import pytest
from ovirt_he.guest import hosts_file

from functional.bootstrap_host import FQDN, Host

PRESENT, ABSENT = "hosted_engine_hosts.present", "hosted_engine_hosts.absent"
OTHERS = (
    b"127.0.0.1\tlocalhost\r\n\n# \xff not UTF-8\n10.0.0.1  other.example.com # engine.example.com"
)


@pytest.fixture
def hosts(host, monkeypatch) -> Host:
    path = host.folder / "hosts"
    path.write_bytes(OTHERS)
    path.chmod(0o664)
    monkeypatch.setattr(hosts_file, "HOSTS", path)
    return host


def content(host: Host) -> bytes:
    return (host.folder / "hosts").read_bytes()


def test_our_line_comes_first_and_goes_without_a_trace(hosts):
    added = hosts.minion.state(PRESENT, FQDN, address="192.168.222.10")

    assert added["result"] is True, added
    assert added["changes"]["address"] == {"old": None, "new": "192.168.222.10"}
    assert (
        content(hosts) == b"192.168.222.10 engine.example.com # hosted-engine bootstrap\n" + OTHERS
    )
    assert (hosts.folder / "hosts").stat().st_mode & 0o777 == 0o664
    assert hosts.minion.state(PRESENT, FQDN, address="192.168.222.10")["changes"] == {}
    gone = hosts.minion.state(ABSENT, FQDN)
    assert gone["result"] is True
    assert gone["changes"]["exists"] == {"old": True, "new": False}
    assert content(hosts) == OTHERS
    assert hosts.minion.state(ABSENT, FQDN)["changes"] == {}


def test_test_mode_writes_nothing(hosts):
    ret = hosts.minion.state(PRESENT, FQDN, test=True, address="192.168.222.10")

    assert ret["result"] is None
    assert content(hosts) == OTHERS


def test_an_older_line_of_ours_is_replaced(hosts):
    hosts.minion.state(PRESENT, FQDN, address="192.168.222.10")

    ret = hosts.minion.state(PRESENT, FQDN, address="192.168.223.10")

    assert ret["changes"]["address"] == {"old": "192.168.222.10", "new": "192.168.223.10"}
    assert content(hosts).count(b"hosted-engine bootstrap") == 1


@pytest.mark.parametrize("test", [False, True], ids=["applied", "test"])
def test_a_users_line_that_leads_elsewhere_is_told_and_left_alone(hosts, test):
    theirs = b"10.0.0.9 ENGINE.example.com engine\n" + OTHERS
    (hosts.folder / "hosts").write_bytes(theirs)

    ret = hosts.minion.state(PRESENT, FQDN, test=test, address="192.168.222.10")

    assert ret["result"] is False
    assert "10.0.0.9" in ret["comment"]
    assert content(hosts) == theirs
    assert hosts.minion.state(ABSENT, FQDN)["changes"] == {}


def test_without_an_address_it_is_the_guests(hosts, hypervisor):
    before = hosts.minion.state(PRESENT, FQDN, test=True)
    assert before["result"] is None
    assert "no network" in before["comment"]
    hosts.minion("hosted_engine_network.define", "hosted-engine")

    ret = hosts.minion.state(PRESENT, FQDN)

    assert ret["changes"]["address"]["new"] == "192.168.222.10"


def test_a_link_is_followed(hosts):
    real = hosts.folder / "real"
    (hosts.folder / "hosts").rename(real)
    (hosts.folder / "hosts").symlink_to(real)

    hosts.minion.state(PRESENT, FQDN, address="192.168.222.10")

    assert (hosts.folder / "hosts").is_symlink()
    assert real.read_bytes().endswith(OTHERS)
