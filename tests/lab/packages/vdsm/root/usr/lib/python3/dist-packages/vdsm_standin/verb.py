"""``vdsm-verb NAME``: one verb for the engine, JSON arguments on stdin, JSON answer on stdout."""

from __future__ import annotations

import json
import sys

from . import rpc


def main(arguments: list[str]) -> int:
    """Run the command: 0, or 1 with ``{"code", "message"}`` on stderr."""
    if len(arguments) != 1:
        print("usage: vdsm-verb NAMESPACE.METHOD < arguments.json", file=sys.stderr)
        return 2
    try:
        result = rpc.call(arguments[0], json.loads(sys.stdin.read() or "{}"))
    except (rpc.RemoteError, OSError, ValueError) as err:
        message = str(err) if isinstance(err, rpc.RemoteError) else f"vdsmd: {err}"
        json.dump({"code": getattr(err, "code", 100), "message": message}, sys.stderr)
        print(file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0
