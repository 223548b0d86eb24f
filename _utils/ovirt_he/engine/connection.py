"""
A verified connection to the engine, cached per run and process; SDK errors become Salt errors.

The SDK signs in again by itself when a token expires, so there is no second layer here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from salt.exceptions import CommandExecutionError, SaltException

from ovirt_he.core import records
from ovirt_he.core.errors import NotUpYet, NotYet, Unreachable
from ovirt_he.core.text import Secret, safe
from ovirt_he.engine import events, health, https, sdk
from ovirt_he.engine.unavailable import wait_for_ha_or_raise
from ovirt_he.ha import conf
from ovirt_he.pillar import settings

VDSM_CA = Path("/etc/pki/vdsm/certs/cacert.pem")
KEY = "hosted_engine_connection"
HEALTH_SECONDS = 10

SIGN_IN_ADVICE = (
    "check the pillar key hosted_engine:secrets:admin_password. "
    "If the password was changed in the engine, change it in the pillar too"
)
RESTORED_ADVICE = "With restore:backup the engine has the password of the backup"


class UnderWay(CommandExecutionError):
    """The engine refuses because it is already doing this, or something that excludes it."""


@contextlib.contextmanager
def engine(
    opts: Mapping[str, Any],
    pillar: Mapping[str, Any],
    grains: Mapping[str, Any],
    context: MutableMapping[str, Any],
) -> Iterator[Any]:
    """
    The root of the engine's services (``ovirtsdk4.services.SystemService``).

    Raises NotYet where no engine has been set up yet, Paused where it is down under global
    maintenance, Unreachable where it doesn't answer (NotUpYet in test mode), CommandExecutionError
    for everything that the engine refuses, with its reason.
    """
    # First check that there is an engine: the deployment installs the SDK.
    site = Site(pillar, grains)
    library = sdk.load()
    api = None
    try:
        api = _connection(library, site, opts, context).system_service()
        yield api
    except SaltException as error:
        # The engine may be down when the SDK renews a token.
        if isinstance(error, Unreachable):
            forget(context)
        raise
    except Exception as error:
        if not sdk.raised(error):
            raise
        # A fault is a complete answer. After anything else, part of an answer may be unread.
        if not (isinstance(error, library.Error) and sdk.is_answer(error)):
            forget(context)
        raise _translated(library, site, error, api) from error


def forget(context: MutableMapping[str, Any]) -> None:
    """Drop the connection that this run has cached; the next use opens another."""
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
    """The engine's address and the CA that verifies it."""

    def __init__(self, pillar: Mapping[str, Any], grains: Mapping[str, Any]) -> None:
        self.settings = settings.load(pillar, grains)
        self.fqdn: str = self.settings["engine"]["fqdn"]
        self.port: int = self.settings["engine"]["port"]
        self.password = settings.secret(pillar, "admin_password") or Secret("")
        setup = records.read("setup")
        healthy = (records.read("deployment") or {}).get("healthy") is True
        self.deployed = conf.is_written() or healthy
        # A host that joins a running engine has neither: engine:ca_file names the CA.
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
        for path in (records.ca(), VDSM_CA):
            if path.is_file():
                return path
        raise NotYet(f"The engine's CA isn't known yet: no {records.ca()}")

    def address(self) -> str:
        """The engine's current address: it changes when the engine moves to shared storage."""
        try:
            found = socket.getaddrinfo(self.fqdn, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{self.fqdn} can't be resolved: {error}") from error
        return str(found[0][4][0])

    def get(self, path: str) -> str:
        """
        The public page at ``path``, below /ovirt-engine.

        Raises Unreachable when the engine doesn't answer, CommandExecutionError when TLS can't be
        verified or there is no such page.
        """
        return self._ask(self.url + path, HEALTH_SECONDS)

    def sign_in(self, url: str, form: dict[str, str]) -> str:
        """The SSO's answer to a form: JSON, after a refusal as well."""
        data = urllib.parse.urlencode(form).encode()
        headers = {"Accept": "application/json"}
        request = urllib.request.Request(url, data, headers)  # noqa: S310  https, of self.url
        return self._ask(request, self.settings["timeouts"]["request"])

    def _ask(self, request: str | urllib.request.Request, seconds: float) -> str:
        """The page; JSON that refuses, as a sign-in gets it, is returned as well."""
        url = request if isinstance(request, str) else request.full_url
        try:
            with https.opener(self.ca_file).open(request, timeout=seconds) as answer:
                return answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            if error.headers.get_content_type() == "application/json":
                return error.read().decode(errors="replace")
            kind = Unreachable if error.code in sdk.GATEWAY else CommandExecutionError
            elsewhere = f", to {place}" if (place := error.headers.get("Location")) else ""
            raise kind(f"{url}: {safe(f'{error.code} {error.reason}{elsewhere}')}") from error
        except https.FAILURES as error:
            # An SSLError's reason alone is a single word.
            reason = error if isinstance(error, ssl.SSLError) else getattr(error, "reason", error)
            # Not wrapped: raised by the CA's file, or by a connection that broke later.
            bare = reason is error and isinstance(error, ssl.SSLError)
            broken = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
            if isinstance(reason, ssl.SSLCertVerificationError) or (bare and not broken):
                raise self._untrusted(reason) from error
            raise Unreachable(f"The engine doesn't answer at {self.url}: {reason}") from error

    def check_health(self) -> None:
        """Raises Unreachable unless the engine and its database answer."""
        if refusal := health.refusal(self.get(health.PATH)):
            raise Unreachable(f"{self.url}{health.PATH}: {refusal}")

    def _untrusted(self, reason: Exception) -> CommandExecutionError:
        return CommandExecutionError(
            f"The certificate of {self.url} can't be verified: {reason}. It was checked against "
            f"{self.ca_file}; if a company's CA signed it, set hosted_engine:engine:ca_file"
        )


def _connection(
    library: Any, site: Site, opts: Mapping[str, Any], context: MutableMapping[str, Any]
) -> Any:
    try:
        key = (site.url, site.address(), str(site.ca_file), site.user, site.password)
        kept, process, connection = context.get(KEY, (None, None, None))
        if connection is not None and process == os.getpid() and kept == key:
            return connection
        forget(context)
        # Distinguishes an engine that is starting from one that refuses the password.
        site.check_health()
    except Unreachable as error:
        test = bool(opts.get("test"))
        # On a host that joins, no state brings the engine up.
        expected = test and (site.deployed or not site.settings["host"]["joins"])
        refused = NotUpYet(str(error)) if expected else error
        if not site.deployed:
            raise refused from error
        seconds = 0 if test else site.settings["timeouts"]["engine"]
        wait_for_ha_or_raise(refused, site.fqdn, site.check_health, timeout=seconds)
        key = (site.url, site.address(), str(site.ca_file), site.user, site.password)
    connection = sdk.connect(
        library,
        site.sign_in,
        url=f"{site.url}/api",
        username=site.user,
        password=site.password.value,
        ca_file=str(site.ca_file),
        timeout=site.settings["timeouts"]["request"],
    )
    connection.authenticate()
    context[KEY] = (key, os.getpid(), connection)
    return connection


def _translated(library: Any, site: Site, error: Any, api: Any) -> CommandExecutionError:
    where, reason = f"The engine {site.fqdn}", sdk.reason(error)
    if isinstance(error, library.AuthError):
        restored = f". {RESTORED_ADVICE}" if site.settings["restore"]["backup"] else ""
        return CommandExecutionError(
            f"{where} refuses {site.user}: {reason}. Advice: {SIGN_IN_ADVICE}{restored}"
        )
    if not isinstance(error, library.Error) or not sdk.is_answer(error):
        return Unreachable(f"{where} doesn't answer at {site.url}: {reason}")
    if sdk.is_under_way(error):
        return UnderWay(f"{where} refuses: {reason}")
    # Where the engine tried, the events say more than the reason.
    more = events.explained(api) if api is not None and error.fault is not None else ""
    return CommandExecutionError(f"{where} refuses: {reason}{more}")


def named(service: Any, name: str, **options: Any) -> Any:
    """
    The entity ``name`` of a collection, or None.

    Raises CommandExecutionError where several have that name.
    """
    # The search language takes * for a pattern and ignores case; names are compared here.
    listed = service.list(search=f"name={name}", **options)
    found = [item for item in listed if item.name == name]
    if len(found) > 1:
        raise CommandExecutionError(
            f"The engine has {name} {len(found)} times: remove or rename all but one"
        )
    return found[0] if found else None


def find(service: Any, name: str, kind: str) -> Any:
    """The entity ``name`` of a collection, of the ``kind``. Raises NotYet where there is none."""
    if (found := named(service, name)) is None:
        raise NotYet(f"The {kind} {name} isn't in the engine yet")
    return found
