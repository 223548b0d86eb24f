"""The engine's health page: what a healthy engine shows, and how to read it before sign-in."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.engine import https

PATH = "/services/health"
# The database answers, and the engine as well.
HEALTHY = ("DB Up", "Welcome to Health Status")
SECONDS = 10


def refusal(page: str) -> str:
    """What the page shows instead of a healthy engine; empty: the engine is healthy."""
    return "" if all(part in page for part in HEALTHY) else safe(page.strip()[:500]) or "empty"


def check(engine: dict[str, Any], ca_file: Path) -> str:
    """
    ok, or what was received instead: a status, another page, a refused connection or certificate.

    ``engine``: the settings with ``fqdn`` and ``port``.
    """
    if not ca_file.exists():
        return f"unknown: there is no {ca_file} to verify the engine by"
    url = f"https://{engine['fqdn']}:{engine['port']}/ovirt-engine{PATH}"
    try:
        with https.opener(ca_file).open(url, timeout=SECONDS) as page:
            reported = refusal(page.read(4096).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return f"{url}: HTTP {error.code}: {safe(error.read(500).decode(errors='replace'))}"
    except https.FAILURES as error:
        return f"{url}: {getattr(error, 'reason', error)}"
    return f"{url}: {reported}" if reported else "ok"
