"""
Questions to DNS servers of our choice, as another machine will ask them.

This host's own resolution also reads its hosts file, and a cache. Salt's Python has no DNS library,
and a bare host has no dig: a question and its answer are a few bytes (RFC 1035).
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from collections.abc import Iterator

from salt.exceptions import CommandExecutionError

from ovirt_he.host.address_family import IPV4, IPV6

PORT = 53
SECONDS = 2.0
TRIES = 2
RECORDS = {IPV4: 1, IPV6: 28}
INTERNET = 1
RECURSION_DESIRED = 0x0100
TRUNCATED = 0x0200
# Response codes that are an answer: there are such records, there aren't, there is no such name.
NO_ERROR, NO_NAME = 0, 3
REFUSALS = {1: "format error", 2: "server failure", 4: "not implemented", 5: "refused"}


class Resolver:
    """Asks servers in order; one that failed to answer once isn't asked again."""

    def __init__(self, servers: list[str]) -> None:
        self.servers = list(servers)
        self._failures: dict[str, str] = {}

    def addresses(self, name: str, family: str) -> list[str]:
        """
        The addresses of a family that a name has; empty: none, or there is no such name.

        Raises CommandExecutionError where no server answers, with what each did.
        """
        for server in self.servers:
            if server not in self._failures:
                try:
                    return ask(server, name, family)
                except (OSError, ValueError) as error:
                    self._failures[server] = str(error)
        tried = "; ".join(f"{server}: {why}" for server, why in self._failures.items())
        raise CommandExecutionError(tried or "there is no DNS server")


def ask(server: str, name: str, family: str) -> list[str]:
    """
    The addresses that one server gives a name.

    Raises OSError where it doesn't answer, ValueError where it answers nothing that can be used.
    """
    identifier = secrets.randbits(16)
    question = _question(identifier, name, RECORDS[family])
    answer = _by_udp(server, question)
    if struct.unpack_from(">H", answer, 2)[0] & TRUNCATED:
        answer = _by_tcp(server, question)
    try:
        return list(_addresses(answer, RECORDS[family]))
    except (struct.error, IndexError) as error:
        raise ValueError(f"its answer can't be read: {error}") from error


def _question(identifier: int, name: str, record: int) -> bytes:
    # UnicodeError, of a name that isn't ASCII, is a ValueError.
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name} is no name of DNS")
    head = struct.pack(">6H", identifier, RECURSION_DESIRED, 1, 0, 0, 0)
    encoded = b"".join(bytes([len(label)]) + label for label in labels)
    return head + encoded + b"\0" + struct.pack(">2H", record, INTERNET)


def _by_udp(server: str, question: bytes) -> bytes:
    kind = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as connection:
        connection.settimeout(SECONDS)
        connection.connect((server, PORT))
        for attempt in range(TRIES):
            connection.send(question)
            try:
                while len(answer := connection.recv(65535)) < 12 or answer[:2] != question[:2]:
                    pass
                return answer
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
    raise AssertionError("unreachable")


def _by_tcp(server: str, question: bytes) -> bytes:
    with socket.create_connection((server, PORT), SECONDS) as connection:
        connection.sendall(struct.pack(">H", len(question)) + question)
        with connection.makefile("rb") as stream:
            length = int.from_bytes(stream.read(2), "big")
            answer = stream.read(length)
    if len(answer) < 12 or len(answer) < length or answer[:2] != question[:2]:
        raise ValueError("it ended the connection before its answer")
    return answer


def _addresses(answer: bytes, record: int) -> Iterator[str]:
    """Addresses of an answer; those of the name that an alias leads to are in it as well."""
    flags, questions, answers = struct.unpack_from(">3H", answer, 2)
    code = flags & 0xF
    if code not in (NO_ERROR, NO_NAME):
        raise ValueError(REFUSALS.get(code, f"response code {code}"))
    position = 12
    for _ in range(questions):
        position = _after_name(answer, position) + 4
    for _ in range(answers):
        position = _after_name(answer, position)
        kind, _, _, length = struct.unpack_from(">2HIH", answer, position)
        position += 10
        if kind == record:
            yield str(ipaddress.ip_address(answer[position : position + length]))
        position += length


def _after_name(answer: bytes, position: int) -> int:
    while length := answer[position]:
        # The two highest bits: a pointer to where the name continues.
        if length >= 0xC0:
            return position + 2
        position += length + 1
    return position + 1
