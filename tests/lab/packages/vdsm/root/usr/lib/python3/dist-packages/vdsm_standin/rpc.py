"""One JSON object a line over a unix socket: how commands reach a daemon of the stand-ins."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOCKET = "/run/vdsm/vdsmd.sock"
VDSM, KVM = 36, 36
Handler = Callable[[str, dict[str, Any]], Any]


class RemoteError(Exception):
    """The daemon's refusal: its code and its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def call(
    verb: str,
    arguments: dict[str, Any] | None = None,
    path: str = SOCKET,
    timeout: float | None = None,
) -> Any:
    """Ask a daemon, for ``timeout`` seconds. Raises RemoteError, or OSError without a daemon."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps({"verb": verb, "arguments": arguments or {}}) + "\n")
            stream.flush()
            line = stream.readline()
    if not line:
        raise ConnectionResetError(f"{path} closed the connection in the middle of {verb}")
    answer = json.loads(line)
    if error := answer.get("error"):
        raise RemoteError(error["code"], error["message"])
    return answer["result"]


def _answer(connection: socket.socket, handler: Handler) -> None:
    with connection, connection.makefile("rw") as stream:
        for line in stream:
            request = json.loads(line)
            try:
                answer = {"result": handler(request["verb"], request["arguments"])}
            except Exception as err:
                if not hasattr(err, "code"):
                    traceback.print_exc(file=sys.stderr)
                answer = {"error": {"code": getattr(err, "code", 100), "message": str(err)}}
            try:
                stream.write(json.dumps(answer) + "\n")
                stream.flush()
            except BrokenPipeError:
                return


def listen(path: str, handler: Handler, mode: int = 0o660) -> threading.Thread:
    """Serve a socket in a thread of its own; it is there when this returns."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    if os.geteuid() == 0:
        os.chown(path, VDSM, KVM)
    Path(path).chmod(mode)
    listener.listen(16)

    def accept() -> None:
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_answer, args=(connection, handler), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return thread


def notify_ready() -> None:
    """Tell systemd that the service is up."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        address = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(b"READY=1", address)
