"""vdsm, this host's virtualisation agent, by its own command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ovirt_he.core import command, records
from ovirt_he.core.text import safe
from ovirt_he.core.wait import wait_for
from ovirt_he.host import vdsm_storage
from ovirt_he.host.volume import exists
from ovirt_he.pillar import settings
from ovirt_he.pillar.storage import where
from salt.exceptions import CommandExecutionError, CommandNotFoundError

# vdsm's error for a domain that isn't on any connected storage.
NO_SUCH_DOMAIN = "(code=358,"


def call(namespace: str, method: str, **arguments: Any) -> Any:
    """
    Call a method of vdsm and return its answer, or None where that is empty.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.call Host getCapabilities

    Raises CommandExecutionError with vdsm's own error.
    """
    # Salt adds its keywords to those of a command line.
    values = {key: value for key, value in arguments.items() if not key.startswith("__")}
    done = command.run(
        "vdsm-client",
        namespace,
        method,
        *(f"{key}={value}" for key, value in values.items()),
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
            f"vdsm-client {namespace} {method} returned no JSON: {done.stdout[:500]}"
        ) from error


def sees(storage_domain: str) -> bool:
    """
    Whether this host sees a storage domain: after a boot, only once its storage is connected.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.sees DOMAIN_ID

    Raises CommandExecutionError when vdsm gives no answer for ``timeouts:outage`` seconds.
    """
    failures: list[str] = []

    def ask() -> bool | None:
        try:
            call("StorageDomain", "getInfo", storagedomainID=storage_domain)
        except CommandNotFoundError:
            raise
        except CommandExecutionError as error:
            if NO_SUCH_DOMAIN in str(error):
                return False
            failures.append(str(error))
            return None
        return True

    seen = wait_for(
        f"vdsm to answer about the storage domain {storage_domain}",
        ask,
        lambda seen: seen is not None,
        timeout=settings.merge(__pillar__, __grains__)["timeouts"]["outage"],
        explain=lambda: failures[-1],
    )
    return bool(seen)


def connect_storage(storage: dict[str, Any]) -> None:
    """
    Have vdsm connect the hosted engine's storage on this host, as HA does after each boot.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.connect_storage \\
            '{type: glusterfs, address: nas.example.com, path: /engine, mount_options: ""}'

    ``storage``: all keys that the pillar's ``storage`` has for its type; the password of its CHAP
    user is ``secrets:iscsi_password``. Connected storage stays connected.

    Raises CommandExecutionError when none of its servers or portals can be connected, with vdsm's
    error code for each.
    """
    secret = settings.secret(__pillar__, "iscsi_password")
    password = secret.value if secret else ""
    done = command.run(
        *("vdsm-client", "-f", "-", "StoragePool", "connectStorageServer"),
        stdin=json.dumps(vdsm_storage.connection(storage, password)),
        timeout=settings.merge(__pillar__, __grains__)["timeouts"]["storage"],
        package="vdsm",
        check=False,
    )
    codes = vdsm_storage.codes(done.stdout)
    if done.returncode or 0 not in codes:
        reason = f"error code {', '.join(map(str, codes)) or 'unknown'}"
        if done.returncode:
            # vdsm-client repeats its input, with the password.
            output = (done.stderr or done.stdout).partition("failed:\n")[2]
            reason = safe(output, [password]) or "no answer"
        raise CommandExecutionError(
            f"vdsm doesn't connect {where(storage)}: {reason}. Look at: systemctl status vdsmd, "
            "/var/log/vdsm/vdsm.log, the server, and the network between"
        )


def save_network() -> None:
    """
    Make the running network configuration permanent.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.save_network
    """
    call("Host", "setSafeNetworkConfig")
    # vdsm doesn't report whether it is saved; ovirt_host.routes reads this record.
    if (routes := records.read("routes")) is not None:
        records.write("routes", routes | {"saved": True})


def prepare_image(domain: str, image: str, volume: str) -> str:
    """
    Make a volume readable on this host and return its path.

    CLI Example:

    .. code-block:: bash

        salt-call --local vdsm.prepare_image DOMAIN_ID IMAGE_ID VOLUME_ID

    Raises CommandExecutionError when vdsm refuses, or returns a path that doesn't exist.
    """
    answer = call(
        "Image",
        "prepare",
        # Outside of the engine's pool, as HA does.
        storagepoolID=vdsm_storage.NO_UUID,
        storagedomainID=domain,
        imageID=image,
        volumeID=volume,
    )
    path = answer.get("path") if isinstance(answer, dict) else None
    if not path or not exists(Path(path)):
        raise CommandExecutionError(
            f"vdsm prepared the volume {volume} of the image {image}, but returned {answer}"
        )
    return str(path)
