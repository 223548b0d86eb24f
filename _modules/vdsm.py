"""vdsm, this host's virtualisation agent, by its own command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hosted_engine_command as command
import hosted_engine_record as record
import hosted_engine_settings as settings
import hosted_engine_volume as volumes
from salt.exceptions import CommandExecutionError

# Not a pool of the engine's: HA and this formula use images outside of it.
NO_POOL = "00000000-0000-0000-0000-000000000000"


def call(namespace: str, method: str, **arguments: Any) -> Any:
    """
    Call a method of vdsm and return what it answers, or None where it answers nothing.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.call Host getCapabilities

    Raises CommandExecutionError with vdsm's own error.
    """
    # Salt adds keywords of its own to what comes from a command line.
    own = {key: value for key, value in arguments.items() if not key.startswith("__")}
    done = command.run(
        "vdsm-client",
        namespace,
        method,
        *(f"{key}={value}" for key, value in own.items()),
        timeout=settings.merge(__pillar__, __grains__)["timeouts"]["command"],
        advice="Look at: systemctl status vdsmd, journalctl -u vdsmd",
        package="vdsm",
    )
    if not done.stdout.strip():
        return None
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise CommandExecutionError(
            f"vdsm-client {namespace} {method} answered no JSON: {done.stdout[:500]}"
        ) from error


def save_network() -> None:
    """
    Make the running network configuration the one that the next boot brings up.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.save_network
    """
    call("Host", "setSafeNetworkConfig")
    # vdsm doesn't tell whether it was saved; ovirt_host.network reads it from here.
    if (routes := record.read("routes")) is not None:
        record.write("routes", routes | {"saved": True})


def prepare_image(domain: str, image: str, volume: str) -> str:
    """
    Make a volume readable on this host and return its path.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.prepare_image DOMAIN_ID IMAGE_ID VOLUME_ID

    Raises CommandExecutionError when vdsm refuses, or answers a path that isn't there.
    """
    answer = call(
        "Image",
        "prepare",
        storagepoolID=NO_POOL,
        storagedomainID=domain,
        imageID=image,
        volumeID=volume,
    )
    path = answer.get("path") if isinstance(answer, dict) else None
    if not path or not volumes.exists(Path(path)):
        raise CommandExecutionError(
            f"vdsm prepared the volume {volume} of the image {image}, but answered {answer}"
        )
    return str(path)
