"""Links in the form of ip -d -j address, cut to what matters and to some that does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ovirt_he.preflight import links

from unit.preflight_lab import Lab

SAMPLE = Path(__file__).parent / "samples" / "ip-d-j-address.json"


@pytest.fixture(autouse=True)
def vdsm_conf(tmp_path, monkeypatch) -> Path:
    """vdsm's configuration, of which there is none."""
    monkeypatch.setattr(links, "VDSM", tmp_path / "vdsm.conf")
    return tmp_path / "vdsm.conf"


def plain(name: str, number: int, **more: Any) -> dict[str, Any]:
    mac = f"52:54:00:00:00:{number:02x}"
    return {
        "ifindex": number, "ifname": name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "mtu": 1500, "qdisc": "mq", "operstate": "UP", "link_type": "ether", "address": mac,
        "promiscuity": 0, "min_mtu": 68, "max_mtu": 9216, "inet6_addr_gen_mode": "none",
        "num_tx_queues": 8, "parentbus": "pci", "parentdev": f"0000:01:00.{number}",
        "addr_info": [],
    } | more  # fmt: skip


def slave(name: str, number: int, master: str) -> dict[str, Any]:
    data = {"state": "ACTIVE", "mii_status": "UP", "link_failure_count": 0, "queue_id": 0}
    linkinfo = {"info_slave_kind": "bond", "info_slave_data": data}
    flags = ["BROADCAST", "MULTICAST", "SLAVE", "UP", "LOWER_UP"]
    return plain(name, number, master=master, flags=flags, linkinfo=linkinfo)


def bond(name: str, number: int, mode: str) -> dict[str, Any]:
    data = {"mode": mode, "miimon": 100, "updelay": 0, "downdelay": 0, "xmit_hash_policy": "layer2"}
    flags = ["BROADCAST", "MULTICAST", "MASTER", "UP", "LOWER_UP"]
    return plain(name, number, flags=flags, linkinfo={"info_kind": "bond", "info_data": data})


def vlan(name: str, number: int, below: str, identifier: int) -> dict[str, Any]:
    data = {"protocol": "802.1Q", "id": identifier, "flags": ["REORDER_HDR"]}
    return plain(name, number, link=below, linkinfo={"info_kind": "vlan", "info_data": data})


ADDRESS = {
    "family": "inet", "local": "192.0.2.11", "prefixlen": 24, "broadcast": "192.0.2.255",
    "scope": "global", "noprefixroute": True, "label": "x", "valid_life_time": 4294967295,
}  # fmt: skip


def carrying(*made: dict[str, Any]) -> list[dict[str, Any]]:
    """Links of which the last one has the management address."""
    found = [copy.deepcopy(link) for link in made]
    found[-1]["addr_info"] = [ADDRESS]
    return json.loads(json.dumps(found))


def told(lab: Lab, made: list[dict[str, Any]], **network: Any) -> dict[str, str]:
    lab.links = made
    # Names are anybody's choice: what an interface is follows from its kind.
    lab.routes[0]["dev"] = made[-1]["ifname"]
    lab.pillar["hosted_engine"]["network"] = network
    found = [one for check in links.CHECKS for one in lab.problems(check)]
    return {one["key"].removeprefix("hosted_engine:"): one["problem"] for one in found}


def of_kind(name: str, number: int, kind: str, **more: Any) -> dict[str, Any]:
    return plain(name, number, linkinfo={"info_kind": kind, "info_data": {}}, **more)


def infiniband(name: str, **more: Any) -> dict[str, Any]:
    mac = "80:00:02:08:fe:80:00:00:00:00:00:00:02:00:00:03:00:51:0a:11"
    return plain(name, 2, link_type="infiniband", address=mac, **more)


def of_a_real_kernel(top: str) -> list[dict[str, Any]]:
    """What ``ip -d -j address`` of a real kernel says of bonds, VLANs and tunnels; cut."""
    sample = json.loads(SAMPLE.read_text())
    return sorted(sample, key=lambda link: link["ifname"] == top)
