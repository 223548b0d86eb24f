"""
Connections to libvirt; its errors become Salt errors here.

The local socket comes first. Once vdsm has made it ask for a login (error 45), libvirt is reached
over TLS, with the certificates that vdsm installed; 45 there is final. Reading needs no login, so
what only reads works in between as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from salt.exceptions import CommandExecutionError

from ovirt_he.core.errors import NotYet
from ovirt_he.host import address_family

LOCAL = "qemu:///system"
# libvirt's error numbers, by which errors are distinguished, never by their text.
NO_CONNECT, NO_DOMAIN, NO_NETWORK, AUTH_FAILED = 38, 42, 43, 45
STATES = {1: "running", 2: "blocked", 3: "paused", 4: "in shutdown", 5: "shutoff", 6: "crashed"}
UNDEFINE_NVRAM = 4
SHUTDOWN_ACPI = 1


class LoginWanted(CommandExecutionError):
    """The local socket requires vdsm's credentials, and TLS doesn't work either."""


def library() -> Any:
    """
    libvirt's Python library.

    Raises NotYet where Salt's Python doesn't have it yet.
    """
    try:
        import libvirt as library_
    except ImportError as error:
        raise NotYet(
            "The library libvirt-python isn't in Salt's Python: "
            "salt-call --local state.apply hosted_engine.appliance installs it"
        ) from error
    # It writes every error to stderr, also those that are answers.
    library_.registerErrorHandler(lambda _, __: None, None)
    return library_


def tls_uri(settings: dict[str, Any]) -> str:
    """Where libvirt is reachable over TLS: the certificate names what the host was added with."""
    return f"qemu+tls://{address_family.in_url(settings['host']['address'])}/system"


@contextlib.contextmanager
def libvirt(settings: dict[str, Any], read_only: bool = False) -> Iterator[Any]:
    """
    A connection to this host's libvirt, closed at the end.

    Raises NotYet where libvirt doesn't run or its library isn't there yet, LoginWanted when it
    refuses us, CommandExecutionError for every libvirtError of the block.
    """
    connection, uri = _open(settings, read_only)
    try:
        yield connection
    except library().libvirtError as error:
        raise translated(error, uri) from error
    finally:
        with contextlib.suppress(library().libvirtError):
            connection.close()


def translated(error: Any, uri: str) -> CommandExecutionError:
    """libvirt's error as ours, with its number."""
    return CommandExecutionError(
        f"libvirt at {uri}: {error.get_error_message()} (code {error.get_error_code()})"
    )


def domain(connection: Any, name: str, uuid: str) -> Any | None:
    """
    The domain ``name``, or None.

    Raises CommandExecutionError when it has another UUID: then it isn't ours to touch.
    """
    found = _lookup(connection.lookupByName, name, NO_DOMAIN)
    if found is not None and found.UUIDString() != uuid:
        raise CommandExecutionError(
            f"libvirt has a VM {name} with UUID {found.UUIDString()}, ours would be {uuid}: it "
            f"belongs to something else. Rename or undefine it (virsh undefine {name})"
        )
    return found


def state(domain_: Any) -> str:
    """A domain's state in libvirt's words; the number of one that has none here."""
    number = domain_.state()[0]
    return STATES.get(number, str(number))


def network(connection: Any, name: str) -> Any | None:
    """The network ``name``, or None."""
    return _lookup(connection.networkLookupByName, name, NO_NETWORK)


def _open(settings: dict[str, Any], read_only: bool) -> tuple[Any, str]:
    libvirt_ = library()
    open_ = libvirt_.openReadOnly if read_only else libvirt_.open
    try:
        return open_(LOCAL), LOCAL
    except libvirt_.libvirtError as error:
        if error.get_error_code() == NO_CONNECT:
            raise NotYet(
                f"{translated(error, LOCAL)}. Is it installed and running? "
                "systemctl status libvirtd"
            ) from error
        if error.get_error_code() != AUTH_FAILED:
            raise translated(error, LOCAL) from error
    uri = tls_uri(settings)
    try:
        return open_(uri), uri
    except libvirt_.libvirtError as error:
        raise LoginWanted(
            f"{translated(error, uri)}. The local socket asks for vdsm's login, so this is the one "
            "in: look at vdsm's certificates (/etc/pki/vdsm) and at libvirtd-tls.socket"
        ) from error


def _lookup(look: Any, name: str, missing: int) -> Any | None:
    try:
        return look(name)
    except library().libvirtError as error:
        if error.get_error_code() == missing:
            return None
        raise
