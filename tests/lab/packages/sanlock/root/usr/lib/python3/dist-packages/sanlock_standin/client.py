"""How other programs talk to the daemon."""

from __future__ import annotations

import json
import socket
from typing import Any

from .daemon import SOCKET
from .records import LeaseError


def call(verb: str, **arguments: Any) -> Any:
    """Ask the daemon. Raises LeaseError with its code, OSError when there is no daemon."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(SOCKET)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps({"verb": verb, "arguments": arguments}) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
    if error := answer.get("error"):
        raise LeaseError(error["code"], error["message"])
    return answer["result"]
