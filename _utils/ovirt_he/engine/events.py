"""What the engine logged, as lines for a person: the reason behind a status or a refusal."""

from __future__ import annotations

from typing import Any

from ovirt_he.core.text import safe

NEWEST = 5


def recent(api: Any, host: str = "", limit: int = NEWEST) -> list[str]:
    """The last warnings and errors, newest first; ``host``: an id, only those about that host."""
    events = api.events_service().list(search="severity>=warning", max=200)
    if host:
        events = [event for event in events if event.host and event.host.id == host]
    events.sort(key=lambda event: int(event.id), reverse=True)
    # Descriptions hold names that users chose.
    return [f"{safe(event.description or '')} (code {event.code})" for event in events[:limit]]


def paragraph(lines: list[str]) -> str:
    """Such lines at the end of an error message."""
    return "The engine's events, newest first:\n" + "\n".join(lines or ["none"])


def explained(api: Any) -> str:
    """The newest events as a paragraph; empty where there are none, or they can't be read."""
    try:
        lines = recent(api)
    except Exception:  # an error is being reported: whatever fails here must not take its place
        return ""
    return f"\n{paragraph(lines)}" if lines else ""
