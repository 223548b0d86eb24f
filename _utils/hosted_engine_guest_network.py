"""The guest's network in its final place, and lines of its hosts file."""

from __future__ import annotations

from typing import Any

# Ends each line of ours in a hosts file, on the host and in the guest.
HOSTS_MARKER = "# hosted-engine bootstrap"


def keyfile(settings: dict[str, Any], gateway: str) -> str:
    """
    NetworkManager's connection in the final place, for the card with our MAC address.

    ``gateway`` is a static guest's; DHCP tells its own.
    """
    vm = settings["vm"]
    if vm["address"]:
        address = ",".join(filter(None, (vm["address"], gateway)))
        servers = "".join(f"{server};" for server in vm["dns"])
        ipv4 = f"method=manual\naddress1={address}\n" + (f"dns={servers}\n" if servers else "")
    else:
        ipv4 = "method=auto\n"
    return (
        "[connection]\nid=hosted-engine\ntype=ethernet\nautoconnect-priority=100\n\n"
        f"[ethernet]\nmac-address={vm['mac']}\n\n[ipv4]\n{ipv4}\n[ipv6]\nmethod=auto\n"
    )


def hosts_line(address: str, *names: str) -> str:
    """A line of a hosts file, marked as ours."""
    return f"{address} {' '.join(dict.fromkeys(names))} {HOSTS_MARKER}\n"
