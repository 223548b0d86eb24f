"""The engine's API by curl on a lab host, its CA verified: not the path that the product takes."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

Run = Callable[..., Any]


class Engine:
    """What curl, run on a hypervisor, gets from the engine."""

    def __init__(self, run: Run, fqdn: str, ca_file: str, password: str) -> None:
        self._run, self._fqdn, self._ca_file, self._password = run, fqdn, ca_file, password

    def _curl(self, path: str, *options: str, stdin: str | None = None) -> str:
        url = f"https://{self._fqdn}/ovirt-engine{path}"
        command = ["curl", "-sS", "--fail-with-body", "--cacert", self._ca_file, *options, url]
        return self._run(command, input=stdin).stdout

    def health(self) -> str:
        return self._curl("/services/health")

    def token(self) -> str:
        form = urllib.parse.urlencode(
            {
                "grant_type": "password",
                "scope": "ovirt-app-api",
                "username": "admin@internal",
                "password": self._password,
            }
        )
        answer = self._curl(
            "/sso/oauth/token", "-H", "Accept: application/json", "--data", "@-", stdin=form
        )
        return json.loads(answer)["access_token"]

    def get(self, path: str) -> ElementTree.Element:
        # The header by stdin: a token on a command line would be everybody's.
        headers = f"Authorization: Bearer {self.token()}\nVersion: 4\nAccept: application/xml\n"
        return ElementTree.fromstring(self._curl(f"/api{path}", "-H", "@-", stdin=headers))

    def named(self, collection: str, name: str) -> ElementTree.Element:
        found = [e for e in self.get(f"/{collection}") if e.findtext("name") == name]
        assert len(found) == 1, f"{len(found)} of {collection} named {name}"
        return found[0]
