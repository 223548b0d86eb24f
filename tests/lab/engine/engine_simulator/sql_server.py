"""The running engine's end of engine-psql.sh: a unix socket, one statement a connection."""

from __future__ import annotations

import json
import socketserver
from typing import Any

from .engine import Engine
from .sql import SOCKET, SqlError, execute


class _Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        statement = self.rfile.read().decode()
        try:
            with self.server.engine.change() as data:
                answer: dict[str, Any] = {"answers": execute(data, statement)}
        except SqlError as err:
            answer = {"error": str(err)}
        self.wfile.write(json.dumps(answer).encode())


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        path = engine.folder / SOCKET
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        path.chmod(0o600)
