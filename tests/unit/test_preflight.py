"""Preflight's checks, each on a host that has one fault; readings of the host are given."""

from __future__ import annotations

import copy
import json
import os
import socket
import struct
import subprocess
import tarfile
from typing import Any, NamedTuple
from unittest.mock import create_autospec

import pytest
from ovirt_he.bootstrap import image
from ovirt_he.core import command, records
from ovirt_he.guest import hosts_file
from ovirt_he.ha import conf
from ovirt_he.host import stage, subnet
from ovirt_he.pillar import settings
from ovirt_he.preflight import archive, engine, machine, network, storage
from ovirt_he.preflight import check as preflight
from salt.exceptions import CommandExecutionError

PILLAR: dict[str, Any] = {
    "hosted_engine": {
        "engine": {"fqdn": "engine.example.com"},
        "storage": {"address": "nas.example.com", "path": "/exports/engine"},
        "vm": {"address": "192.0.2.10/24", "memory_mib": 4096, "cpus": 1, "disk_gib": 1},
        "secrets": {"admin_password": "hunter2"},
    }
}
GRAINS = {"fqdn": "node1.example.com", "cpu_flags": ["vmx"]}
LINKS = [
    {"ifname": "lo", "address": "00:00:00:00:00:00", "addr_info": []},
    {
        "ifname": "eno1",
        "address": "52:54:00:00:00:01",
        "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}],
    },
    {"ifname": "eno2", "address": "52:54:00:00:00:02", "addr_info": []},
]
ROUTES = [{"dst": "default", "gateway": "192.0.2.1", "dev": "eno1"}]
NAMES = {
    "engine.example.com": ["192.0.2.10"],
    "node1.example.com": ["192.0.2.11"],
    "nas.example.com": ["192.0.2.5"],
}


class Lab:
    """What the checks see of the host; a test changes one thing."""

    def __init__(self) -> None:
        self.links, self.routes = copy.deepcopy(LINKS), copy.deepcopy(ROUTES)
        self.all_routes = [*self.routes, {"dst": "192.0.2.0/24", "dev": "eno1"}]
        self.names, self.dns = copy.deepcopy(NAMES), copy.deepcopy(NAMES)
        self.neighbours: list[dict[str, str]] = []
        self.pillar = copy.deepcopy(PILLAR)
        self.grains: dict[str, Any] = dict(GRAINS)

    def command(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        answers: dict[str, Any] = {
            "ip -json -d address show": self.links,
            "ip -json -4 neigh show 192.0.2.10": self.neighbours,
            "ip -json -6 neigh show 2001:db8::10": self.neighbours,
        }
        for option in ("-4", "-6"):
            answers |= {
                f"ip -json {option} route show default": self.routes,
                f"ip -json {option} route show table all": self.all_routes,
            }
        line = " ".join(arguments)
        if line.startswith("getent -s dns ahosts "):
            found = self.dns.get(arguments[-1], [])
            text = "".join(f"{address} STREAM x\n" for address in found)
            return subprocess.CompletedProcess(arguments, 0 if found else 2, text, "")
        return subprocess.CompletedProcess(arguments, 0, json.dumps(answers[line]), "")

    def resolve(self, name: str, *_: Any, **__: Any) -> list[Any]:
        if name not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, 0)) for address in self.names[name]]

    def host(self) -> preflight.Host:
        return preflight.Host(settings.merge(self.pillar, self.grains), self.grains, {})

    def problems(self, check: preflight.Check) -> list[dict[str, str]]:
        return list(check(self.host()))

    def keys(self, check: preflight.Check) -> list[str]:
        return [one["key"].removeprefix("hosted_engine:") for one in self.problems(check)]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A host on which everything is as it should be."""
    lab = Lab()
    run = create_autospec(command.run, side_effect=lab.command)
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(network.socket, "getaddrinfo", lab.resolve)
    monkeypatch.setattr(subnet, "RESOLVERS", tmp_path / "resolv.conf")
    unreachable = create_autospec(socket.create_connection, side_effect=OSError(113, "No route"))
    monkeypatch.setattr(network.socket, "create_connection", unreachable)
    monkeypatch.setattr(records, "DIRECTORY", tmp_path / "records")
    monkeypatch.setattr(hosts_file, "HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(network, "BOOTSTRAP_NETWORK", tmp_path / "network.xml")
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(conf, "CONFIGURATION", tmp_path / "hosted-engine.conf")
    monkeypatch.setattr(image, "PACKAGES", tmp_path / "packages")
    monkeypatch.setattr(machine, "ENGINE_UNITS", [tmp_path / "ovirt-engine.service"])
    monkeypatch.setattr(stage, "RUNNING", tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "packages").mkdir()
    (tmp_path / "meminfo").write_text("MemTotal: 16 kB\nMemAvailable:    8388608 kB\n")
    lab.pillar["hosted_engine"]["bootstrap"] = {"directory": str(tmp_path / "bootstrap")}
    return lab


def running(directory, name: str) -> None:
    (directory / "run" / f"{name}.pid").write_text(str(os.getpid()))


def test_a_host_that_fits_has_no_problems(lab):
    host = lab.host()

    assert preflight.pillar_problems(lab.pillar, host) == []
    assert list(storage.pillar_problems(lab.pillar, host)) == []
    assert (
        preflight.found(network.CHECKS + storage.CHECKS + machine.CHECKS + machine.ALWAYS, host)
        == []
    )


def test_a_check_that_cannot_look_is_told_and_the_others_go_on(lab):
    def broken(_):
        raise CommandExecutionError("no such command")
        yield

    def unreadable(_):
        raise PermissionError(13, "Permission denied")
        yield

    lab.names.pop("nas.example.com")

    told = preflight.found([broken, unreadable, storage.servers_resolve], lab.host())

    assert [one["key"].split(":")[1] for one in told] == ["preflight", "preflight", "storage"]
    assert "no such command" in told[0]["problem"]


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("vm", "address", "fe80::10/64"),
        ("vm", "address", "2001:db8::/64"),
        ("network", "gateway", "2001:db8::1"),
        ("host", "address", "2001:db8::11"),
        ("bootstrap", "subnets_ipv6", ["fd00::/48"]),
        ("bootstrap", "subnets_ipv6", ["192.168.222.0/24"]),
        ("vm", "mac", "01:16:3e:00:00:01"),
        ("vm", "mac", "00:00:00:00:00:00"),
        ("vm", "dns", ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]),
        ("vm", "dns", ["192.0.2.256"]),
        ("vm", "address", "192.0.2.0/24"),
        ("vm", "address", "192.0.2.255/24"),
        ("vm", "address", "192.0.2.10/33"),
        ("vm", "address", "192.0.2.10/32"),
        ("network", "gateway", "192.0.2.1.1"),
        ("network", "test", "tcp"),
        ("bootstrap", "subnets", ["192.168.222.1/24"]),
        ("bootstrap", "subnets", ["192.168.0.0/16"]),
        ("storage", "path", "/exports/$(id)"),
        ("storage", "mount_options", "a;b"),
    ],
)
def test_faults_of_the_pillar_by_itself(lab, group, key, value):
    lab.pillar["hosted_engine"].setdefault(group, {})[key] = value

    told = preflight.pillar_problems(lab.pillar, lab.host())

    assert told, value
    wanted = "network:tcp_" if value == "tcp" else f"{group}:{key}"
    assert all(one["key"].startswith(f"hosted_engine:{wanted}") for one in told), told
    assert all(one["problem"] for one in told)


@pytest.mark.parametrize(
    ("name", "keys"), [("node1." + "x" * 58, []), ("node1." + "x" * 59, ["host:address"])]
)
def test_a_host_s_own_name_fits_its_certificate(lab, name, keys):
    lab.grains["fqdn"] = name

    assert lab.keys(preflight.names_have_room) == keys


@pytest.mark.parametrize(("length", "found"), [(64, 0), (65, 1)])
def test_the_certificates_organisation_fits_them(lab, length, found):
    answer = {"OVESETUP_PKI/organization": f"str:{'o' * length}"}
    lab.pillar["hosted_engine"]["engine"]["answers"] = answer

    assert len(lab.keys(preflight.names_have_room)) == found


@pytest.mark.parametrize(
    ("address", "path", "keys"),
    [
        ("nas.example.com", "/" + "x" * 233, []),
        ("nas.example.com", "/" + "x" * 234, ["storage:path"]),
        ("[2001:db8::5]", "/" + "x" * 235, []),
        ("2001:db8::5", "/" + "x" * 236, ["storage:path"]),
        # vdsm doubles each _ in the name of its mount point.
        ("nas.example.com", "/" + "_" * 119, []),
        ("nas.example.com", "/" + "_" * 120, ["storage:path"]),
    ],
)
def test_the_storage_s_connection_has_room(lab, address, path, keys):
    lab.pillar["hosted_engine"]["storage"] = {"address": address, "path": path}

    assert lab.keys(preflight.names_have_room) == keys


def test_all_faults_of_the_pillar_at_once_without_secrets(lab):
    settings = lab.pillar["hosted_engine"]
    settings["secrets"] = {"admin_password": "hun\nter2", "rootpassword": "hunter3"}
    settings["vm"] |= {"mac": "01:16:3e:00:00:01", "cpus": "four"}

    told = preflight.pillar_problems(lab.pillar, lab.host())

    assert {one["key"].removeprefix("hosted_engine:") for one in told} == {
        "secrets:admin_password",
        "secrets:rootpassword",
        "vm:mac",
        "vm:cpus",
    }
    assert "ter2" not in preflight.as_text(told)
    assert "hunter3" not in preflight.as_text(told)


def test_a_secret_that_the_answer_file_cannot_carry_is_told_without_it(lab):
    lab.pillar["hosted_engine"]["secrets"]["database_password"] = "hunter2 "

    (told,) = engine.pillar_problems(lab.pillar, lab.host())

    assert told["key"] == "hosted_engine:secrets:database_password"
    assert "hunter2" not in repr(told)


@pytest.mark.parametrize(
    "addresses", [[], ["127.0.1.1"], ["192.0.2.11"], ["192.0.2.99"], ["192.0.2.10", "::1"]]
)
def test_the_engine_s_name_must_lead_to_its_final_address(lab, addresses):
    lab.names["engine.example.com"] = addresses

    assert lab.keys(network.engine_name) == ["engine:fqdn"]


def in_ipv6(lab) -> None:
    """The same host, with addresses of the other family beside its own."""
    lab.pillar["hosted_engine"]["vm"]["address"] = "2001:db8::10/64"
    lab.links[1]["addr_info"].append({"local": "2001:db8::11", "prefixlen": 64})
    lab.routes[0]["gateway"] = "2001:db8::1"
    lab.names["engine.example.com"] = ["2001:db8::10"]
    lab.names["node1.example.com"] = ["2001:db8::11", "192.0.2.11"]


@pytest.mark.feature("ipv6")
def test_a_host_that_fits_in_ipv6(lab):
    in_ipv6(lab)
    host = lab.host()

    assert preflight.pillar_problems(lab.pillar, host) == []
    assert preflight.found(network.CHECKS, host) == []


@pytest.mark.feature("ipv6", "host_name")
@pytest.mark.parametrize(
    ("name", "addresses", "check"),
    [
        ("engine.example.com", ["192.0.2.10"], network.engine_name),
        ("engine.example.com", ["2001:db8::99"], network.engine_name),
        ("node1.example.com", ["192.0.2.11"], network.host_name),
        ("node1.example.com", ["2001:db8::11", "2001:db8::99"], network.host_name),
    ],
)
def test_names_lead_to_the_family_s_addresses(lab, name, addresses, check):
    in_ipv6(lab)
    lab.names[name] = addresses

    (told,) = lab.problems(check)
    assert name in told["problem"]


@pytest.mark.feature("ipv6")
def test_an_address_is_the_same_however_it_is_written(lab):
    in_ipv6(lab)
    lab.pillar["hosted_engine"]["vm"]["address"] = "2001:DB8:0::0010/64"

    assert lab.keys(network.engine_name) == []


@pytest.mark.feature("ipv6")
def test_the_interface_has_a_global_address_of_the_family(lab):
    in_ipv6(lab)
    lab.links[1]["addr_info"][1]["local"] = "fe80::11"

    (told,) = lab.problems(network.management_interface)
    assert "no IPv6 address" in told["problem"]


@pytest.mark.feature("ipv6")
def test_the_gateway_is_on_the_guest_s_link(lab):
    in_ipv6(lab)
    for gateway, keys in (("fe80::1", []), ("2001:db8:1::1", ["vm:address"])):
        lab.routes[0]["gateway"] = gateway
        assert lab.keys(network.static_address) == keys


@pytest.mark.feature("subnet")
@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("vm", "dns", ["192.168.222.53"]),
        ("network", "gateway", "192.168.222.1"),
        ("storage", "address", "192.168.222.5"),
        ("resolv.conf", "", "nameserver 192.168.222.53"),
    ],
)
def test_the_nat_subnet_holds_nobody_whom_the_engine_must_reach(lab, tmp_path, group, key, value):
    settings = lab.pillar["hosted_engine"]
    settings["bootstrap"]["subnets"] = ["192.168.222.0/24"]
    lab.names["192.168.222.5"] = ["192.168.222.5"]
    assert lab.keys(network.subnet_is_free) == []

    if key:
        settings.setdefault(group, {})[key] = value
    else:
        (tmp_path / group).write_text(value)

    (told,) = lab.problems(network.subnet_is_free)
    assert "192.168.222" in told["problem"]


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 127.0.0.53\noptions edns0\n", ["192.0.2.53", "192.0.2.54"]),
        ("nameserver 127.0.0.1\n", ["127.0.0.1"]),
        ("# nameserver 192.0.2.1\nnameserver\nnameserver 192.0.2.2\n", ["192.0.2.2"]),
    ],
)
def test_resolvers_are_those_that_systemd_resolved_asks(tmp_path, monkeypatch, text, servers):
    """Its own address answers with what the hosts file says as well."""
    (tmp_path / "stub").write_text(text)
    (tmp_path / "upstream").write_text("nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch .\n")
    monkeypatch.setattr(subnet, "RESOLVERS", tmp_path / "stub")
    monkeypatch.setattr(subnet, "UPSTREAM", tmp_path / "upstream")

    assert subnet.resolvers() == servers


@pytest.mark.feature("subnet", "ipv6")
def test_in_ipv6_another_list_is_chosen_from(lab):
    in_ipv6(lab)
    lab.all_routes.append({"dst": "fd00:1234:5678::/48"})

    assert lab.keys(network.subnet_is_free) == ["bootstrap:subnets_ipv6"]


def test_with_dhcp_the_engine_s_name_must_resolve_to_something(lab):
    del lab.pillar["hosted_engine"]["vm"]["address"]
    lab.names["engine.example.com"] = ["192.0.2.77"]
    assert lab.keys(network.engine_name) == []

    del lab.names["engine.example.com"]
    (told,) = lab.problems(network.engine_name)
    assert "DHCP" in told["advice"]


@pytest.mark.parametrize(
    ("dns", "keys"),
    [
        (["192.0.2.10"], []),
        (["192.0.2.99"], ["engine:fqdn"]),
        ([], []),
        # A caching resolver that reads the hosts file too knows no more than our line.
        (["192.168.222.10"], []),
    ],
)
def test_on_the_way_our_own_line_does_not_count(lab, tmp_path, dns, keys):
    (tmp_path / "hosts").write_text(
        "127.0.0.1 localhost\n192.168.222.10 engine.example.com # hosted-engine bootstrap\n"
    )
    lab.names["engine.example.com"] = ["192.168.222.10"]
    lab.dns["engine.example.com"] = dns

    assert lab.keys(network.engine_name) == keys


def test_a_line_of_somebody_s_for_the_engine_s_name_is_told(lab, tmp_path):
    (tmp_path / "hosts").write_text(
        "# 192.0.2.10 engine.example.com\n192.0.2.10\tEngine.example.com engine # ours\n"
    )
    (told,) = lab.problems(network.hosts_file_is_free)
    assert "192.0.2.10" in told["problem"]

    (tmp_path / "hosts").write_text(
        "192.168.222.10 engine.example.com # hosted-engine bootstrap\n192.0.2.11 node1\n"
    )
    assert lab.keys(network.hosts_file_is_free) == []


@pytest.mark.feature("host_name")
@pytest.mark.parametrize(
    "addresses", [[], ["127.0.1.1"], ["192.0.2.99"], ["192.0.2.11", "2001:db8::1"]]
)
@pytest.mark.feature("host_name")
def test_the_host_s_name_must_lead_to_its_management_interface_only(lab, addresses):
    lab.names["node1.example.com"] = addresses

    assert lab.keys(network.host_name) == ["host:address"]


@pytest.mark.parametrize("interface", ["eno7", "eno2"])
def test_the_management_interface_must_be_there_with_an_address(lab, interface):
    lab.pillar["hosted_engine"]["host"] = {"interface": interface}

    assert lab.keys(network.management_interface) == ["host:interface"]


def test_without_a_default_route_the_interface_is_asked_for(lab):
    lab.routes.clear()
    assert lab.keys(network.management_interface) == ["host:interface"]

    lab.pillar["hosted_engine"]["host"] = {"interface": "eno1"}
    (told,) = lab.problems(network.management_interface)
    assert "no default route" in told["problem"]


@pytest.mark.parametrize("named", [{}, {"interface": "eno1"}])
def test_a_default_route_by_two_gateways_is_one(lab, named):
    """iproute2 then puts device and gateway into a list of next hops."""
    lab.pillar["hosted_engine"]["host"] = named
    lab.routes[0] = {"dst": "default", "flags": [], "nexthops": [
        {"gateway": "192.0.2.1", "dev": "eno1", "weight": 1, "flags": []},
        {"gateway": "192.0.2.2", "dev": "eno1", "weight": 1, "flags": []},
    ]}  # fmt: skip
    host = lab.host()

    assert (host.interface, host.gateway) == ("eno1", "192.0.2.1")
    assert preflight.found(network.CHECKS, host) == []


def test_a_gateway_of_the_other_family_is_no_gateway_of_the_engine(lab):
    lab.routes[0] = {"dst": "default", "dev": "eno1", "via": {"family": "inet6", "host": "fe80::1"}}

    assert lab.keys(network.management_interface) == []
    (told,) = lab.problems(network.static_address)
    assert "fe80::1, which isn't an IPv4 address" in told["problem"]


def test_on_the_way_the_bridge_counts_and_a_lost_default_route_is_ours_to_restore(lab):
    lab.links[1]["addr_info"] = []
    lab.links.append(
        {"ifname": "ovirtmgmt", "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}]}
    )
    lab.routes.clear()
    records.write("routes", {"routes": ROUTES})

    assert lab.keys(network.management_interface) == []
    assert lab.keys(network.host_name) == []
    assert lab.keys(network.static_address) == []


@pytest.mark.feature("static")
def test_a_static_address_lies_in_the_gateway_s_network(lab):
    lab.pillar["hosted_engine"]["network"] = {"gateway": "198.51.100.1"}

    assert lab.keys(network.static_address) == ["vm:address"]


def test_the_vm_s_own_card_may_have_its_address(lab):
    lab.pillar["hosted_engine"]["vm"]["mac"] = "00:16:3E:12:34:56"
    lab.neighbours.append({"dst": "192.0.2.10", "lladdr": "00:16:3e:12:34:56"})

    assert lab.keys(network.static_address) == []


def test_a_static_address_that_answers_is_in_use(lab):
    lab.neighbours.append({"dst": "192.0.2.10", "lladdr": "52:54:00:99:99:99"})
    (told,) = lab.problems(network.static_address)
    assert "52:54:00:99:99:99" in told["problem"]

    lab.neighbours[0] = {"dst": "192.0.2.10", "state": ["FAILED"]}  # type: ignore[dict-item]
    assert lab.keys(network.static_address) == []


def test_the_mac_address_is_not_one_of_the_host_s(lab):
    lab.pillar["hosted_engine"]["vm"]["mac"] = "52:54:00:00:00:02"

    assert lab.keys(network.mac_is_free) == ["vm:mac"]


def test_one_nat_subnet_must_be_free(lab, tmp_path):
    lab.all_routes += [{"dst": "192.168.0.0/16"}, {"dst": "10.0.0.0/8"}, {"dst": "fe80::/64"}]
    assert lab.keys(network.subnet_is_free) == ["bootstrap:subnets"]

    lab.all_routes.pop(-2)
    assert lab.keys(network.subnet_is_free) == []

    lab.all_routes.append({"dst": "10.253.222.0/24"})
    (tmp_path / "network.xml").touch()
    assert lab.keys(network.subnet_is_free) == []


def test_the_storage_server_must_be_known(lab):
    del lab.names["nas.example.com"]

    assert lab.keys(storage.servers_resolve) == ["storage:address"]


def test_memory_is_told_in_both_numbers_and_a_running_bootstrap_vm_has_its_own(lab, tmp_path):
    lab.pillar["hosted_engine"]["vm"]["memory_mib"] = 16384
    (told,) = machine.memory(lab.host())
    assert "16384" in told["problem"]
    assert "8192" in told["problem"]

    running(tmp_path, "HostedEngineLocal")
    assert list(machine.memory(lab.host())) == []


def test_processors(lab):
    lab.pillar["hosted_engine"]["vm"]["cpus"] = 500

    assert lab.keys(machine.processors) == ["vm:cpus"]


def test_virtualisation_or_a_confession(lab):
    lab.grains["cpu_flags"] = ["sse2"]
    assert lab.keys(machine.virtualisation) == ["host:emulation"]

    lab.pillar["hosted_engine"]["host"] = {"emulation": True}
    assert lab.keys(machine.virtualisation) == []


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"QFI\xfb\x00\x00\x00\x03", []),
        (b"\x1f\x8b\x08", []),
        (b"<html>", ["appliance:source"]),
        (b"", ["appliance:source"]),
        (None, ["appliance:source"]),
    ],
)
def test_an_appliance_of_one_s_own(lab, tmp_path, content, keys):
    path = tmp_path / "appliance"
    if content is not None:
        path.write_bytes(content)
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(path)}

    assert lab.keys(machine.appliance) == keys


@pytest.mark.parametrize(("there", "keys"), [([], ["appliance:source"]), (["a/b.ova"], [])])
def test_an_appliance_on_the_file_server(lab, there, keys):
    def list_master(saltenv: str = "base", prefix: str = "") -> list[str]:
        return there if (saltenv, prefix) == ("site", "a/b.ova") else []

    lab.pillar["hosted_engine"]["appliance"] = {"source": "salt://a/b.ova?saltenv=site"}
    host = lab.host()
    host.salt = {"cp.list_master": list_master}

    told = [one["key"].removeprefix("hosted_engine:") for one in machine.appliance(host)]
    assert told == keys


def test_an_appliance_that_is_not_compressed(lab, tmp_path):
    """The reader takes a plain OVA too."""
    (tmp_path / "image").write_bytes(b"x")
    with tarfile.open(tmp_path / "plain.ova", "w") as archive_:
        archive_.add(tmp_path / "image", "image")
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(tmp_path / "plain.ova")}

    assert lab.keys(machine.appliance) == []


def test_what_an_earlier_run_wrote_is_room_that_it_has(lab, tmp_path, monkeypatch):
    class Room(NamedTuple):
        f_bavail: int = 1
        f_frsize: int = 1 << 29

    monkeypatch.setattr(machine.os, "statvfs", lambda _: Room())
    assert lab.keys(machine.room) == ["bootstrap:directory"], "half a GiB of one"

    (tmp_path / "bootstrap").mkdir()
    with (tmp_path / "bootstrap" / "disk.qcow2").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 600 << 20)
    assert lab.keys(machine.room) == []


def qcow2(gib: int) -> bytes:
    return struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, gib << 30) + bytes(72)


def test_room_is_asked_for_by_the_image_s_own_header(lab, tmp_path):
    lab.pillar["hosted_engine"]["vm"]["disk_gib"] = 10**6
    (told,) = machine.room(lab.host())
    assert "1000000.0 GiB wanted" in told["problem"]

    (tmp_path / "image.qcow2").write_bytes(qcow2(1))
    (tmp_path / "packages" / "10-appliance-centos9.conf").write_text(
        f"description=x\nversion=1\npath={tmp_path / 'image.qcow2'}\nsha1sum=0\n"
    )
    assert lab.keys(machine.room) == []


def test_an_image_that_extract_refuses_says_nothing_of_its_size(lab, tmp_path):
    """A header's number counts only where the image stands by itself."""
    (tmp_path / "image.qcow2").write_bytes(qcow2(10**6)[:4] + bytes(4) + qcow2(10**6)[8:])
    lab.pillar["hosted_engine"]["appliance"] = {"source": str(tmp_path / "image.qcow2")}

    assert lab.keys(machine.room) == []


def test_another_deployment_s_configuration(lab, tmp_path):
    (tmp_path / "hosted-engine.conf").write_text("fqdn=engine.example.com\n")
    assert lab.keys(machine.configuration_is_ours) == []

    (tmp_path / "hosted-engine.conf").write_text("host_id=1\nfqdn=other.example.com\n")
    (told,) = lab.problems(machine.configuration_is_ours)
    assert "other.example.com" in told["problem"]


def test_an_engine_on_the_host_itself_or_its_vm_running(lab, tmp_path):
    (tmp_path / "ovirt-engine.service").touch()
    running(tmp_path, "HostedEngine")

    assert lab.keys(machine.another_engine) == ["engine", "vm:name"]


def test_a_pid_file_of_a_vm_that_died_is_not_a_vm(lab, tmp_path):
    (tmp_path / "run" / "HostedEngine.pid").write_text("4194999")

    assert lab.keys(machine.another_engine) == []


@pytest.mark.parametrize(
    ("zone", "keys"), [("Europe/Vienna", []), ("Mars/Olympus", ["vm:time_zone"])]
)
def test_the_time_zone_exists(lab, monkeypatch, zone, keys):
    monkeypatch.setattr(machine.zoneinfo, "available_timezones", lambda: {"Europe/Vienna", "UTC"})
    lab.pillar["hosted_engine"]["vm"]["time_zone"] = zone

    assert lab.keys(machine.time_zone) == keys


def test_an_archive_that_will_be_too_long_is_told_beforehand_by_its_key(lab):
    assert lab.problems(archive.archive_has_room) == []
    # A site's public keys: thirty of RSA with 4096 bits.
    lab.pillar["hosted_engine"]["vm"]["root_ssh_keys"] = [f"ssh-rsa {'A' * 716}"] * 30

    (told,) = lab.problems(archive.archive_has_room)

    assert told["key"] == "hosted_engine:vm:root_ssh_keys"
    assert "the HA tools read 20480" in told["problem"]
