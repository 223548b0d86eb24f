"""``vdsm-client [-a HOST] [-p PORT] NAMESPACE METHOD name=value…``"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from pathlib import Path
from typing import Any

from . import pki, rpc

# What the real schema has and the stand-in does, with the parameters each needs.
METHODS: dict[str, dict[str, list[str]]] = {
    "Host": {
        "getCapabilities": [],
        "getStats": [],
        "getVMList": [],
        "setSafeNetworkConfig": [],
    },
    "Image": {
        "prepare": ["storagepoolID", "storagedomainID", "imageID", "volumeID"],
        "teardown": ["storagepoolID", "storagedomainID", "imageID"],
    },
    "StorageDomain": {
        "getImages": ["storagedomainID"],
        "getInfo": ["storagedomainID"],
        "getStats": ["storagedomainID"],
        "getVolumes": ["storagedomainID", "storagepoolID", "imageID"],
    },
    "StoragePool": {
        "connectStorageServer": ["storagepoolID", "domainType", "connectionParams"],
    },
    "VM": {"destroy": ["vmID"], "getStats": ["vmID"], "shutdown": ["vmID"]},
    "Volume": {"getInfo": ["storagepoolID", "storagedomainID", "imageID", "volumeID"]},
}
LOCAL = {"localhost", "127.0.0.1", "::1"}


class ClientError(Exception):
    """What the command prints before it ends with 1."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vdsm-client")
    parser.add_argument("-a", "--host", default="localhost")
    parser.add_argument("-p", "--port", type=int, default=54321)
    parser.add_argument("--insecure", action="store_true", help="connect without TLS")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("-f", "--file", type=argparse.FileType("r"), help="parameters as JSON")
    parser.add_argument("--flow-id", default=None)
    parser.add_argument("--gluster-enabled", action="store_true")
    namespaces = parser.add_subparsers(dest="namespace", metavar="namespace", required=True)
    for name, methods in METHODS.items():
        namespace = namespaces.add_parser(name)
        verbs = namespace.add_subparsers(dest="method", metavar="method", required=True)
        for method in methods:
            verbs.add_parser(method).add_argument("parameters", nargs="*", metavar="name=value")
    return parser


def _parameters(options: argparse.Namespace) -> dict[str, Any]:
    if options.file:
        return json.load(options.file)
    pairs = [text.partition("=") for text in options.parameters]
    if wrong := [name for name, equals, _value in pairs if not equals]:
        raise ClientError(f"Invalid parameter {wrong[0]!r}, expected name=value")
    return {name: value for name, _equals, value in pairs}


def _call(options: argparse.Namespace, parameters: dict[str, Any]) -> Any:
    command = f"{options.namespace}.{options.method}"
    tls = not options.insecure
    try:
        if not pki.CERTIFICATE.exists():
            raise FileNotFoundError(2, "No such file or directory")
        if options.insecure:
            raise ConnectionResetError(104, "Connection reset by peer")
        if options.host not in LOCAL | {socket.gethostname(), socket.getfqdn()}:
            raise ConnectionRefusedError(111, "Connection refused")
        missing = set(METHODS[options.namespace][options.method]) - set(parameters)
        if missing:
            raise rpc.RemoteError(-32602, f"Required arguments are missing: {sorted(missing)}")
        return rpc.call(command, parameters, timeout=options.timeout)
    except rpc.RemoteError as err:
        raise ClientError(
            f"Command {command} with args {parameters} failed:\n(code={err.code}, message={err})"
        ) from err
    except TimeoutError as err:
        raise ClientError(
            f"Request {command} with args {parameters} timed out after {options.timeout} seconds"
        ) from err
    except OSError as err:
        reason = "[Errno 111] Connection refused" if not Path(rpc.SOCKET).exists() else err
        raise ClientError(
            f"Connection to {options.host}:{options.port} with use_tls={tls},"
            f" timeout={options.timeout:g} failed: {reason}"
        ) from err


def main(arguments: list[str]) -> int:
    """Run the command: JSON on stdout and 0, or words on stderr and 1."""
    options = _parser().parse_args(arguments)
    try:
        parameters = _parameters(options)
        result = _call(options, parameters)
    except (ClientError, ValueError) as err:
        print(f"vdsm-client: {err}", file=sys.stderr)
        return 1
    if (options.namespace, options.method) == ("Host", "getVMList"):
        full = str(parameters.get("fullStatus", "")).lower() == "true"
        result = result if full else [facts["vmId"] for facts in result]
    print(json.dumps(True if result is None else result, indent=4, sort_keys=True))
    return 0
