"""HTTPS: sign-in, PKI, health, and the way into the API. HTTP: the health page alone."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import api, sdk
from .engine import Engine

XML = "application/xml"
JSON = "application/json;charset=UTF-8"
HTML = "text/html; charset=iso-8859-1"
UNAVAILABLE = (
    "<html><head><title>503 Service Unavailable</title></head><body>"
    "<h1>Service Unavailable</h1></body></html>"
)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], engine: Engine) -> None:
        self.engine = engine
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(engine.pki.certificate, engine.pki.key)
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            # Both families at one socket, whatever the machine's default is.
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here and not in accept: a client that doesn't finish its handshake holds its thread only.
        request.settimeout(60)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError as err:
            print(f"{client_address[0]}: {err}", file=sys.stderr)


class PlainServer(Server):
    """What HA asks: its liveliness check knows HTTP only."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(60)
        PlainHandler(request, client_address, self)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Apache"
    sys_version = ""
    # Headers and body leave in one write: else each answer waits 40 ms for the client's ACK.
    wbufsize = 1 << 20
    server: Server

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        path = unquote(url.path).rstrip("/")
        if path == sdk.BASE or path.startswith((f"{sdk.BASE}/", f"{sdk.BASE};")):
            self._api(path.removeprefix(sdk.BASE), url.query, body)
            return
        page = PAGES.get((self.command, path))
        if page is None:
            self._send(404, HTML, "<html><body><h1>Not Found</h1></body></html>")
            return
        form = body.decode() if self.command == "POST" else ""
        self._send(*page(self.server.engine, dict(parse_qsl(f"{url.query}&{form}"))))

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def _api(self, path: str, query: str, body: bytes) -> None:
        faults = self.server.engine.faults
        self.server.engine.ready.wait()
        time.sleep(float(faults.get("slow") or 0))
        if faults.take("drop"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if faults.take("http_503"):
            self._send(503, HTML, UNAVAILABLE)
            return
        if faults.take("expire_tokens"):
            self.server.engine.sessions.expire_all()
        if not self.server.engine.sessions.allows(self.headers.get("Authorization") or ""):
            self._send_entity(401, "fault", {"reason": "Unauthorized", "detail": "Sign in again"})
            return
        refusal = self._media_refusal(body)
        if refusal:
            self._send(refusal, HTML, "")
            return
        path, *matrix = path.split(";")
        parameters = dict(parse_qsl("&".join([query, *matrix]), keep_blank_values=True))
        try:
            entity = sdk.parse(body)[1] if body and self.command in ("POST", "PUT") else {}
            request = api.Request(self.server.engine, self.command, path, parameters, entity)
            answer = api.dispatch(request)
            self._send_entity(answer.status, answer.tag, answer.value)
        except api.Fault as err:
            tag = "action" if "fault" in (err.entity or {}) else "fault"
            self._send_entity(err.status, tag if err.entity else "", err.entity)
        except sdk.NotUnderstood as err:
            fault = {"reason": "Request syntactically incorrect.", "detail": str(err)}
            self._send_entity(400, "fault", fault)
        except Exception as err:  # as the engine: an error inside is a fault, not a cut connection
            traceback.print_exc(file=sys.stderr)
            fault = {"reason": "Operation Failed", "detail": f"[Internal Engine Error] {err!r}"}
            self._send_entity(500, "fault", fault)

    def _media_refusal(self, body: bytes) -> int | None:
        """The status for a client that doesn't speak XML: the only one of the engine's two here."""
        sent = self.headers.get("Content-Type") or ""
        accepted = self.headers.get("Accept") or "*/*"
        if body and not sent.startswith(XML):
            return 415
        return None if XML in accepted or "*/*" in accepted else 406

    def _send_entity(self, status: int, tag: str, value: Any) -> None:
        if tag:
            self._send(status, XML, sdk.render(tag, value))
        else:
            self._send(status, "", "")

    def _send(self, status: int, content_type: str, body: bytes | str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Bearer realm="oVirt Engine"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """One line a request, as Apache's log; the query may hold no secret here."""
        print(f"{time.strftime('%FT%T')} {self.client_address[0]} {format % args}", file=sys.stderr)


def _token(engine: Engine, form: dict[str, str]) -> tuple[int, str, str]:
    status, answer = engine.sessions.sign_in(form)
    return status, JSON, json.dumps(answer)


def _logout(engine: Engine, form: dict[str, str]) -> tuple[int, str, str]:
    engine.sessions.sign_out(form.get("token", ""))
    return 200, JSON, "{}"


def _pki(engine: Engine, query: dict[str, str]) -> tuple[int, str, str]:
    resource, kind = query.get("resource"), query.get("format", "X509-PEM")
    certificates = {
        "ca-certificate": engine.pki.ca,
        "engine-certificate": engine.pki.engine_certificate,
    }
    if kind == "OPENSSH-PUBKEY" and resource == "engine-certificate":
        return 200, "text/plain;charset=UTF-8", engine.pki.ssh_public_key.read_text("ascii")
    if resource in certificates and kind in ("X509-PEM", "X509-PEM-CA"):
        suffix = "ca-cert" if kind == "X509-PEM-CA" else "user-cert"
        text = certificates[resource].read_text("ascii")
        return 200, f"application/x-x509-{suffix};charset=UTF-8", text
    return 404, HTML, "<html><body><h1>Not Found</h1></body></html>"


def _health(engine: Engine, _query: dict[str, str]) -> tuple[int, str, str]:
    engine.ready.wait()
    return 200, "text/html;charset=UTF-8", "DB Up!Welcome to Health Status!"


def _welcome(engine: Engine, _query: dict[str, str]) -> tuple[int, str, str]:
    return 200, "text/html;charset=UTF-8", f"<html><title>oVirt Engine</title>{engine.fqdn}</html>"


class PlainHandler(Handler):
    def answer(self) -> None:
        health = ("GET", "/ovirt-engine/services/health")
        if (self.command, urlsplit(self.path).path) == health:
            self._send(*PAGES[health](self.server.engine, {}))
        else:
            self._send(404, HTML, "<html><body><h1>Not Found</h1></body></html>")

    do_GET = do_POST = do_PUT = do_DELETE = answer


PAGES = {
    ("POST", "/ovirt-engine/sso/oauth/token"): _token,
    ("POST", "/ovirt-engine/services/sso-logout"): _logout,
    ("GET", "/ovirt-engine/services/pki-resource"): _pki,
    ("GET", "/ovirt-engine/services/health"): _health,
    ("GET", "/ovirt-engine"): _welcome,
}
