"""``vdsm-tool``: what the engine has run on a host while it installs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

from . import configure, network, pki
from .errors import VdsmError

USAGE = """\
Usage: vdsm-tool <action>
  configure --force       configure libvirt for vdsm; VARIANT in the environment changes how
  is-configured           tell whether vdsmd may start
  vdsm-id                 print this host's id
Of the lab alone:
  csr                     print a certificate request for vdsm's key
  install-certificates    install {"certificate", "ca"} from stdin
  setup-network           move the address in {"network", "address"} from stdin onto a bridge
"""


def _configure() -> None:
    configure.configure(os.environ.get("VARIANT", ""))
    print("Done configuring modules to VDSM.")


def _is_configured() -> None:
    if not configure.is_configured():
        raise VdsmError(
            "Modules libvirt are not configured.\n"
            "Please run: vdsm-tool configure --force to configure them"
        )


def _setup_network() -> None:
    asked = json.load(sys.stdin)
    keep = configure.kept_routes(os.environ.get("VARIANT"))
    network.setup(asked["network"], asked["address"], keep)


def _install() -> None:
    pki.install(**json.load(sys.stdin))


def _vdsm_id() -> None:
    subprocess.run(["cat", "/etc/vdsm/vdsm.id"], check=True)


ACTIONS: dict[tuple[str, ...], Callable[[], object]] = {
    ("csr",): lambda: print(pki.request(), end=""),
    ("install-certificates",): _install,
    ("configure", "--force"): _configure,
    ("is-configured",): _is_configured,
    ("setup-network",): _setup_network,
    ("vdsm-id",): _vdsm_id,
}


def main(arguments: list[str]) -> int:
    """Run one action: 0, or 1 with words on stderr."""
    action = ACTIONS.get(tuple(arguments))
    if action is None:
        print(USAGE, end="", file=sys.stderr)
        return 1
    try:
        action()
    except (VdsmError, OSError, ValueError, KeyError) as err:
        print(f"vdsm-tool: {err}", file=sys.stderr)
        return 1
    return 0
