"""The engine's guest during the bootstrap: over ssh, by its console and its health page."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import vm_files
from ovirt_he.core import records
from ovirt_he.core.errors import NotYet
from ovirt_he.core.text import safe, tail
from ovirt_he.core.wait import last_seen, wait_for
from ovirt_he.engine.health import check
from ovirt_he.guest import channel, setup_watch
from ovirt_he.guest.files import HANDOVER_UNIT, MARKER
from ovirt_he.guest.network import final_files
from ovirt_he.host import routes
from ovirt_he.host.guard import refuse_if_deployed
from ovirt_he.pillar.settings import Settings, load, secret_texts
from salt.exceptions import CommandExecutionError

CA = "/etc/pki/ovirt-engine/ca.pem"
# Exit codes of a command itself, as opposed to ssh's.
ANSWERED = range(channel.NO_CONNECTION)
# Where older engines look for the configuration disk.
OPTION = "option_name='HostedEngineConfigurationImageGuid' AND version='general'"
GET = f"SELECT option_value FROM vdc_options WHERE {OPTION}"  # noqa: S608, constant
SET = f"UPDATE vdc_options SET option_value='@DISK@' WHERE {OPTION}"  # noqa: S608, constant
# How long an engine that isn't healthy is checked again before it counts as unhealthy.
HEALTH_SECONDS = 5


def run(*argv: str, timeout: float = 0) -> str:
    """
    Run a command in the guest and return what it printed.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.run systemctl status ovirt-engine

    ``timeout`` is in seconds; 0: ``timeouts:command``. Raises CommandExecutionError when it fails,
    NotYet before the keys or the network are there.
    """
    return _channel().run(*map(str, argv), timeout=timeout).stdout


def file(path: str) -> str:
    """
    A file's text in the guest.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.file /etc/hosts
    """
    return _channel().file(path)


def sql(statement: str) -> list[list[str]]:
    """
    Rows that a statement returns in the engine's database.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.sql 'SELECT vds_name, vds_spm_id FROM vds'

    Values are text and mustn't contain ``|``, the separator.
    """
    return _channel().sql(statement)


def get() -> dict[str, Any]:
    """
    Whether the guest's setup is complete and the engine healthy.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.get

    ``setup``: complete (seen and recorded), done (its marker is there), open (it isn't), or unknown
    with the reason: a guest that doesn't answer is retried for a minute first. ``health``: ok, or
    what the page shows. Raises NotYet while the bootstrap VM doesn't run.
    """
    name = _settings()["bootstrap"]["name"]
    vm = __salt__["hosted_engine_bootstrap.get"](name)
    if vm is None or vm["state"] != "running":
        raise NotYet(
            f"{name} doesn't run yet: salt-call --local state.apply hosted_engine.bootstrap"
        )
    if vm["setup"] == "complete":
        seconds = min(_settings()["timeouts"]["engine"], HEALTH_SECONDS)
        healthy = last_seen(health, lambda answer: answer == "ok", timeout=seconds)
        return {"setup": "complete", "health": healthy}
    return {"setup": setup_watch.marker(_channel()), "health": "unknown"}


def wait_for_setup() -> None:
    """
    Wait until engine-setup in the guest is done.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.wait_for_setup

    Raises CommandExecutionError at once when it failed or the VM is off, otherwise after
    ``timeouts:boot`` seconds without ssh or ``timeouts:setup`` without completion; with the last
    lines of its log and of the console. The next run rebuilds a VM whose setup failed.
    """
    setup_watch.Watch(_channel(), __salt__, console, _secrets()).until_complete()


def complete() -> None:
    """
    Record that this VM's setup was seen complete, and keep its engine's CA certificate.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.complete
    """
    refuse_if_deployed(__salt__, "Recording the guest's setup")
    settings = _settings()
    disk = vm_files.identity(vm_files.of(settings).disk)
    if disk is None:
        raise CommandExecutionError(
            "The running bootstrap VM has lost its disk: apply hosted_engine.clean, start again"
        )
    _channel().look("test", "-e", MARKER)
    certificate = ca_certificate()
    query = ("otopi-config-query", "query", "-k", "OVESETUP_CONFIG/keycloakEnable")
    keycloak = _channel().look(*query, "-f", "/etc/ovirt-engine-setup.conf").stdout.strip()
    records.write_file(records.ca(), certificate, 0o644)
    records.write(
        "setup",
        {
            "domain": settings["bootstrap"]["uuid"],
            "overlay": disk["inode"],
            "keycloak": keycloak == "True",
            "ca_sha256": hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest(),
        },
    )


def wait_for_health() -> None:
    """
    Wait until the engine's health page reports ok, over verified TLS.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.wait_for_health

    Raises CommandExecutionError after ``timeouts:boot`` and ``timeouts:engine`` seconds, with the
    page's last answer and the console's last lines.
    """
    settings = _settings()
    wait_for(
        f"the engine {settings['engine']['fqdn']} to be healthy",
        health,
        lambda answer: answer == "ok",
        timeout=settings["timeouts"]["boot"] + settings["timeouts"]["engine"],
        explain=lambda: f"Last on its console:\n{console()}",
    )


def health() -> str:
    """
    ok, or what the engine's health page reports. TLS is verified, proxies aren't used.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.health
    """
    engine = _settings()["engine"]
    return check(engine, Path(engine["ca_file"] or records.ca()))


def ca_certificate() -> str:
    """
    The engine's CA certificate (PEM), from the guest.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.ca_certificate
    """
    text = file(CA)
    try:
        ssl.PEM_cert_to_DER_cert(text)
    except ValueError as error:
        raise CommandExecutionError(f"{CA} in the guest is no PEM certificate: {error}") from error
    return text


def console() -> str:
    """
    The last lines of the guest's serial console, safe for a terminal.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.console
    """
    return safe(tail(vm_files.of(_settings()).console), _secrets())


def prepared(disk: str) -> dict[str, Any]:
    """
    Whether the guest is ready for shared storage: ``handover``, ``network``, and whether the
    engine's database names the image ``disk`` as the one that holds the configuration.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.prepared 6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f

    An engine without the option (HostedEngineConfigurationImageGuid) doesn't need it.
    """
    guest, unit = _channel(), HANDOVER_UNIT
    enabled = guest.look("systemctl", "is-enabled", unit, codes=ANSWERED).stdout.strip()
    network = all(
        guest.look("cat", path, codes=ANSWERED).stdout == text for path, text in _network().items()
    )
    is_set = all(row[0] == disk for row in guest.sql(GET))
    return {
        "handover": enabled or "absent",
        "network": "final" if network else "outdated",
        "configuration_disk": "set" if is_set else "not set",
    }


def prepare(disk: str) -> None:
    """
    Prepare the guest for shared storage, and set the image ``disk`` in the engine's database as the
    one that holds the configuration.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.prepare 6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f
    """
    refuse_if_deployed(__salt__, "Preparing the guest")
    if not set(disk) <= set("0123456789abcdefABCDEF-"):  # anything else could be SQL
        raise CommandExecutionError(f"{disk!r} isn't the id of an image")
    guest = _channel()
    for path, text in _network().items():
        guest.write_file(path, text)
    guest.run("systemctl", "enable", HANDOVER_UNIT)
    guest.sql(SET.replace("@DISK@", disk))
    guest.run("sync")


def _settings() -> Settings:
    return load(__pillar__, __grains__)


def _network() -> dict[str, str]:
    settings = _settings()
    return final_files(settings, __grains__, routes.default_gateway(settings))


def _channel() -> channel.Channel:
    return channel.of(_settings(), __salt__)


def _secrets() -> list[str]:
    return secret_texts(__pillar__)
