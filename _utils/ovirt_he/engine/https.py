"""HTTPS to the engine: verified, without proxies and redirects."""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from pathlib import Path
from typing import Any

# What opening and reading a page raises, apart from the answers of a server (HTTPError).
FAILURES = (OSError, ValueError, http.client.HTTPException)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Turns a redirect into an error (HTTPError)."""

    def redirect_request(self, *_: Any) -> None:
        return None


def opener(ca_file: Path) -> urllib.request.OpenerDirector:
    """
    An opener for URLs of the engine that ignores the environment's proxies.

    Raises OSError for a CA that can't be read.
    """
    trusted = ssl.create_default_context(cafile=str(ca_file))
    return urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trusted), urllib.request.ProxyHandler({}), _Stay
    )
