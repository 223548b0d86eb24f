"""HTTPS to the engine: verified, straight to it, and nowhere else."""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from pathlib import Path
from typing import Any

# What opening and reading a page raises, beside what a server answers (HTTPError).
FAILURES = (OSError, ValueError, http.client.HTTPException)


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an error (HTTPError): nobody asked whoever is behind it."""

    def redirect_request(self, *_: Any) -> None:
        return None


def opener(ca_file: Path) -> urllib.request.OpenerDirector:
    """
    What opens a URL of the engine: never through a proxy that the environment names.

    Raises OSError for a CA that can't be read.
    """
    trusted = ssl.create_default_context(cafile=str(ca_file))
    return urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trusted), urllib.request.ProxyHandler({}), _Stay
    )
