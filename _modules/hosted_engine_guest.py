"""The engine's guest while it is the bootstrap VM: over ssh, console, and its health page."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from pathlib import Path
from typing import Any

from ovirt_he.bootstrap import files as layout
from ovirt_he.core import records as record
from ovirt_he.core.errors import NotYet
from ovirt_he.core.text import safe, tail
from ovirt_he.core.wait import last_seen, wait
from ovirt_he.engine import health as page
from ovirt_he.guest import files as guest_files
from ovirt_he.guest import network as guest_network
from ovirt_he.guest import setup_watch as watch
from ovirt_he.guest import sql as statements
from ovirt_he.guest import ssh
from ovirt_he.host import gateway
from ovirt_he.host.guard import only_on_the_way
from ovirt_he.pillar import settings as settings_
from salt.exceptions import CommandExecutionError

CA = "/etc/pki/ovirt-engine/ca.pem"
# A command's own answers, whatever they are: ssh's isn't one.
ANSWERED = tuple(code for code in ssh.ANY if code != ssh.NO_CONNECTION)
# How long an engine that isn't healthy is asked again before it is taken for that.
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
    return _run(*map(str, argv), timeout=timeout).stdout


def file(path: str) -> str:
    """
    A file's text in the guest.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.file /etc/hosts
    """
    return _look("cat", path).stdout


def sql(statement: str) -> list[list[str]]:
    """
    Rows that a statement returns in the engine's database.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.sql 'SELECT vds_name, vds_spm_id FROM vds'

    Values are text and mustn't hold ``|``, which parts them.
    """
    ask = _look if statements.only_looks(statement) else _run
    return statements.rows(ask(statements.PSQL, "-t", "-A", "-c", statement).stdout)


def get() -> dict[str, Any]:
    """
    Whether the guest's setup is complete and the engine healthy.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.get

    ``setup``: complete (seen and recorded), done (its marker is there), open (it isn't), or unknown
    with the reason: a guest that doesn't answer is asked again for a minute first. ``health``: ok,
    or what the page said. Raises NotYet while the bootstrap VM doesn't run.
    """
    name = _settings()["bootstrap"]["name"]
    vm = __salt__["hosted_engine_bootstrap.get"](name)
    if vm is None or vm["state"] != "running":
        raise NotYet(
            f"{name} doesn't run yet: salt-call --local state.apply hosted_engine.bootstrap"
        )
    if vm["setup"] == "complete":
        seconds = min(_settings()["timeouts"]["engine"], HEALTH_SECONDS)
        told = last_seen(health, lambda seen: seen == "ok", timeout=seconds)
        return {"setup": "complete", "health": told}
    return {"setup": watch.marker(_settings(), _address()), "health": "unknown"}


def wait_for_setup() -> None:
    """
    Wait until engine-setup in the guest is done.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.wait_for_setup

    Raises CommandExecutionError at once when it failed or the VM is off, otherwise after
    ``timeouts:boot`` seconds without ssh or ``timeouts:setup`` without an end; with the last lines
    of its log and of the console. What failed is built anew by the next run.
    """
    settings = _settings()
    watch.Watch(settings, _address(), __salt__, console, _secrets()).until_complete()


def complete() -> None:
    """
    Record that this VM's setup was seen complete, and keep its engine's CA certificate.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.complete
    """
    only_on_the_way(__salt__, "Recording the guest's setup")
    settings = _settings()
    disk = layout.identity(layout.of(settings).disk)
    if disk is None:
        raise CommandExecutionError("The bootstrap VM's disk is gone while it runs: start anew")
    _look("test", "-e", guest_files.MARKER)
    certificate = ca_certificate()
    query = ("otopi-config-query", "query", "-k", "OVESETUP_CONFIG/keycloakEnable")
    keycloak = _look(*query, "-f", "/etc/ovirt-engine-setup.conf").stdout.strip()
    record.write_file(record.ca(), certificate, 0o644)
    record.write(
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
    Wait until the engine's health page says ok, over TLS that is verified.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.wait_for_health

    Raises CommandExecutionError after ``timeouts:engine`` seconds and a boot's, with what the page
    said last and the console's last lines.
    """
    settings = _settings()
    wait(
        f"the engine {settings['engine']['fqdn']} to be healthy",
        health,
        lambda seen: seen == "ok",
        timeout=settings["timeouts"]["boot"] + settings["timeouts"]["engine"],
        explain=lambda: f"Last on its console:\n{console()}",
    )


def health() -> str:
    """
    ok, or why the engine's health page doesn't say so. TLS is verified, proxies aren't used.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.health
    """
    engine = _settings()["engine"]
    return page.seen(engine, Path(engine["ca_file"] or record.ca()))


def ca_certificate() -> str:
    """
    The engine's CA certificate (PEM), as the guest holds it.

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
    return safe(tail(layout.of(_settings()).console), _secrets())


def prepared(disk: str) -> dict[str, Any]:
    """
    Whether the guest is ready for its final place: ``handover``, ``network``, and whether the
    engine was told that the image ``disk`` holds the configuration.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.prepared 6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f

    An engine that doesn't know the option (HostedEngineConfigurationImageGuid) needn't be told.
    """
    unit = guest_files.HANDOVER_UNIT
    enabled = _look("systemctl", "is-enabled", unit, codes=ANSWERED).stdout.strip()
    network = all(
        _look("cat", path, codes=ANSWERED).stdout == text for path, text in _network().items()
    )
    told = all(row[0] == disk for row in sql(statements.ASK))
    return {
        "handover": enabled or "absent",
        "network": "final" if network else "outdated",
        "configuration_disk": "told" if told else "not told",
    }


def prepare(disk: str) -> None:
    """
    Prepare the guest for its final place, and tell the engine that the image ``disk`` holds the
    configuration.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_guest.prepare 6f1c3d0e-5a4b-4c3d-9e2f-1a2b3c4d5e6f
    """
    only_on_the_way(__salt__, "Preparing the guest")
    if not set(disk) <= set("0123456789abcdefABCDEF-"):  # else it would be somebody's SQL
        raise CommandExecutionError(f"{disk!r} isn't the id of an image")
    for path, text in _network().items():
        _run("install", "-m", "0600", "/dev/stdin", path, stdin=text)
    _run("systemctl", "enable", guest_files.HANDOVER_UNIT)
    sql(statements.TELL.replace("@DISK@", disk))
    _run("sync")


def _settings() -> settings_.Settings:
    return settings_.load(__pillar__, __grains__)


def _network() -> dict[str, str]:
    settings = _settings()
    return guest_network.final_files(settings, __grains__, gateway.of(settings))


def _address() -> str:
    return str(__salt__["hosted_engine_network.address"]())


def _run(
    *argv: str, timeout: float = 0, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    known = _settings()
    limit = timeout or known["timeouts"]["command"]
    return ssh.run(known, _address(), *argv, timeout=limit, stdin=stdin)


def _look(*argv: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """As ``_run``, for what changes nothing: asked again where there is no answer."""
    known = _settings()
    limit, patience = known["timeouts"]["command"], ssh.patience(known)
    return ssh.look(known, _address(), *argv, timeout=limit, codes=codes, patience=patience)


def _secrets() -> list[str]:
    return settings_.secret_texts(__pillar__)
