"""What makes a clone a host of its own: written once, when the host is new."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from . import network
from . import root as roots
from .host import Host
from .run import run
from .settings import (
    DOMAIN,
    DOMAIN_IPV6,
    GATEWAY,
    GATEWAY_IPV6,
    PREFIX,
    PREFIX_IPV6,
    SANLOCK,
    host_address_ipv6,
)

# Where the formula's checkout, the wheels and the package repository are seen in a host.
FORMULA = "/srv/formula"
# What of it Salt serves in a host.
SERVED = "/srv/salt"
LINK = """[Match]
Name=host0

[Network]
Address={address}/{prefix}
Gateway={gateway}
Address={address_ipv6}/{prefix_ipv6}
Gateway={gateway_ipv6}
IPv6AcceptRA=no
"""
# The stand-ins' versions are higher, so that apt takes them unless it mustn't.
REAL_SANLOCK = """Package: sanlock python3-sanlock libvirt-sanlock
Pin: version *lab1
Pin-Priority: -1
"""
# No watchdog, no locked memory, no real-time priority: what this machine can't give.
SANLOCK_UNIT = """[Service]
Environment=LD_PRELOAD=/usr/local/lib/unlimited.so
ExecStart=
ExecStart=/usr/sbin/sanlock daemon -w 0 -l 0 -h 0
"""
PILLAR = Path(__file__).with_name("pillar.sls")
# Before the real one in the path that the formula's commands have.
LSBLK = Path(__file__).with_name("lsblk")


def machine_id(host: Host) -> str:
    """The same for a host of that name in any lab, as hardware would have it."""
    return hashlib.md5(host.fqdn.encode(), usedforsecurity=False).hexdigest()


def write(host: Host) -> None:
    """Give a new clone its identity, its network and its Salt configuration."""
    root = host.root
    # The same id twice would give two hosts' bridges the same MAC address.
    _file(root, "etc/machine-id", f"{machine_id(host)}\n")
    _file(root, "etc/hostname", f"{host.fqdn}\n")
    _file(root, "etc/resolv.conf", f"search {DOMAIN}\nnameserver {GATEWAY}\n")
    _file(root, "etc/hosts", _hosts())
    link = LINK.format(
        address=host.address,
        prefix=PREFIX,
        gateway=GATEWAY,
        address_ipv6=host_address_ipv6(host.name),
        prefix_ipv6=PREFIX_IPV6,
        gateway_ipv6=GATEWAY_IPV6,
    )
    _file(root, "etc/systemd/network/10-host0.network", link)
    _file(root, "etc/salt/minion", _minion(host))
    # Salt lists all that it serves: not the whole checkout with its virtual environment.
    (root / SERVED.lstrip("/")).mkdir(parents=True)
    (root / SERVED.lstrip("/") / "hosted_engine").symlink_to(f"{FORMULA}/hosted_engine")
    # What a site has of its own is laid over what all have.
    _file(root, "srv/pillar/top.sls", "base:\n  '*':\n    - hosted_engine\n    - site\n")
    _file(root, "srv/pillar/hosted_engine.sls", PILLAR.read_text())
    _file(root, "srv/pillar/site.sls", "{}\n")
    _file(root, "usr/sbin/lsblk", LSBLK.read_text())
    (root / "usr/sbin/lsblk").chmod(0o755)
    with (root / "etc/libvirt/libvirtd.conf").open("a") as config:
        config.write(f'host_uuid = "{uuid.UUID(machine_id(host))}"\n')
    if SANLOCK == "debian":
        _file(root, "etc/apt/preferences.d/sanlock", REAL_SANLOCK)
        _file(root, "etc/systemd/system/sanlock.service.d/lab.conf", SANLOCK_UNIT)
        shutil.copy(roots.sanlock_preload(), root / "usr/local/lib")
    run(["ssh-keygen", "-q", "-A", "-f", root])


def _hosts() -> str:
    """Hosts and NAS by file, as sites do without a DNS; engines only by DNS."""
    known = {n: a for n, a in network.records().items() if not n.startswith("engine")}
    lines = [
        f"{address} {name}" + (f" {name.partition('.')[0]}" if DOMAIN_IPV6 not in name else "")
        for name, address in known.items()
    ]
    return "\n".join(["127.0.0.1 localhost", "::1 localhost ip6-localhost", *lines, ""])


def _minion(host: Host) -> str:
    """Salt's configuration: the checkout as it is, without a master and without a sync."""
    kinds = {"module_dirs": "_modules", "states_dirs": "_states", "utils_dirs": "_utils"}
    folders = {option: [f"{FORMULA}/{folder}"] for option, folder in kinds.items()}
    options = {
        "id": host.fqdn,
        "master": GATEWAY,
        "file_client": "local",
        "file_roots": {"base": [SERVED]},
        "pillar_roots": {"base": ["/srv/pillar"]},
        **folders,
    }
    return json.dumps(options, indent=2) + "\n"


def _file(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    # The root may have a link there, such as resolv.conf's; it must not be followed.
    target.unlink(missing_ok=True)
    target.write_text(text)
