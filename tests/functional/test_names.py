"""Names asked of a real DNS server (dnsmasq), in a network namespace of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dnsmasq"), reason="namespaces are root's; needs dnsmasq"
)
ROOT = Path(__file__).parents[2]
SERVER, OTHER, SILENT = "192.0.2.53", "192.0.2.54", "192.0.2.55"
RECORDS = [
    "engine.example.com,192.0.2.120,2001:db8::120",
    "hv1.example.com,192.0.2.10",
    "elsewhere.example.com,192.0.2.99",
]
# Run inside the namespace: what a module of ours answers, as JSON.
ASK = """
import json, sys
sys.path.insert(0, {utils!r})
from ovirt_he.host import dns
from salt.exceptions import CommandExecutionError
dns.SECONDS = 0.3
try:
    print(json.dumps(sorted(dns.Resolver({servers!r}).addresses({name!r}, {family!r}))))
except CommandExecutionError as error:
    print(json.dumps({{"error": str(error)}}))
"""
# Likewise: the problems of the checks of names, of a pillar.
CHECK = """
import json, sys
sys.path.insert(0, {utils!r})
from ovirt_he.host import dns
from ovirt_he.preflight import check as preflight
from ovirt_he.preflight import names
from ovirt_he.pillar import settings
dns.SECONDS = 0.3
pillar, grains = {{"hosted_engine": {pillar!r}}}, {{"fqdn": {fqdn!r}}}
host = preflight.Host(settings.merge(pillar, grains), grains, {{}}, pillar)
found = preflight.found(names.CHECKS, host)
print(json.dumps([[one["key"], one["problem"], one["advice"]] for one in found]))
"""
PILLAR: dict[str, Any] = {
    "engine": {"fqdn": "engine.example.com"},
    "storage": {"address": "nas.example.com", "path": "/exports/engine"},
    "vm": {"address": "192.0.2.120/24", "dns": [SERVER]},
}
HOSTS = """127.0.0.1 localhost
192.0.2.10 hv2.example.com hv2
192.0.2.10 elsewhere.example.com
192.0.2.5 nas.example.com
"""


class Network:
    """A host ``eno1`` 192.0.2.10, DNS servers on the same link."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self.etc = Path("/etc/netns") / name
        self.servers: list[subprocess.Popen[bytes]] = []

    def build(self) -> None:
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "add", "eno1", "type", "veth", "peer", "name", "lan"),
            ("link", "set", "lan", "up"),
            ("link", "set", "eno1", "up"),
            ("address", "add", "192.0.2.10/24", "dev", "eno1"),
            *(("address", "add", f"{each}/32", "dev", "lo") for each in (SERVER, OTHER, SILENT)),
        ):
            subprocess.run(["ip", "-n", self.name, *words], check=True)
        # ``ip netns exec`` puts these in the place of the machine's own.
        self.etc.mkdir(parents=True)
        (self.etc / "hosts").write_text(HOSTS)
        (self.etc / "resolv.conf").write_text(f"search example.com\nnameserver {SERVER}\n")

    def serve(self, address: str, *options: str) -> None:
        command = [
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv"),
            *("--no-hosts", "--bind-interfaces", f"--listen-address={address}", "--user=root"),
            f"--pid-file={self.directory / address}",
            *options,
        ]
        self.servers.append(subprocess.Popen(["ip", "netns", "exec", self.name, *command]))
        deadline = time.monotonic() + 10
        while not (self.directory / address).exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def python(self, code: str) -> Any:
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(done.stdout)

    def ask(self, name: str, *servers: str, family: str = "ipv4") -> Any:
        utils = str(ROOT / "_utils")
        asked = ASK.format(utils=utils, servers=list(servers), name=name, family=family)
        return self.python(asked)

    def problems(self, fqdn: str, **more: Any) -> dict[str, tuple[str, str]]:
        """What the checks of names say of a host called ``fqdn``."""
        groups = PILLAR.keys() | more.keys()
        pillar = {group: PILLAR.get(group, {}) | more.get(group, {}) for group in groups}
        code = CHECK.format(utils=str(ROOT / "_utils"), pillar=pillar, fqdn=fqdn)
        found = self.python(code)
        return {key.removeprefix("hosted_engine:"): (what, advice) for key, what, advice in found}

    def end(self) -> None:
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
            server.wait(10)
        subprocess.run(["ip", "netns", "delete", self.name], check=True)
        shutil.rmtree(self.etc, ignore_errors=True)


@pytest.fixture
def network(tmp_path) -> Iterator[Network]:
    name = f"he-names-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    made = Network(name, tmp_path)
    try:
        made.build()
        records = (f"--host-record={record}" for record in RECORDS)
        made.serve(SERVER, *records, "--local=/example.com/")
        yield made
    finally:
        made.end()


def test_addresses_of_the_family(network):
    assert network.ask("engine.example.com", SERVER) == ["192.0.2.120"]
    assert network.ask("engine.example.com", SERVER, family="ipv6") == ["2001:db8::120"]
    assert network.ask("hv1.example.com", SERVER, family="ipv6") == []


def test_a_name_that_there_isn_t_has_no_address(network):
    assert network.ask("nobody.example.com", SERVER) == []


def test_an_alias_leads_to_an_address(network):
    network.serve(OTHER, "--cname=alias.example.com,hv1.example.com", f"--host-record={RECORDS[1]}")

    assert network.ask("alias.example.com", OTHER) == ["192.0.2.10"]


def test_an_answer_too_long_for_a_datagram_comes_by_tcp(network):
    records = [f"--host-record=many.example.com,198.51.100.{number}" for number in range(1, 101)]
    network.serve(OTHER, *records)

    assert len(network.ask("many.example.com", OTHER)) == 100


def test_a_server_that_doesn_t_answer_is_passed_over(network):
    assert network.ask("hv1.example.com", SILENT, SERVER) == ["192.0.2.10"]


def test_a_server_that_refuses_is_passed_over(network):
    network.serve(OTHER)

    told = network.ask("hv1.example.com", OTHER)

    assert "192.0.2.54: refused" in told["error"]
    assert network.ask("hv1.example.com", OTHER, SERVER) == ["192.0.2.10"]


def test_without_an_answer_it_says_what_was_tried(network):
    assert "192.0.2.55: " in network.ask("hv1.example.com", SILENT)["error"]
    assert network.ask("hv1.example.com")["error"] == "there is no DNS server"
    assert "no name of DNS" in network.ask("hv1..example.com", SERVER)["error"]


def test_names_that_dns_knows_are_no_problem(network):
    assert network.problems("hv1.example.com") == {}


def test_a_host_that_only_its_hosts_file_knows_is_unknown_to_the_engine(network):
    """The name of its storage server is, too: the engine never asks for that one."""
    problems = network.problems("hv2.example.com")

    assert list(problems) == ["host:address"]
    what, advice = problems["host:address"]
    assert what == (
        "hv2.example.com is known to this host's /etc/hosts only: the engine's VM will ask DNS "
        "(192.0.2.53), which has no IPv4 address for it"
    )
    assert "vm:hosts_entries: true" in advice


@pytest.mark.parametrize(
    "more", [{"vm": {"hosts_entries": True}}, {"host": {"address": "192.0.2.10"}}]
)
def test_with_a_line_in_the_guest_or_an_address_dns_is_not_asked(network, more):
    assert network.problems("hv2.example.com", **more) == {}


def test_hosts_entries_are_of_the_first_host_only(network):
    more = {"vm": {"hosts_entries": True}, "host": {"joins": True}}

    what, advice = network.problems("hv2.example.com", **more)["host:address"]

    assert "has no IPv4 address" in what
    assert "hosts_entries" not in advice


def test_another_address_in_dns_than_here_is_told(network):
    what, _ = network.problems("elsewhere.example.com")["host:address"]

    assert what.startswith("elsewhere.example.com is 192.0.2.10, but DNS (192.0.2.53) says 192.0.2")


def test_a_name_without_a_domain_is_looked_up_in_the_guest_s(network):
    assert network.problems("hv2", host={"address": "hv1"}) == {}
    more = {"vm": {"search_domain": "example.org"}, "host": {"address": "hv1"}}
    assert list(network.problems("hv2", **more)) == ["host:address"]


def test_the_guest_s_servers_are_asked_and_not_the_host_s(network):
    """The host's own server knows both names; vm:dns names one that knows neither."""
    network.serve(OTHER, "--local=/example.com/")

    assert list(network.problems("hv1.example.com", vm={"dns": [OTHER]})) == [
        "engine:fqdn",
        "host:address",
    ]


def test_by_dhcp_the_host_s_servers_are_asked(network):
    assert network.problems("hv1.example.com", vm={"address": "", "dns": []}) == {}
    assert list(network.problems("hv2.example.com", vm={"address": "", "dns": []})) == [
        "host:address"
    ]


@pytest.mark.parametrize(
    ("servers", "why"), [([SILENT], f"{SILENT}: "), ([], "there is no DNS server")]
)
def test_where_dns_can_not_be_asked_it_says_so(network, servers, why):
    problems = network.problems("hv2.example.com", vm={"dns": servers})

    assert list(problems) == ["engine:fqdn", "host:address"]
    assert all("can't be asked" in what and why in what for what, _ in problems.values())


def test_the_engine_s_static_address_is_what_dns_must_say(network):
    (network.etc / "hosts").write_text(f"{HOSTS}192.0.2.121 engine.example.com\n")

    what, _ = network.problems("hv1.example.com", vm={"address": "192.0.2.121/24"})["engine:fqdn"]

    assert "engine.example.com is 192.0.2.121, but DNS (192.0.2.53) says 192.0.2.120" in what
