"""Preflight's checks of firewall, fapolicyd, HA's network test; commands answer as theirs do."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import Any

import pytest
from ovirt_he.core import command
from ovirt_he.preflight import access

from unit.preflight_lab import Lab


class Commands:
    """Exit code and output by a command's first words; everything else is the lab's."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.ran = lab, []
        self.answers: dict[str, tuple[int, str]] = {
            "systemctl is-active fapolicyd": (3, "inactive\n"),
            "firewall-cmd --state": (252, ""),
            "ping": (0, ""),
        }

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        line = " ".join(arguments)
        self.ran.append(line)
        for words, (code, output) in self.answers.items():
            if line.startswith(words):
                assert code == 0 or more["check"] is False
                return subprocess.CompletedProcess(arguments, code, output, "")
        return self.lab.command(*arguments)


@pytest.fixture
def commands(lab, monkeypatch, tmp_path):
    made = Commands(lab)
    monkeypatch.setattr(command, "run", made.run)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(access, "FAPOLICYD_RULES", tmp_path / "fapolicyd")
    monkeypatch.setattr(access, "KERNEL", tmp_path / "conf")
    (tmp_path / "fapolicyd" / "rules.d").mkdir(parents=True)
    return made


def told(lab: Lab, **network: Any) -> dict[str, str]:
    lab.pillar["hosted_engine"].setdefault("network", {}).update(network)
    found = [one for check in access.CHECKS for one in lab.problems(check)]
    return {one["key"].removeprefix("hosted_engine:"): one["problem"] for one in found}


@pytest.mark.feature("firewalld")
@pytest.mark.parametrize(
    ("wanted", "state", "keys"),
    [("optional", 252, []), ("required", 252, ["host:firewall"]), ("required", 0, [])],
)
def test_a_firewall_only_where_the_pillar_demands_it(lab, commands, wanted, state, keys):
    lab.pillar["hosted_engine"]["host"] = {"firewall": wanted}
    commands.answers["firewall-cmd --state"] = (state, "")

    assert list(told(lab)) == keys


@pytest.mark.feature("fapolicyd")
@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        ("", True),
        ("allow perm=any uid=0 : dir=/var/tmp/\n", True),
        ("# allow perm=any uid=36 : dir=/var/tmp/\n", True),
        ("allow perm=any uid=36 : # dir=/var/tmp/\n", True),
        ("deny_audit perm=any uid=36 : dir=/var/tmp/\n", True),
        ("allow perm=any uid=36 : dir=/var/tmp/\n", False),
        ("allow perm=any  uid=vdsm : dir=/var/tmp/  # oVirt\n", False),
    ],
)
def test_fapolicyd_has_the_rule_that_vdsm_needs(lab, commands, tmp_path, rules, refused):
    (tmp_path / "fapolicyd" / "rules.d" / "36-site.rules").write_text(rules)
    assert told(lab) == {}, "it doesn't run"

    commands.answers["systemctl is-active fapolicyd"] = (0, "active\n")

    assert list(told(lab)) == (["host"] if refused else [])
    assert (tmp_path / "fapolicyd" / "rules.d" / "36-site.rules").read_text() == rules
    if refused:
        (problem,) = access.fapolicyd(lab.host())
        assert (
            "'allow perm=any uid=36 : dir=/var/tmp/' > /etc/fapolicyd/rules.d/"
            in (problem["advice"])
        )


@pytest.mark.feature("network_test")
def test_ping_asks_the_gateway_that_ha_will_ask(lab, commands):
    assert told(lab) == {}
    assert commands.ran[-1].endswith(" 192.0.2.1")

    commands.answers["ping"] = (1, "")
    assert "192.0.2.9 doesn't answer" in told(lab, gateway="192.0.2.9")["network:gateway"]


@pytest.mark.feature("network_test")
def test_without_a_gateway_there_is_nothing_to_ping(lab, commands):
    lab.routes.clear()

    assert "no default gateway" in told(lab)["network:gateway"]
    assert told(lab, test="none") == {}


@pytest.mark.feature("network_test", "ipv6")
def test_a_link_local_gateway_can_not_be_pinged(lab, commands):
    lab.routes[0]["gateway"] = "fe80::1"

    assert "link-local" in told(lab, family="ipv6")["network:gateway"]
    assert not [line for line in commands.ran if line.startswith("ping")]


@pytest.mark.feature("network_test")
def test_dns_wants_a_server(lab, commands, tmp_path):
    assert list(told(lab, test="dns")) == ["network:test"]

    (tmp_path / "resolv.conf").write_text("search example.com\nnameserver 192.0.2.53\n")
    assert told(lab, test="dns") == {}


@pytest.mark.feature("network_test")
def test_tcp_connects(lab, commands, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address, port = server.getsockname()
        # The lab's connections fail; this one is a real one.
        monkeypatch.setattr(socket, "create_connection", _connect)
        assert told(lab, test="tcp", tcp_address=address, tcp_port=port) == {}

    assert f"{address} port {port}: " in told(lab)["network:tcp_address"]


def _connect(address: tuple[str, int], timeout: float) -> socket.socket:
    made = socket.socket()
    made.settimeout(timeout)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


@pytest.mark.feature("network_test")
def test_on_the_way_the_test_is_not_repeated(lab, commands):
    lab.links.append(
        {"ifname": "ovirtmgmt", "addr_info": [{"local": "192.0.2.11", "prefixlen": 24}]}
    )
    commands.answers["ping"] = (1, "")

    assert told(lab) == {}


@pytest.mark.usefixtures("commands")
@pytest.mark.feature("ipv6")
@pytest.mark.parametrize(
    ("route", "family", "refused"),
    [
        ("ra 1", "ipv6", True),
        ("ra 2", "ipv6", False),
        ("ra 0", "ipv6", False),
        ("static 1", "ipv6", False),
        ("ra 1", "ipv4", False),
    ],
)
def test_an_advertised_route_must_outlive_the_nat_network(lab, tmp_path, route, family, refused):
    lab.routes[0]["protocol"], accepts = route.split()
    (tmp_path / "conf" / "eno1").mkdir(parents=True)
    (tmp_path / "conf" / "eno1" / "accept_ra").write_text(f"{accepts}\n")

    problems = told(lab, family=family, test="none")

    assert list(problems) == (["host:interface"] if refused else [])


@pytest.mark.feature("network_test")
@pytest.mark.parametrize("given", [{"tcp_address": "192.0.2.9"}, {"tcp_port": 53}, {}])
def test_half_of_what_tcp_connects_to_is_the_pillars_problem(lab, commands, given):
    """It's reported as that, and nothing is asked."""
    assert told(lab, test="tcp", **given) == {}
