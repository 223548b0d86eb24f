"""The lab's network: a namespace with one bridge and no uplink, DNS and DHCP on it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from .run import run
from .settings import (
    BRIDGE,
    DOMAIN,
    DOMAIN_IPV6,
    GATEWAY,
    GATEWAY_IPV6,
    LAB,
    MOST_HOSTS,
    NAMESPACE,
    PREFIX,
    PREFIX_IPV6,
    engine_mac,
    engine_names,
    host_address,
    host_address_ipv6,
)
from .settings import host_names as all_hosts

NETNS = Path("/run/netns") / NAMESPACE
INSIDE = ["nsenter", f"--net={NETNS}"]
MASK = "255.255.255.0"
# Whatever the machine's own setting is, bridged frames must not meet its packet filter.
UNFILTERED = "net.bridge.bridge-nf-call-{}tables=0"


def up() -> None:
    """Bring up namespace, bridge, DNS and DHCP, or whichever of them is missing."""
    if not os.path.ismount(NETNS):
        NETNS.unlink(missing_ok=True)
        run(["ip", "netns", "add", NAMESPACE])
    ip = ["ip", "-n", NAMESPACE]
    run([*ip, "link", "set", "lo", "up"])
    if f" {BRIDGE}:" not in run([*ip, "link", "show"]):
        run([*ip, "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0"])
    sysctl = [*INSIDE, "sysctl", "-q", "-w"]
    run([*sysctl, *(UNFILTERED.format(family) for family in ("ip", "ip6"))])
    run([*ip, "address", "replace", f"{GATEWAY}/{PREFIX}", "dev", BRIDGE])
    ipv6 = f"{GATEWAY_IPV6}/{PREFIX_IPV6}"
    run([*ip, "address", "replace", ipv6, "dev", BRIDGE, "nodad"])
    run([*ip, "link", "set", BRIDGE, "up"])
    _resolver_up()


def down() -> None:
    """Take the namespace away, with all that is in it."""
    if pid := _resolver():
        os.kill(pid, signal.SIGTERM)
    if NETNS.exists():
        run(["ip", "netns", "delete", NAMESPACE])


def forget_port(name: str) -> None:
    """Remove a host's end of its cable where a power cut left it behind."""
    port = f"vb-{name}"
    if f" {port}@" in run(["ip", "-n", NAMESPACE, "link", "show"]):
        run(["ip", "-n", NAMESPACE, "link", "delete", port])


def records() -> dict[str, str]:
    """Every name in the lab, with its address."""
    hosts = {f"{name}.{DOMAIN}": host_address(name) for name in all_hosts()}
    hosts |= {f"{name}.{DOMAIN_IPV6}": host_address_ipv6(name) for name in all_hosts()}
    servers = {f"{name}.{DOMAIN}": GATEWAY for name in ("nas", "gluster", "salt")}
    return servers | hosts | engine_names()


def _resolver() -> int | None:
    """Process id of our dnsmasq, or None."""
    try:
        pid = int((LAB / "dnsmasq.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if f"--pid-file={LAB}/dnsmasq.pid".encode() in words else None


def _resolver_up() -> None:
    hosts = LAB / "dnsmasq.hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, address in records().items()))
    if pid := _resolver():
        os.kill(pid, signal.SIGHUP)
        return
    options = ["--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}"]
    where = [
        f"--listen-address={GATEWAY},{GATEWAY_IPV6}",
        "--bind-interfaces",
        f"--local=/{DOMAIN}/",
    ]
    process = ["--user=root", f"--pid-file={LAB}/dnsmasq.pid"]
    run([*INSIDE, "dnsmasq", *options, *where, *_dhcp(), *process])


def _dhcp() -> list[str]:
    """Leases for engines alone, by their MAC addresses."""
    served = [f"--interface={BRIDGE}", f"--dhcp-range={GATEWAY},static,{MASK},1h"]
    options = [f"--dhcp-option=option:router,{GATEWAY}", f"--dhcp-leasefile={LAB}/dnsmasq.leases"]
    addresses = engine_names()
    known = [
        f"--dhcp-host={engine_mac(number)},{addresses[f'engine{number}.{DOMAIN}']}"
        for number in range(1, MOST_HOSTS + 1)
    ]
    return [*served, *options, *known, f"--domain={DOMAIN}", "--dhcp-authoritative"]
