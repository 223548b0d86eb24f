"""Start the engine: ``python3 -m engine_simulator --state DIR --pki DIR --fqdn NAME``."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from .engine import Engine, Hosts
from .pki import Pki
from .server import PlainServer, Server
from .state import alone


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="engine_simulator", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of state.json, sso.json")
    parser.add_argument("--pki", type=Path, required=True, help="as /etc/pki/ovirt-engine")
    parser.add_argument("--fqdn", required=True)
    parser.add_argument("--address", default="::", help="where to listen; ::, everywhere")
    parser.add_argument("--port", type=int, default=443, help="0: any free one, told on stdout")
    parser.add_argument("--http-port", type=int, help="where the health page answers without TLS")
    parser.add_argument("--hosts", choices=("ssh", "memory"), default="ssh")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="0.1: transitions ten times faster"
    )
    parser.add_argument("--token-lifetime", type=float, default=1800.0, metavar="SECONDS")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    driver: Callable[[Engine], Hosts]
    if given.hosts == "ssh":
        from .ssh import SshHosts as driver
    else:
        from .memory import MemoryHosts as driver
    with alone(given.state, seconds=30):
        engine = Engine(
            given.state,
            Pki(given.pki),
            given.fqdn,
            driver,
            speed=given.speed,
            token_lifetime=given.token_lifetime,
        )
        server = Server((given.address, given.port), engine)
        if given.http_port is not None:
            plain = PlainServer((given.address, given.http_port), engine)
            threading.Thread(target=plain.serve_forever, daemon=True).start()
        print(f"listening on {server.server_address[1]}", flush=True)
        # The health page answers at once; the API's modules and the SDK load meanwhile.
        threading.Thread(target=start, args=(engine,), daemon=True).start()
        server.serve_forever()
    return 0


def start(engine: Engine) -> None:
    """Load the API, mend what a power cut interrupted, and let time go on."""
    from . import resources
    from .sql_server import Server as SqlServer

    threading.Thread(target=SqlServer(engine).serve_forever, daemon=True).start()
    resources.recover(engine)
    engine.ready.set()
    threading.Thread(target=resources.load, daemon=True).start()
    engine.run()


if __name__ == "__main__":
    sys.exit(main())
