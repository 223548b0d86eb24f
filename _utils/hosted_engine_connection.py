"""
The connection to the engine: one a run and process, verified, its errors made ours.

The SDK signs in again by itself when a token expires, so there is no second layer here.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import hosted_engine_record as record
import hosted_engine_settings as settings
from hosted_engine_down import explain_or_wait
from hosted_engine_state import NotYet, Secret
from salt.exceptions import CommandExecutionError

VDSM_CA = Path("/etc/pki/vdsm/certs/cacert.pem")
CONFIGURATION = Path("/etc/ovirt-hosted-engine/hosted-engine.conf")
KEY = "hosted_engine_connection"
HEALTH_SECONDS = 10

SIGN_IN_ADVICE = (
    "check the pillar key hosted_engine:secrets:admin_password. "
    "If the password was changed in the engine, change it in the pillar too"
)
RESTORED_ADVICE = "With restore:backup the engine has the password of the backup"


class Unreachable(CommandExecutionError):
    """The engine doesn't answer: no connection, or one that breaks, or 503 while it starts."""


class NotUpYet(Unreachable, NotYet):
    """The same in test mode, where an earlier state, or HA, would bring the engine up."""


@contextlib.contextmanager
def engine(
    opts: Mapping[str, Any],
    pillar: Mapping[str, Any],
    grains: Mapping[str, Any],
    context: MutableMapping[str, Any],
) -> Iterator[Any]:
    """
    The root of the engine's services (``ovirtsdk4.services.SystemService``).

    Raises NotYet where no engine has been set up yet, Paused where it is down because an operator
    wants it so, Unreachable where it doesn't answer (NotUpYet in test mode), CommandExecutionError
    for all that the engine refuses, with its reason.
    """
    # First whether there is an engine: the SDK is installed on the way to it.
    site = Site(pillar, grains)
    sdk = _sdk()
    try:
        yield _connection(sdk, site, opts, context).system_service()
    except sdk.Error as error:
        # A fault is an answer: the connection is sound. Anything else may have left it half-read.
        if error.code is None or error.code == 503:
            forget(context)
        raise _translated(sdk, site, error) from error


def forget(context: MutableMapping[str, Any]) -> None:
    """Drop the connection that this run keeps; the next use makes another."""
    _, process, connection = context.pop(KEY, (None, None, None))
    # A forked child must not shut its parent's TLS session down.
    if connection is not None and process == os.getpid():
        connection.close(logout=False)


def pki_resource(
    pillar: Mapping[str, Any], grains: Mapping[str, Any], resource: str, form: str
) -> str:
    """
    A certificate or key that the engine publishes, such as engine-certificate, OPENSSH-PUBKEY.

    Raises NotYet and Unreachable as ``engine`` does.
    """
    site = Site(pillar, grains)
    return site.get(f"/services/pki-resource?resource={resource}&format={form}")


class Site:
    """Where the engine is, and by which CA one knows that it is the one."""

    def __init__(self, pillar: Mapping[str, Any], grains: Mapping[str, Any]) -> None:
        self.settings = settings.load(pillar, grains)
        self.fqdn: str = self.settings["engine"]["fqdn"]
        self.port: int = self.settings["engine"]["port"]
        self.password = settings.secret(pillar, "admin_password") or Secret("")
        setup = record.read("setup")
        # Only a file that isn't empty counts: a package may bring an empty one.
        configured = CONFIGURATION.is_file() and CONFIGURATION.stat().st_size > 0
        self.deployed = configured or bool((record.read("deployment") or {}).get("healthy"))
        # A host that joins a running engine has neither: it is told by which CA to know it.
        if setup is None and not self.deployed and not self.settings["host"]["joins"]:
            raise NotYet(f"The engine {self.fqdn} isn't set up yet: hosted_engine.bootstrap does")
        keycloak = (setup or {}).get("keycloak", self.settings["engine"]["keycloak"])
        self.user = "admin@ovirt@internalsso" if keycloak else "admin@internal"
        self.ca_file = self._ca_file()
        port = "" if self.port == 443 else f":{self.port}"
        self.url = f"https://{self.fqdn}{port}/ovirt-engine"

    def _ca_file(self) -> Path:
        if given := self.settings["engine"]["ca_file"]:
            if not Path(given).is_file():
                raise CommandExecutionError(
                    f"hosted_engine:engine:ca_file: there is no file {given} on this host"
                )
            return Path(given)
        for path in (record.DIRECTORY / "engine-ca.pem", VDSM_CA):
            if path.is_file():
                return path
        raise NotYet(f"The engine's CA isn't known yet: no {record.DIRECTORY}/engine-ca.pem")

    def address(self) -> str:
        """The engine's address now: it changes when the engine moves to its final place."""
        try:
            found = socket.getaddrinfo(self.fqdn, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{self.fqdn} can't be resolved: {error}") from error
        return str(found[0][4][0])

    def get(self, path: str) -> str:
        """
        What the engine serves to anybody at ``path``, below /ovirt-engine.

        Raises Unreachable when it doesn't answer, CommandExecutionError when TLS isn't to be
        trusted or there is no such page.
        """
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            # The engine is addressed directly, as by the SDK: never through a proxy of the host.
            opener = urllib.request.build_opener(
                urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({})
            )
            with opener.open(self.url + path, timeout=HEALTH_SECONDS) as answer:
                return answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            kind = Unreachable if error.code in (502, 503, 504) else CommandExecutionError
            raise kind(f"{self.url}{path}: {error.code} {error.reason}") from error
        except ssl.SSLError as error:
            raise self._untrusted(error) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise self._untrusted(reason) from error
            raise Unreachable(f"The engine doesn't answer at {self.url}: {reason}") from error

    def check_health(self) -> None:
        """Raises Unreachable unless the engine and its database answer."""
        said = self.get("/services/health").strip()
        if "DB Up" not in said:
            raise Unreachable(f"{self.url}/services/health: {said[:200]}")

    def _untrusted(self, reason: Exception) -> CommandExecutionError:
        return CommandExecutionError(
            f"The certificate of {self.url} isn't to be trusted: {reason}. It was checked against "
            f"{self.ca_file}; where a company's CA signed it, set hosted_engine:engine:ca_file"
        )


def _sdk() -> Any:
    try:
        import ovirtsdk4
    except ImportError as error:
        raise NotYet(
            f"The engine's SDK is missing in Salt's own Python ({error}). Install it: "
            "salt-call --local state.apply hosted_engine.appliance, "
            "or salt-pip install ovirt-engine-sdk-python"
        ) from error
    return ovirtsdk4


def _connection(
    sdk: Any, site: Site, opts: Mapping[str, Any], context: MutableMapping[str, Any]
) -> Any:
    try:
        key = (site.url, site.address(), str(site.ca_file), site.user, site.password)
        kept, process, connection = context.get(KEY, (None, None, None))
        if connection is not None and process == os.getpid() and kept == key:
            return connection
        forget(context)
        # The SDK's sign-in has no time-out: first make sure that somebody answers.
        site.check_health()
    except Unreachable as error:
        test = bool(opts.get("test"))
        # A host that joins has no state that brings the engine up.
        expected = test and (site.deployed or not site.settings["host"]["joins"])
        refused = NotUpYet(str(error)) if expected else error
        if not site.deployed:
            raise refused from error
        explain_or_wait(site, refused, test=test)
        key = (site.url, site.address(), str(site.ca_file), site.user, site.password)
    connection = sdk.Connection(
        url=f"{site.url}/api",
        username=site.user,
        password=site.password.value,
        ca_file=str(site.ca_file),
        timeout=site.settings["timeouts"]["request"],
    )
    connection.authenticate()
    context[KEY] = (key, os.getpid(), connection)
    return connection


def _translated(sdk: Any, site: Site, error: Any) -> CommandExecutionError:
    where = f"The engine {site.fqdn}"
    if isinstance(error, sdk.AuthError):
        restored = f". {RESTORED_ADVICE}" if site.settings["restore"]["backup"] else ""
        return CommandExecutionError(
            f"{where} refuses {site.user}: {_said(error)}. Advice: {SIGN_IN_ADVICE}{restored}"
        )
    if error.code is None or error.code in (502, 503, 504):
        return Unreachable(f"{where} doesn't answer at {site.url}: {_said(error)}")
    return CommandExecutionError(f"{where} refuses: {_said(error)}")


def _said(error: Any) -> str:
    """Reason and detail of a fault; else what the SDK says, without what only it understands."""
    if error.fault is not None:
        detail = re.sub(r"^\[(.*)\]$", r"\1", error.fault.detail or "", flags=re.DOTALL)
        parts = [part for part in (error.fault.reason, detail) if part]
        return f"{': '.join(parts)} (HTTP {error.code})"
    return str(error)


def named(service: Any, name: str, **options: Any) -> Any:
    """
    The entity ``name`` of a collection, or None.

    Raises CommandExecutionError where several bear that name.
    """
    # The search language takes * for a pattern and ignores case; names are compared here.
    listed = service.list(search=f"name={name}", **options)
    found = [item for item in listed if item.name == name]
    if len(found) > 1:
        raise CommandExecutionError(
            f"{name} is there {len(found)} times: remove or rename all but one"
        )
    return found[0] if found else None
