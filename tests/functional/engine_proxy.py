"""Something between the product and the engine that loses, cuts, and spoils answers on demand."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from functional.engine_process import Engine

API = "/ovirt-engine/api"
# What may become of an answer that the engine has given.
LOSSES: dict[str, tuple[int, str, bytes]] = {
    "redirect": (302, "", b""),
    "html": (500, "text/html", b"<html>Oops</html>"),
    "empty": (201, "application/xml", b""),
    "no_type": (200, "", b"<api/>"),
    "other_xml": (200, "application/xml", b"<x><y></x>"),
}


class Proxy(ThreadingHTTPServer):
    """
    ``spoil(method, path)`` says what becomes of a request: ``""`` nothing, ``"lost"`` the
    connection is cut after the engine has acted, ``"half"`` half of the answer comes, or one of
    ``LOSSES``.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.spoil: Callable[[str, str], str] = lambda _method, _path: ""
        self.seen: list[tuple[str, str]] = []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        keys = engine.pki / "keys" / "apache.key.nopass"
        self.tls.load_cert_chain(engine.pki / "certs" / "apache.cer", keys)
        self.trusted = ssl.create_default_context(cafile=str(engine.ca_file))
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def lose_once(self, method: str, path: str, how: str = "lost", skip: int = 0) -> None:
        """Spoil the answer to one such request of the API, after ``skip`` others of its kind."""
        left = [skip]

        def spoil(seen_method: str, seen_path: str) -> str:
            if seen_method != method or not re.fullmatch(path, seen_path) or left[0] < 0:
                return ""
            left[0] -= 1
            return how if left[0] < 0 else ""

        self.spoil = spoil

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as safe:
            super().finish_request(safe, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20
    server: Proxy

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        how = ""
        if path.startswith(API):
            self.server.seen.append((self.command, path.removeprefix(API)))
            how = self.server.spoil(*self.server.seen[-1])
        status, kind, content = self._forward(body)
        if how == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if how == "half":
            content = content[: len(content) // 2]
        elif how:
            status, kind, content = LOSSES[how]
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        if how == "redirect":
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def _forward(self, body: bytes) -> tuple[int, str, bytes]:
        engine = self.server.engine
        onward = http.client.HTTPSConnection(
            engine.fqdn, engine.port, context=self.server.trusted, timeout=60
        )
        # The name is this machine's, and a test may have changed how names are resolved.
        with mock.patch.object(onward, "_create_connection", _local):
            onward.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = onward.getresponse()
            content = answer.read()
        onward.close()
        return answer.status, answer.getheader("Content-Type", ""), content

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the engine has its own log."""


def _local(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", address[1]), *arguments, **options)


@contextlib.contextmanager
def between(engine: Engine) -> Iterator[Proxy]:
    """A proxy in front of an engine, until the end of the block."""
    proxy = Proxy(engine)
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


def by(known: dict[str, Any], proxy: Proxy) -> dict[str, Any]:
    """A pillar whose engine is reached by the proxy."""
    changed: dict[str, Any] = json.loads(json.dumps(known))
    changed["hosted_engine"]["engine"]["port"] = proxy.port
    return changed
