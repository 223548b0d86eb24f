"""Preflight's checks, each on a host that has one fault; readings of the host are given."""

from __future__ import annotations

import pytest
from ovirt_he.preflight import archive, engine, machine, network, storage
from ovirt_he.preflight import check as preflight
from salt.exceptions import CommandExecutionError


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


def test_the_storage_server_must_be_known(lab):
    del lab.names["nas.example.com"]

    assert lab.keys(storage.servers_resolve) == ["storage:address"]


def test_an_archive_that_will_be_too_long_is_told_beforehand_by_its_key(lab):
    assert lab.problems(archive.archive_has_room) == []
    # A site's public keys: thirty of RSA with 4096 bits.
    lab.pillar["hosted_engine"]["vm"]["root_ssh_keys"] = [f"ssh-rsa {'A' * 716}"] * 30

    (told,) = lab.problems(archive.archive_has_room)

    assert told["key"] == "hosted_engine:vm:root_ssh_keys"
    assert "the HA tools read 20480" in told["problem"]
