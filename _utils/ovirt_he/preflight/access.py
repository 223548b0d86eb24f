"""Checks of preflight: who must let the engine, HA and vdsm through, and whether they do."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

from ovirt_he.core import command
from ovirt_he.host import address_family, firewalld, ip, subnet, systemd
from ovirt_he.preflight import network
from ovirt_he.preflight.check import Check, Host, Problem, problem

FAPOLICYD_RULES = Path("/etc/fapolicyd")
TEMPORARY = "/var/tmp/"  # noqa: S108, named in a rule, not written to
FAPOLICYD_RULE = f"allow perm=any uid=36 : dir={TEMPORARY}"
RULE_FILE = FAPOLICYD_RULES / "rules.d" / "35-hosted-engine.rules"
KERNEL = Path("/proc/sys/net/ipv6/conf")
TCP_SECONDS = 5
OTHERWISE = "or choose another network:test: ping, dns, tcp, none"


def firewall(host: Host) -> Iterator[Problem]:
    """firewalld is running if the pillar requires it; the formula configures no other firewall."""
    if host.settings["host"]["firewall"] == "required" and not firewalld.runs():
        yield problem(
            "host:firewall",
            "required, but firewalld doesn't run on this host",
            "systemctl enable --now firewalld, or set host:firewall: optional",
        )


def fapolicyd(host: Host) -> Iterator[Problem]:
    """
    fapolicyd lets user vdsm run what Ansible puts below /var/tmp.

    The formula doesn't add the rule: which programs may run on a host is the administrator's
    decision.
    """
    if systemd.active_state("fapolicyd") != "active" or _fapolicyd_allows():
        return
    yield problem(
        "host",
        f"fapolicyd runs on {host.settings['host']['name']}, and lets user vdsm run nothing that "
        f"Ansible puts below {TEMPORARY}",
        f"Add its rule: echo '{FAPOLICYD_RULE}' > {RULE_FILE} && fagenrules --load",
    )


def _fapolicyd_allows() -> bool:
    files = (*FAPOLICYD_RULES.glob("rules.d/*.rules"), FAPOLICYD_RULES / "fapolicyd.rules")
    for path in files:
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        for line in lines:
            words = line.split("#")[0].split()
            allowed = words[:1] == ["allow"] and {"uid=36", "uid=vdsm"} & set(words)
            if allowed and f"dir={TEMPORARY}" in words:
                return True
    return False


def network_test(host: Host) -> Iterator[Problem]:
    """HA's network test succeeds now. A host whose test fails loses score."""
    # Later the host's routes move to the bridge, and this was checked when the deployment began.
    if host.interface == host.settings["network"]["name"]:
        return
    kind = host.settings["network"]["test"]
    if kind == "ping":
        yield from _ping(host)
    elif kind == "dns" and not subnet.resolvers():
        yield problem(
            "network:test",
            f"dns, but {subnet.RESOLVERS} names no server",
            f"Configure one, {OTHERWISE}",
        )
    elif kind == "tcp":
        yield from _tcp(host)


def _ping(host: Host) -> Iterator[Problem]:
    key, gateway = "network:gateway", host.gateway
    if not gateway:
        what = f"{network.no_gateway(host)}: HA has none to ping"
        yield problem(key, what, f"Name one, {OTHERWISE}")
        return
    if address_family.of_address(gateway) and ipaddress.ip_address(gateway).is_link_local:
        yield problem(
            key,
            f"{gateway}, the host's default gateway, is link-local: HA can't ping it",
            f"Name its global address, {OTHERWISE}",
        )
        return
    tried = command.run("ping", "-n", "-c", "2", "-W", "2", gateway, check=False)
    if tried.returncode:
        yield problem(
            key, f"{gateway} doesn't answer HA's ping", f"Name one that does, {OTHERWISE}"
        )


def _tcp(host: Host) -> Iterator[Problem]:
    address, port = (host.settings["network"][key] for key in ("tcp_address", "tcp_port"))
    if not (address and port):
        return  # reported as a problem of the pillar
    try:
        socket.create_connection((address, port), TCP_SECONDS).close()
    except OSError as error:
        yield problem(
            "network:tcp_address",
            f"{address} port {port}: {error}",
            f"Name what takes connections, {OTHERWISE}",
        )


def advertised_route(host: Host) -> Iterator[Problem]:
    """
    A default route from router advertisements survives libvirt's NAT network.

    That network turns the host into a router, and the kernel then ignores advertisements unless
    it is configured otherwise; libvirt refuses to start such a network.
    """
    if host.family != address_family.IPV6:
        return
    advertised = [one for one in host.default_routes if one.get("protocol") == "ra"]
    for device in sorted({hop.device for route in advertised for hop in ip.hops(route)}):
        path = KERNEL / device / "accept_ra"
        # NetworkManager sets 0 and does it by itself.
        if path.is_file() and path.read_text().strip() == "1":
            yield problem(
                "host:interface",
                f"{device} has its default route from router advertisements, and would lose it",
                f"sysctl -w net.ipv6.conf.{device}.accept_ra=2, and the same in /etc/sysctl.d",
            )


CHECKS: list[Check] = [firewall, fapolicyd, network_test, advertised_route]
