"""The guest's keyfiles and hosts lines, read back by ConfigParser, and the handover of both."""

from __future__ import annotations

import configparser
import socket
from typing import Any

import pytest
from ovirt_he.guest import network
from salt.exceptions import CommandExecutionError

from unit.test_guest_files import Guest, settings, user_data

GRAINS = {"fqdn": "node1.example.com"}
FORESEEABLE = {"addr-gen-mode": "eui64", "ip6-privacy": "0", "dhcp-duid": "ll"}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """What this host's resolver says: the host has both families."""

    def resolve(name: str, *_: Any, **__: Any) -> list[Any]:
        if name != "node1.example.com":
            raise socket.gaierror(-2, "Name or service not known")
        found = ["fe80::1%eno1", "2001:db8::11", "192.0.2.11"]
        return [(0, 1, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def keyfile(
    family: str = "auto", gateway: str = "", mtu: int = 0, **vm: Any
) -> dict[str, dict[str, str]]:
    known = settings(vm=vm, network={"family": family, "mtu": mtu})
    text = network.keyfile(known, gateway, network.address_family.of(known))
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@pytest.mark.feature("static")
def test_a_static_guest_is_found_by_its_mac():
    read = keyfile(
        gateway="192.0.2.1",
        address="192.0.2.10/24",
        dns=["192.0.2.53", "2001:db8::53", "192.0.2.54"],
        mac="00:16:3E:00:00:01",
    )

    assert read["ethernet"] == {"mac-address": "00:16:3e:00:00:01"}
    assert read["ipv4"] == {
        "method": "manual",
        "address1": "192.0.2.10/24,192.0.2.1",
        "may-fail": "false",
        "dns": "192.0.2.53;192.0.2.54;",
        "ignore-auto-dns": "true",
    }
    wanted = {"method": "auto", "dns": "2001:db8::53;", "ignore-auto-dns": "true"}
    assert read["ipv6"] == FORESEEABLE | wanted


@pytest.mark.feature("ipv6")
def test_a_static_guest_in_ipv6():
    read = keyfile(gateway="fe80::1", address="2001:db8::10/64", dns=["2001:db8::53"])

    assert read["ipv6"] == {
        "method": "manual",
        "address1": "2001:db8::10/64,fe80::1",
        "may-fail": "false",
        "dns": "2001:db8::53;",
        "ignore-auto-dns": "true",
    }
    assert read["ipv4"] == {"method": "auto", "ignore-auto-dns": "true"}


@pytest.mark.feature("dhcp")
def test_without_an_address_dhcp_is_asked():
    assert keyfile()["ipv4"] == {"method": "auto", "may-fail": "false"}
    assert keyfile()["ipv6"] == FORESEEABLE | {"method": "auto"}
    assert keyfile("ipv6")["ipv6"] == FORESEEABLE | {"method": "auto", "may-fail": "false"}


@pytest.mark.feature("family")
@pytest.mark.parametrize(("family", "other"), [("ipv4", "ipv6"), ("ipv6", "ipv4")])
def test_a_forced_family_switches_the_other_off(family, other):
    read = keyfile(family, search_domain="example.com")

    assert read[other] == {"method": "disabled"}
    assert read[family]["method"] == "auto"
    assert read[family]["dns-search"] == "example.com;"


@pytest.mark.feature("mtu")
def test_the_network_s_mtu_is_the_guest_s():
    assert keyfile(mtu=9000)["ethernet"]["mtu"] == "9000"


@pytest.mark.feature("search_domain")
def test_the_search_domain_is_each_family_s():
    read = keyfile(search_domain="example.com", address="192.0.2.10/24")

    assert read["ipv4"]["dns-search"] == read["ipv6"]["dns-search"] == "example.com;"


@pytest.mark.feature("ipv6")
def test_in_ipv6_the_bootstrap_vm_has_a_static_address_before_its_setup():
    known = settings(network={"family": "ipv6"})
    made = network.files(known, GRAINS, "", "fd00:1234:5678:900::a")
    parser = configparser.ConfigParser()
    parser.read_string(made[network.BOOTSTRAP_KEYFILE])

    assert dict(parser["ipv6"]) == {
        "method": "manual",
        "address1": "fd00:1234:5678:900::a/64,fd00:1234:5678:900::1",
        "dns": "fd00:1234:5678:900::1;",
    }
    first, second, *_, last = (*network.commands(made), ["systemctl"])
    assert first == ["nmcli", "connection", "load", network.BOOTSTRAP_KEYFILE]
    assert second[:3] == ["nmcli", "connection", "up"]
    assert last == ["systemctl"]
    assert "nmcli" not in str(user_data()["runcmd"])


def test_the_guest_finds_engine_and_host_in_the_deployment_s_family():
    for family, engine, host in (
        ("ipv4", "192.168.222.10", "192.0.2.11"),
        ("ipv6", "fd00::a", "2001:db8::11"),
    ):
        lines = network.hosts(settings(), GRAINS, family, engine).splitlines()
        assert lines == [
            f"{engine} engine.example.com engine # hosted-engine bootstrap",
            f"{host} node1.example.com # hosted-engine bootstrap",
        ]


def test_a_host_without_an_address_of_the_family_is_told():
    known = settings(host={"address": "node2.example.com"})

    with pytest.raises(CommandExecutionError, match=r"node2\.example\.com has no IPv6 address"):
        network.hosts(known, GRAINS, "ipv6", "fd00::a")


@pytest.mark.feature("hosts_entries")
@pytest.mark.parametrize(
    ("vm", "kept"),
    [
        ({}, ""),
        ({"hosts_entries": True}, "192.0.2.11 node1.example.com\n"),
        (
            {"hosts_entries": True, "address": "192.0.2.10/24"},
            "192.0.2.10 engine.example.com engine\n192.0.2.11 node1.example.com\n",
        ),
    ],
    ids=["none", "DHCP", "static"],
)
def test_lines_that_the_final_guest_keeps(tmp_path, vm, kept):
    made = network.final_files(settings(vm=vm), GRAINS, "")
    guest = Guest(tmp_path)
    (tmp_path / "var/lib/hosted-engine/final.hosts").write_text(made[network.FINAL_HOSTS])

    guest.boot()

    assert (tmp_path / "etc/hosts").read_text() == "127.0.0.1 localhost\n" + kept


@pytest.mark.feature("hosts_entries")
def test_a_handover_that_was_cut_short_doubles_no_line(tmp_path):
    guest = Guest(tmp_path)
    kept = "192.0.2.10 engine.example.com engine\n192.0.2.11 node1.example.com\n"
    (tmp_path / "var/lib/hosted-engine/final.hosts").write_text(kept)
    (tmp_path / "etc/hosts").write_text(f"127.0.0.1 localhost\n\n{kept}")

    guest.boot()

    assert (tmp_path / "etc/hosts").read_text() == f"127.0.0.1 localhost\n\n{kept}"
