"""The formula's line in the host's hosts file: the engine's name, at the bootstrap VM's address."""

from __future__ import annotations

from typing import Any

from ovirt_he.guest import hosts_file, network


def get(name: str) -> dict[str, Any] | None:
    """
    The address of ``name`` in the hosts file, and whose line it is; None: it isn't there.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hosts.get engine.example.com

    ``ours``: the line has the formula's marker. The first line of a name counts.
    """
    for line in hosts_file.lines():
        entry = line.split(b"#")[0].decode(errors="replace").split()
        if name.lower() in (word.lower() for word in entry[1:]):
            return {"address": entry[0], "ours": hosts_file.is_ours(line)}
    return None


def ours() -> dict[str, Any] | None:
    """
    All lines with the formula's marker; None: there are none.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hosts.ours
    """
    lines = [
        line.decode(errors="replace").strip()
        for line in hosts_file.lines()
        if hosts_file.is_ours(line)
    ]
    return {"lines": lines} if lines else None


def add(name: str, address: str) -> None:
    """
    Add ``name`` with ``address`` as the first line, since the first one counts.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hosts.add engine.example.com 192.168.222.10

    Older lines of the formula are removed; all others stay, byte for byte.
    """
    hosts_file.write(network.hosts_line(address, name).encode() + _others())


def remove() -> None:
    """
    Remove the formula's lines; all others stay, byte for byte.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_hosts.remove
    """
    hosts_file.write(_others())


def _others() -> bytes:
    return b"".join(line for line in hosts_file.lines() if not hosts_file.is_ours(line))
