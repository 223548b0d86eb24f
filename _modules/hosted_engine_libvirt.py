"""libvirt's daemon: the monolithic one, as vdsm wants it, and its TLS port."""

from __future__ import annotations

import re
import socket
from typing import Any

from ovirt_he.core import command
from ovirt_he.core.errors import NotYet
from ovirt_he.host import hypervisor
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar.settings import load
from salt.exceptions import CommandExecutionError

DAEMON = "libvirtd.service"
# While any of them listens, a client that polls restarts the daemon in the gap.
LOCAL_SOCKETS = ("libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket")
TLS_SOCKET = "libvirtd-tls.socket"
TLS_PORT = 16514
# The daemons that EL's libvirt is split into. vdsm masks them; virtlogd and virtlockd it needs.
MODULAR = re.compile(
    r"virt(qemu|interface|network|nodedev|nwfilter|secret|storage|proxy)d[\w-]*\.(service|socket)"
)
CONNECT_SECONDS = 5
LOGIN_WANTED = "login wanted"


def get() -> dict[str, Any]:
    """
    The modular daemons that aren't masked, and whether libvirt answers.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_libvirt.get

    ``answers``: True, False, or that a login is wanted while nothing listens on TLS: where a run
    was cut short after vdsm had configured libvirt.
    """
    settings = load(__pillar__, __grains__)
    answers: bool | str = True
    try:
        with hypervisor.libvirt(settings):
            pass
    except NotYet:
        answers = False
    except hypervisor.LoginWanted:
        if _listens(settings["host"]["address"]):
            raise
        answers = LOGIN_WANTED
    return {"modular": _modular(), "answers": answers}


def mask_modular() -> None:
    """
    Stop and mask libvirt's modular daemons, before a VM runs under one of them.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_libvirt.mask_modular

    vdsm does so as well, but while the bootstrap VM runs.
    """
    refuse_if_deployed(__salt__, "Masking libvirt's modular daemons")
    command.run("systemctl", "mask", "--now", *_modular(), timeout=_seconds())


def start() -> None:
    """
    Start the monolithic daemon, now and at every boot.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_libvirt.start

    Raises NotYet where libvirt isn't installed.
    """
    command.run("systemctl", "enable", "--now", DAEMON, timeout=_seconds())


def tls(name: str) -> bool:
    """
    Whether libvirt at ``name`` takes us over TLS, with the certificates that vdsm installed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_libvirt.tls node1.example.com

    Raises CommandExecutionError when the port answers, but refuses us or can't be trusted.
    """
    if not _listens(name):
        return False
    library = hypervisor.library()
    uri = f"qemu+tls://{name}/system"
    try:
        library.open(uri).close()
    except library.libvirtError as error:
        raise CommandExecutionError(
            f"{hypervisor.translated(error, uri)}. The port is open, so it's about certificates: "
            "each must be signed by the engine's CA, the server's must name this address, and the "
            "client's lie below /etc/pki/libvirt. Install the host again in the engine"
        ) from error
    return True


def enable_tls(name: str, wait: bool = False) -> None:
    """
    Let libvirt listen on TLS: the daemon stops once, VMs run on. vdsm's settings stay as they are.

    vdsm restarts with the daemon; ``wait``: until the engine finds this host up again.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_libvirt.enable_tls node1.example.com
    """
    seconds = _seconds()
    try:
        command.run("systemctl", "stop", *LOCAL_SOCKETS, DAEMON, timeout=seconds)
        command.run("systemctl", "enable", "--now", TLS_SOCKET, timeout=seconds)
    finally:
        # In any case: a host without libvirt is worse than one without TLS.
        command.run("systemctl", "start", DAEMON, timeout=seconds)
    if wait and not __salt__["hosted_engine.deployed"]():
        __salt__["ovirt_host.wait"](load(__pillar__, __grains__)["host"]["name"])


def _seconds() -> int:
    return int(load(__pillar__, __grains__)["timeouts"]["command"])


def _modular() -> list[str]:
    listed = command.run("systemctl", "list-unit-files", "--no-legend", "--plain", "virt*")
    pairs = [line.split()[:2] for line in listed.stdout.splitlines() if line.split()[1:]]
    return [unit for unit, state in pairs if MODULAR.fullmatch(unit) and state != "masked"]


def _listens(name: str) -> bool:
    try:
        socket.create_connection((name, TLS_PORT), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
