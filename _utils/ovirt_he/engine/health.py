"""The engine's health page, over TLS that is verified; proxies aren't used."""

from __future__ import annotations

import http.client
import urllib.error
from pathlib import Path
from typing import Any

from ovirt_he.core.text import safe
from ovirt_he.engine import https

HEALTHY = "Welcome to Health Status"
SECONDS = 10


def seen(engine: dict[str, Any], ca_file: Path) -> str:
    """
    ok, or what came instead: a status, another page, a refused connection or certificate.

    ``engine``: the settings with ``fqdn`` and ``port``.
    """
    if not ca_file.exists():
        return f"unknown: there is no {ca_file} to verify the engine by"
    url = f"https://{engine['fqdn']}:{engine['port']}/ovirt-engine/services/health"
    try:
        with https.opener(ca_file).open(url, timeout=SECONDS) as page:
            said = page.read(4096).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return f"{url}: HTTP {error.code}: {safe(error.read(500).decode(errors='replace'))}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{url}: {getattr(error, 'reason', error)}"
    return "ok" if HEALTHY in said else f"{url}: {safe(said)}"
