"""What the engine logged: the reason behind a status."""

from __future__ import annotations

from ovirt_he.engine import connection, events
from salt.exceptions import CommandExecutionError


def recent(host: str = "", limit: int = 5) -> list[str]:
    """
    The last warnings and errors, newest first; ``host``: only those about the host of this name.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_event.recent node1.example.com limit=10
    """
    with connection.engine(__opts__, __pillar__, __grains__, __context__) as api:
        found = connection.named(api.hosts_service(), host) if host else None
        return events.recent(api, found.id if found else "", limit)


def explanation(host: str = "") -> str:
    """
    The same as a paragraph for an error message. It never raises.

    CLI Example:

    .. code-block:: bash

        salt-call --local ovirt_event.explanation
    """
    try:
        return events.paragraph(recent(host))
    except CommandExecutionError as error:
        return f"The engine's events can't be read: {error}"
